/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/unknown_name.h"

#include <string.h>
#include <strings.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/board_name.h"
#include "catalog/lookup.h"
#include "catalog/profile_name.h"
#include "catalog/spelling.h"

/* Kubernetes' and Slurm's words for a GPU that is not divided. */
static const char *const whole_words[] = {"gpu", "pgpu", "gpu.shared"};

static bool is_whole_gpu(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(whole_words); i++) {
        if (str_eq_case(name, whole_words[i])) {
            return true;
        }
    }
    return false;
}

/* ---- profiles ---- */

/* "1c.2g.20gb": an instance inside of an instance. */
static int refuse_compute_instance(const struct profile_name *name, const char *text,
                                   struct error *err)
{
    error_set(err, REASON_INVALID, text,
              "\"%s\" is a compute instance, but a claim gets a whole GPU instance", text);
    error_hint(err, "ask for %s", name->gi);
    return -REASON_INVALID;
}

/* "3g.20gb@4" where no place can stand behind the name. */
static int refuse_place(const struct cat_profile *profile, const char *number, const char *text,
                        struct error *err)
{
    error_set(err, REASON_INVALID, text,
              "\"%s\" contains a profile and its start, which must be given separately", text);
    error_hint(err, "write profile: %s and start: %s (on the command line, --profile %s@%s)",
               profile->name, number, profile->name, number);
    return -REASON_INVALID;
}

/* "gpu:3g.20gb:2" where one is asked for. */
static int refuse_count(const struct cat_profile *profile, const char *text, struct error *err)
{
    error_set(err, REASON_INVALID, text, "\"%s\" contains a count, but a claim gets one", text);
    error_hint(err, "ask for %s, once for each", profile->name);
    return -REASON_INVALID;
}

/* Cuts a place off: "3g.20gb@4", "9:4". NULL if there is none. */
static const char *cut_place(char *name)
{
    char *mark = strrchr(name, '@');
    mark = mark != NULL ? mark : strrchr(name, ':');
    uint32_t ignored = 0;
    if (mark == NULL || !parse_u32(mark + 1 + strspn(mark + 1, " "), &ignored)) {
        return NULL;
    }
    *mark = '\0';
    return mark + 1;
}

/* A profile that is named together with another board. */
static int refuse_board(const struct gpu_model *model, const struct spelling *spelling,
                        const char *text, struct error *err)
{
    error_set(err, REASON_INVALID, text, "\"%s\" is a %s of a board \"%s\", but this board is %s",
              text, spelling->name, spelling->board, model->name);
    error_hint(err, "leave out \"%s_\" if it is meant for this board", spelling->board);
    return -REASON_INVALID;
}

/* "nvidia.com/mig-1g.5gb.shared": k8s-device-plugin's sharing.timeSlicing. */
static int refuse_shared(const struct spelling *spelling, const char *text, struct error *err)
{
    error_set(err, REASON_INVALID, text,
              "\"%s\" is a share of an instance that several containers use in turn, and no "
              "instance",
              text);
    error_hint(err, "ask for the instance: %s; VMs share one by vGPUs: --vgpu TYPE=COUNT",
               spelling->name);
    return -REASON_INVALID;
}

/* "MIG-<uuid>" of the driver, "MIG-GPU-<uuid>/1/0" of older ones. */
static bool is_mig_device(const char *text)
{
    static const char mig[] = "MIG-";
    static const char gpu[] = "GPU-";
    if (!str_starts(text, mig)) {
        return false;
    }
    const char *uuid = text + strlen(mig);
    return str_starts(uuid, gpu) || parse_uuid(uuid);
}

/* "GPU-<uuid>" of the driver. */
static bool is_gpu_uuid(const char *text)
{
    static const char gpu[] = "GPU-";
    return str_starts(text, gpu) && parse_uuid(text + strlen(gpu));
}

/* "gpu:nvidia_a100-pcie-40gb" of Slurm, or "a100" alone. A type's name begins with its board, too.
 */
static bool is_board(const struct gpu_model *model, const char *text, const char *name)
{
    bool one_word = name[0] != '\0' && name[strcspn(name, "-_ ")] == '\0';
    return (one_word || (name[0] != '\0' && spelling_has_count(text))) &&
           cat_is_of_board(model, name);
}

/* What the text is, if it is something else. 0 if it is nothing known. */
static int refuse_as_other(const struct gpu_model *model, const char *text, struct error *err)
{
    struct spelling spelling = spelling_of_profile(text);
    struct profile_name name;
    bool is_profile = profile_name_parse(spelling.name, &name, NULL) == 0;
    if (spelling.shared && is_profile) {
        return refuse_shared(&spelling, text, err);
    }
    int other = spelling_refuse(text, err);
    if (other != 0) {
        return other;
    }
    if (spelling.board[0] != '\0' && !cat_is_of_board(model, spelling.board)) {
        return refuse_board(model, &spelling, text, err);
    }
    if (is_profile && name.ci_slices > 0) {
        return refuse_compute_instance(&name, text, err);
    }
    bool letter_forgotten = false;
    const struct cat_vgpu_type *type = lookup_type(model, text, &letter_forgotten);
    if (type != NULL && !letter_forgotten) {
        error_set(err, REASON_INVALID, text, "\"%s\" is a vGPU type, not a GPU instance profile",
                  text);
        error_hint(err, "give it as a type: %s", cat_short_type(type->name));
        return -REASON_INVALID;
    }
    const char *number = cut_place(spelling.name);
    const struct cat_profile *profile =
        number != NULL ? lookup_profile(model, spelling.name) : NULL;
    if (profile != NULL) {
        bool counts = spelling_has_count(text) || number[0] == ' ';
        return counts ? refuse_count(profile, text, err) : refuse_place(profile, number, text, err);
    }
    if (is_mig_device(text)) {
        return error_set(err, REASON_INVALID, text, "\"%s\" is an existing instance, not a profile",
                         text);
    }
    if (is_whole_gpu(spelling.name) || is_gpu_uuid(text) || is_board(model, text, spelling.name)) {
        error_set(err, REASON_INVALID, text, "\"%s\" is a whole GPU, not a part of one", text);
        error_hint(err, "a VM gets a whole GPU in mode passthrough");
        return -REASON_INVALID;
    }
    return 0;
}

