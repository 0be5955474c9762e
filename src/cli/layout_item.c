/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layout_item.h"

#include <strings.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "catalog/spelling.h"
#include "layout/layout.h"

#define BLANKS " \t"

static int refuse(const char *word, struct error *err)
{
    error_set(err, REASON_INVALID, "", "\"%s\" is not NAME[@START][=COUNT]", word);
    error_hint(err,
               "COUNT is a number from 1 to %d; START is a memory slice, or of a vGPU its "
               "placement id",
               LAYOUT_ITEM_MAX);
    return -REASON_INVALID;
}

/* Length of a sign for "times": x, *, × */
static size_t times_len(const char *text)
{
    static const char sign[] = "\xc3\x97";
    if (str_starts(text, sign)) {
        return strlen(sign);
    }
    return *text == 'x' || *text == 'X' || *text == '*' ? 1 : 0;
}

/* "2 x 1g.5gb": takes the count off the front. */
static void cut_times_before(struct layout_item *item)
{
    size_t digits = strspn(item->name, "0123456789");
    const char *at = item->name + digits;
    at += strspn(at, BLANKS);
    size_t sign = digits > 0 ? times_len(at) : 0;
    if (sign == 0) {
        return;
    }
    const char *rest = at + sign;
    rest += strspn(rest, BLANKS);
    item->name[digits] = '\0';
    if (*rest != '\0' && parse_u32(item->name, &item->count)) {
        memmove(item->name, rest, strlen(rest) + 1);
    }
}

/* "1g.5gb x 2": the same behind. The sign stands apart, as names may have an x of their own. */
static void cut_times_behind(struct layout_item *item)
{
    char *blank = strpbrk(item->name, BLANKS);
    while (blank != NULL) {
        const char *at = blank + strspn(blank, BLANKS);
        size_t sign = times_len(at);
        const char *number = at + sign + strspn(at + sign, BLANKS);
        if (sign > 0 && parse_u32(number, &item->count)) {
            *blank = '\0';
            return;
        }
        blank = strpbrk(at, BLANKS);
    }
}

/* Reads a start or a count: LAYOUT_ANYWHERE is what an item without one has. */
static bool read_number(const char *text, uint32_t *ret_number)
{
    return parse_u32(text, ret_number) && *ret_number != LAYOUT_ANYWHERE;
}

/* Cuts the text at the mark and reads the number behind it; false if there is something else. */
static bool cut_number(char *text, char mark, uint32_t *ret_number)
{
    char *at = strrchr(text, mark);
    if (at == NULL) {
        return true;
    }
    *at = '\0';
    return read_number(str_trim(at + 1), ret_number);
}

/* "1g.5gb: 3", as a file has it. On a command line a colon is nvidia-smi's, without a blank. */
static int refuse_colon(const char *name, const char *word, uint32_t number, struct error *err)
{
    error_set(err, REASON_INVALID, "", "\"%s\" is how a file writes a count", word);
    error_hint(err, "write %s=%u for %u of them, %s@%u for one that starts at %u", name, number,
               number, name, number, number);
    return -REASON_INVALID;
}

/* "9:0" starts at 0, "gpu:1g.5gb:2" are two. What is no number belongs to the name. */
static int cut_colon(struct layout_item *item, const char *word, struct error *err)
{
    char *at = strrchr(item->name, ':');
    uint32_t number = 0;
    if (at == NULL || !read_number(at + 1 + strspn(at + 1, BLANKS), &number)) {
        return 0;
    }
    bool counts = spelling_has_count(item->name);
    bool blank = at[1] == ' ' || at[1] == '\t';
    *at = '\0';
    if (blank && !counts) {
        return refuse_colon(item->name, word, number, err);
    }
    *(counts ? &item->count : &item->start) = number;
    item->colon = !counts;
    return 0;
}

/* "gpu:a100:2(S:0-15)": Slurm's list of sockets. */
static void cut_sockets(struct layout_item *item)
{
    char *at = strstr(item->name, "(S:");
    if (at != NULL && spelling_has_count(item->name)) {
        *at = '\0';
    }
}

int layout_item_parse(const char *word, struct layout_item *ret_item, struct error *err)
{
    struct layout_item item = {.start = LAYOUT_ANYWHERE, .count = 1};
    CLEANUP_FREE char *copy = xstrdup(word);
    const char *text = str_trim(copy);
    int r = spelling_refuse(text, err);
    if (r != 0) {
        return r;
    }
    if (!STR_SET(item.name, spelling_behind_key(text))) {
        return refuse(word, err);
    }
    cut_sockets(&item);
    cut_times_before(&item);
    cut_times_behind(&item);
    if (!cut_number(item.name, '=', &item.count) || !cut_number(item.name, '@', &item.start)) {
        return refuse(word, err);
    }
    r = cut_colon(&item, word, err);
    if (r != 0) {
        return r;
    }
    if (item.name[0] == '\0') {
        return refuse(word, err);
    }
    if (item.count == 0 || item.count > LAYOUT_ITEM_MAX) {
        return error_set(err, REASON_INVALID, "", "\"%s\": a count is from 1 to %d", word,
                         LAYOUT_ITEM_MAX);
    }
    *ret_item = item;
    return 0;
}

/* "gfx" of "1g.24gb+me,gfx" is no item of its own. */
static bool is_attribute(const char *text)
{
    return strncasecmp(text, "gfx", 3) == 0 || strncasecmp(text, "me", 2) == 0;
}

char *layout_item_cut(const char **rest)
{
    const char *list = *rest + strspn(*rest, BLANKS ",");
    if (*list == '\0') {
        return NULL;
    }
    size_t len = strcspn(list, ",");
    while (list[len] == ',' && is_attribute(list + len + 1)) {
        len += 1 + strcspn(list + len + 1, ",");
    }
    *rest = list + len;
    return xstrndup(list, len);
}
