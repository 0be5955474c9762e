/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource names: k8s-device-plugin (nvidia.com/mig-<profile>, "+" written as ".", ".shared" behind
 * a time-sliced one), kubevirt-gpu-device-plugin (a vGPU type with "_" for blanks), Slurm's
 * gres.conf manual (gpu:<type>:<count>, MIG types as <board>_<profile>), the kernel's mdev
 * documentation (nvidia-<type id>).
 */
#include "catalog/spelling.h"

#include <strings.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/profile_name.h"

/* What stands before a name, outermost first; `counts`: a number behind ":" is a count then. */
static const struct {
    const char *text;
    bool counts;
} prefixes[] = {
    {"requests.", true},   {"limits.", true},   {"gres=", true},
    {"nvidia.com/", true}, {"gres/gpu:", true}, {"gres:gpu:", true},
    {"gpu:", true},        {"mig-", false},     {"mig ", false},
};

static const char *skip(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncasecmp(text, prefix, len) == 0 ? text + len : NULL;
}

bool spelling_has_count(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (prefixes[i].counts && skip(text, prefixes[i].text) != NULL) {
            return true;
        }
    }
    return false;
}

static const char *skip_all(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        const char *rest = skip(text, prefixes[i].text);
        text = rest != NULL ? rest : text;
    }
    return text;
}

static void cut_at(char *text, const char *word)
{
    for (char *at = text; *at != '\0'; at++) {
        if (skip(at, word) != NULL) {
            *at = '\0';
            return;
        }
    }
}

/* "1g.24gb.me.all" and "1g.5gb.me" as "1g.24gb+me.all" and "1g.5gb+me". */
static void restore_plus(char *name)
{
    char *at = strchr(name, '.');
    while (at != NULL) {
        if (skip(at, ".me") != NULL || skip(at, ".gfx") != NULL) {
            *at = '+';
        }
        at = strchr(at + 1, '.');
    }
}

/* "a100_1g.5gb" as board and profile. */
static void split_board(struct spelling *spelling)
{
    char *mark = strrchr(spelling->name, '_');
    struct profile_name ignored;
    if (mark == NULL || mark == spelling->name ||
        profile_name_parse(mark + 1, &ignored, NULL) != 0) {
        return;
    }
    *mark = '\0';
    STR_SET(spelling->board, spelling->name);
    memmove(spelling->name, mark + 1, strlen(mark + 1) + 1);
}

/* White space around it gone; false, and no name, if it is longer than any. */
static bool take_trimmed(struct spelling *spelling, const char *text)
{
    char copy[SPELLING_SIZE];
    bool whole = STR_SET(copy, text);
    (void)STR_SET(spelling->name, whole ? str_trim(copy) : "");
    return whole;
}

struct spelling spelling_of_profile(const char *text)
{
    struct spelling spelling = {.name = ""};
    if (!take_trimmed(&spelling, text)) {
        return spelling;
    }
    (void)take_trimmed(&spelling, skip_all(spelling.name));
    cut_at(spelling.name, " device ");
    cut_at(spelling.name, ".shared");
    (void)take_trimmed(&spelling, spelling.name);
    restore_plus(spelling.name);
    split_board(&spelling);
    return spelling;
}

/* "NVIDIA_A10-24Q": a resource's name has no blanks. */
static bool has_underscored_brand(const char *name)
{
    return skip(name, "nvidia_") != NULL || skip(name, "grid_") != NULL;
}

struct spelling spelling_of_type(const char *text)
{
    struct spelling spelling = {.name = ""};
    if (!take_trimmed(&spelling, text)) {
        return spelling;
    }
    const char *slash = strrchr(spelling.name, '/');
    bool is_path = spelling.name[0] == '/' && slash != NULL;
    const char *name = skip(spelling.name, "nvidia.com/");
    bool is_resource = name != NULL;
    name = is_path ? slash + 1 : is_resource ? name : spelling.name;
    uint32_t id = 0;
    const char *number = skip(name, "nvidia-");
    if (number != NULL && parse_u32(number, &id)) {
        name = number;
    }
    (void)take_trimmed(&spelling, name);
    bool underscored = is_resource || has_underscored_brand(spelling.name);
    for (char *at = spelling.name; underscored && *at != '\0'; at++) {
        *at = *at == '_' ? ' ' : *at;
    }
    return spelling;
}