int unknown_profile(const struct gpu_model *model, const char *text, struct error *err)
{
    if (err == NULL) {
        return -REASON_NOT_FOUND;
    }
    int r = refuse_as_other(model, text, err);
    if (r != 0) {
        return r;
    }
    if (model->profiles.n == 0) {
        return error_set(err, REASON_NOT_FOUND, text,
                         "the catalog has no GPU instance profiles of %s, so \"%s\" is unknown",
                         model->name, text);
    }
    VEC(const char *) names = {0};
    CLEANUP_STRBUF struct strbuf list = {0};
    for (vec_each(&model->profiles, profile)) {
        *vec_push(&names) = profile->name;
        strbuf_addf(&list, "%s%s", names.n > 1 ? ", " : "", profile->name);
    }
    struct spelling spelling = spelling_of_profile(text);
    const char *nearest = str_nearest(spelling.name, names.items, names.n);
    vec_done(&names);
    r = error_set(err, REASON_NOT_FOUND, text, "%s has no GPU instance profile \"%s\"%s%s%s",
                  model->name, text, nearest != NULL ? "; did you mean \"" : "",
                  nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    error_hint(err, "it has %s", strbuf_str(&list));
    return r;
}

/* ---- types ---- */

/* "DC-1-12C, DC-1-12Q or DC-1-12A": the types whose names go on with a letter. */
static void add_lettered(const struct gpu_model *model, const char *name, struct strbuf *out)
{
    VEC(const char *) found = {0};
    size_t len = strlen(name);
    for (vec_each(&model->types, type)) {
        const char *shown = cat_short_type(type->name);
        bool full = strlen(type->name) == len + 1 && strncasecmp(type->name, name, len) == 0;
        if (full || (strlen(shown) == len + 1 && strncasecmp(shown, name, len) == 0)) {
            *vec_push(&found) = shown;
        }
    }
    for (size_t i = 0; i < found.n; i++) {
        strbuf_addf(out, "%s%s", i == 0 ? "" : i + 1 < found.n ? ", " : " or ", found.items[i]);
    }
    vec_done(&found);
}

int unlettered_type(const struct gpu_model *model, const struct cat_vgpu_type *type,
                    const char *text, struct error *err)
{
    if (err == NULL) {
        return -REASON_INVALID;
    }
    CLEANUP_STRBUF struct strbuf lettered = {0};
    add_lettered(model, type->name, &lettered);
    bool any = lettered.len > 0;
    error_set(err, REASON_INVALID, text, "\"%s\" lacks the series letter at its end%s%s%s", text,
              any ? "; did you mean " : "", strbuf_str(&lettered), any ? "?" : "");
    error_hint(err, "the type without a letter is \"%s\"", type->full_name);
    return -REASON_INVALID;
}

static int refuse_profile_as_type(const struct cat_profile *profile, const char *text,
                                  struct error *err)
{
    error_set(err, REASON_INVALID, text, "\"%s\" is a GPU instance profile, not a vGPU type", text);
    error_hint(err, "give it as a profile: %s", profile->name);
    return -REASON_INVALID;
}

int unknown_type(const struct gpu_model *model, const char *text, struct error *err)
{
    if (err == NULL) {
        return -REASON_NOT_FOUND;
    }
    int other = spelling_refuse(text, err);
    if (other != 0) {
        return other;
    }
    struct spelling spelling = spelling_of_type(text);
    uint32_t id = 0;
    if (parse_u32(spelling.name, &id)) {
        return error_set(err, REASON_NOT_FOUND, text, "no vGPU type of %s is known to have id %u",
                         model->name, id);
    }
    const struct cat_profile *profile = lookup_profile(model, text);
    if (profile != NULL) {
        return refuse_profile_as_type(profile, text, err);
    }
    if (is_whole_gpu(spelling.name)) {
        error_set(err, REASON_INVALID, text, "\"%s\" is a whole GPU, not a vGPU type", text);
        error_hint(err, "a VM gets a whole GPU in mode passthrough");
        return -REASON_INVALID;
    }
    if (model->types.n == 0) {
        return error_set(err, REASON_NOT_FOUND, text,
                         "the catalog has no vGPU types of %s, so \"%s\" is unknown", model->name,
                         text);
    }
    CLEANUP_STRBUF struct strbuf lettered = {0};
    add_lettered(model, type_without_brand(spelling.name), &lettered);
    if (lettered.len > 0) {
        return error_set(err, REASON_NOT_FOUND, text,
                         "%s has no vGPU type \"%s\"; did you mean %s?", model->name, text,
                         strbuf_str(&lettered));
    }
    VEC(const char *) names = {0};
    for (vec_each(&model->types, type)) {
        *vec_push(&names) = type->name;
        *vec_push(&names) = cat_short_type(type->name);
    }
    const char *nearest = str_nearest(type_without_brand(spelling.name), names.items, names.n);
    vec_done(&names);
    return error_set(err, REASON_NOT_FOUND, text, "%s has no vGPU type \"%s\"%s%s%s", model->name,
                     text, nearest != NULL ? "; did you mean \"" : "",
                     nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
}
