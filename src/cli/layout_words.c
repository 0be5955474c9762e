/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layout_words.h"

#include <getopt.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/profile_name.h"
#include "catalog/spelling.h"
#include "cli/layout_item.h"
#include "cli/option.h"

#define LAST_SLICE 31
#define LAYOUT_MAX_PARTS 256

/* ---- options ---- */

enum { OPTION_GPU = 256, OPTION_EXISTING, OPTION_VGPU, OPTION_MIXED, OPTION_STRICT };

static const struct option options[] = {
    {.name = "gpu", .has_arg = required_argument, .val = OPTION_GPU},
    {.name = "existing", .has_arg = required_argument, .val = OPTION_EXISTING},
    {.name = "vgpu", .has_arg = required_argument, .val = OPTION_VGPU},
    {.name = "mixed", .has_arg = no_argument, .val = OPTION_MIXED},
    {.name = "strict", .has_arg = no_argument, .val = OPTION_STRICT},
    {.name = "file", .has_arg = required_argument, .val = 'f'},
    {.name = "output", .has_arg = required_argument, .val = 'o'},
    {.name = "help", .has_arg = no_argument, .val = 'h'},
    {.name = NULL},
};

static int add_word(const char **words, size_t *n, const char *word, struct error *err)
{
    if (*n == LAYOUT_MAX_WORDS) {
        return error_set(err, REASON_INVALID, "", "more than %d words of one kind",
                         LAYOUT_MAX_WORDS);
    }
    words[(*n)++] = word;
    return 0;
}

static int bad_option(int argc, char **argv, int at, struct error *err)
{
    const char *names[ARRAY_SIZE(options) - 1];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        names[i] = options[i].name;
    }
    const char *word = at < argc ? argv[at] : "";
    error_set(err, REASON_INVALID, "", "there is no option %s here", word);
    if (str_starts(word, "-cgi") || str_starts(word, "-cci")) { /* nvidia-smi mig -cgi 9,14 */
        error_hint(err, "leave out %.4s: the profiles behind it are enough", word);
        return -REASON_INVALID;
    }
    if (spelling_behind_key(word) != word) { /* Slurm's --gres=gpu:1g.5gb:2 */
        error_hint(err, "leave out what is before the name: %s", spelling_behind_key(word));
        return -REASON_INVALID;
    }
    const char *nearest =
        str_starts(word, "--") ? str_nearest(word + 2, names, ARRAY_SIZE(names)) : NULL;
    error_hint(err, nearest != NULL ? "did you mean --%s?" : "--help lists the options", nearest);
    return -REASON_INVALID;
}

/* `after_vgpu`: words that follow a --vgpu are types as well. */
static int take_option(struct layout_words *words, int option, bool after_vgpu, struct error *err)
{
    switch (option) {
    case OPTION_GPU:
        return option_take_once("--gpu", optarg, &words->gpu, err);
    case OPTION_EXISTING:
        return add_word(words->existing, &words->n_existing, optarg, err);
    case OPTION_VGPU:
        return add_word(words->vgpus, &words->n_vgpus, optarg, err);
    case OPTION_MIXED:
        words->mixed = true;
        return 0;
    case OPTION_STRICT:
        words->strict = true;
        return 0;
    case 'f':
        return option_take_once("-f", optarg, &words->file, err);
    case 'o':
        return cli_set_output(&words->cli, optarg, err);
    case 'h':
        words->help = true;
        return 0;
    default: /* 1: a word */
        return after_vgpu ? add_word(words->vgpus, &words->n_vgpus, optarg, err)
                          : add_word(words->wanted, &words->n_wanted, optarg, err);
    }
}

static int check_words(const struct layout_words *words, struct error *err)
{
    bool asks = words->n_wanted > 0 || words->n_vgpus > 0;
    if (words->help) {
        return 0;
    }
    if (words->gpu == NULL) {
        error_set(err, REASON_INVALID, "", "--gpu is missing");
        error_hint(err, "a model such as a100-pcie-40gb, or its PCI id 0xDEVICE[:0xSUBSYSTEM]");
        return -REASON_INVALID;
    }
    if (words->file != NULL && (asks || words->n_existing > 0)) {
        return error_set(err, REASON_INVALID, "",
                         "-f checks a file, and can't be combined with profiles or --vgpu");
    }
    if (words->file == NULL && words->strict) {
        return error_set(err, REASON_INVALID, "", "--strict is for a file: add -f FILE");
    }
    if (words->file == NULL && !asks && words->n_existing == 0) {
        error_set(err, REASON_INVALID, "", "nothing to check");
        error_hint(err, "give profiles (4g.20gb 2g.10gb=2), --vgpu TYPE=COUNT, or -f FILE");
        return -REASON_INVALID;
    }
    return 0;
}

int layout_words_parse(int argc, char **argv, struct layout_words *ret_words, struct error *err)
{
    struct layout_words words = {.help = false};
    bool after_vgpu = false;
    optind = 0; /* argv is read again, from its beginning */
    opterr = 0;
    for (;;) {
        int at = optind > 0 ? optind : 1;
        int option = getopt_long(argc, argv, "-:f:o:h", options, NULL);
        if (option == -1) {
            break;
        }
        if (option == ':') {
            return error_set(err, REASON_INVALID, "", "option %s needs a value", argv[at]);
        }
        if (option == '?') {
            return bad_option(argc, argv, at, err);
        }
        int r = take_option(&words, option, after_vgpu, err);
        if (r != 0) {
            return r;
        }
        after_vgpu = option == OPTION_VGPU || (option == 1 && after_vgpu);
    }
    while (optind < argc) { /* behind "--" */
        int r = add_word(words.wanted, &words.n_wanted, argv[optind++], err);
        if (r != 0) {
            return r;
        }
    }
    int r = check_words(&words, err);
    if (r == 0) {
        *ret_words = words;
    }
    return r;
}

/* ---- what they mean on a model ---- */

/* What the words ask for, before it is packed onto GPU instances. */
struct parts {
    struct layout_part items[LAYOUT_MAX_PARTS];
    size_t n;
};

struct asked {
    struct parts existing, gis;
    struct layout_request request;
};

/* The profile that a name means, and of "1c.3g.20gb" the compute slices. */
static int find_profile(const struct gpu_model *model, const struct layout_item *item,
                        struct layout_part *part, struct error *err)
{
    struct profile_name name;
    struct spelling spelling = spelling_of_profile(item->name);
    bool is_compute = profile_name_parse(spelling.name, &name, NULL) == 0 && name.ci_slices > 0 &&
                      !spelling.shared;
    part->slices = is_compute ? name.ci_slices : 0;
    return model_find_profile(model, is_compute ? name.gi : item->name, &part->profile, err);
}

static int add_part(const struct gpu_model *model, const struct layout_item *item,
                    struct parts *parts, struct error *err)
{
    struct layout_part part = {.start = item->start, .count = item->count};
    int r = find_profile(model, item, &part, err);
    if (r != 0) {
        return r;
    }
    if (item->start != LAYOUT_ANYWHERE && item->start > LAST_SLICE) {
        return error_set(err, REASON_INVALID, "", "\"%s\" @%u: a memory slice is from 0 to %d",
                         item->name, item->start, LAST_SLICE);
    }
    if (parts->n == LAYOUT_MAX_PARTS) {
        return error_set(err, REASON_INVALID, "", "more than %d profiles", LAYOUT_MAX_PARTS);
    }
    parts->items[parts->n++] = part;
    return 0;
}

/* "TYPE@ID" asks for a placement, and only in mixed-size mode anything can be asked. */
static int check_placement(const struct cat_vgpu_type *type, const struct layout_item *item,
                           bool mixed, struct error *err)
{
    if (item->colon) {
        error_set(err, REASON_INVALID, item->name,
                  "\"%s:%u\": a number behind \":\" is where a GPU instance starts, and this is a "
                  "vGPU type",
                  item->name, item->start);
        error_hint(err, "write %s=%u for %u of them", item->name, item->start, item->start);
        return -REASON_INVALID;
    }
    if (item->start == LAYOUT_ANYWHERE || (mixed && !type->mig_backed)) {
        return 0;
    }
    if (type->mig_backed) {
        error_set(
            err, REASON_INVALID, item->name,
            "@%u after \"%s\": only mixed-size mode has placement ids, and this type is MIG-backed",
            item->start, type->name);
        error_hint(err, "give the start of its GPU instance instead: %s@START --vgpu ...",
                   type->gi_profile != NULL ? type->gi_profile : "PROFILE");
        return -REASON_INVALID;
    }
    error_set(err, REASON_INVALID, item->name,
              "@%u after \"%s\": only mixed-size mode has placement ids", item->start, type->name);
    error_hint(err, "leave out @%u, or add --mixed", item->start);
    return -REASON_INVALID;
}

static int add_vgpus(const struct gpu_model *model, const struct layout_item *item, bool mixed,
                     struct layout_vgpus *vgpus, struct error *err)
{
    const struct cat_vgpu_type *type = NULL;
    int r = model_find_type(model, item->name, &type, err);
    if (r != 0) {
        return r;
    }
    r = check_placement(type, item, mixed, err);
    if (r != 0) {
        return r;
    }
    if (item->count > LAYOUT_MAX_VGPUS - vgpus->n) {
        return error_set(err, REASON_NO_CAPACITY, model->key,
                         "no GPU can have %u vGPUs of type \"%s\"", item->count, type->name);
    }
    for (uint32_t i = 0; i < item->count; i++) {
        vgpus->items[vgpus->n++] =
            (struct layout_vgpu){.type = type, .gi = LAYOUT_ANYWHERE, .placement_id = item->start};
    }
    return 0;
}

typedef int take_fn(const struct gpu_model *model, const struct layout_item *item,
                    struct asked *asked, struct error *err);

static int take_existing(const struct gpu_model *model, const struct layout_item *item,
                         struct asked *asked, struct error *err)
{
    if (item->start == LAYOUT_ANYWHERE) {
        return error_set(err, REASON_INVALID, "", "--existing \"%s\" needs a start: PROFILE@START",
                         item->name);
    }
    return add_part(model, item, &asked->existing, err);
}

static int take_wanted(const struct gpu_model *model, const struct layout_item *item,
                       struct asked *asked, struct error *err)
{
    return add_part(model, item, &asked->gis, err);
}

/* A type, or a profile that stands behind a --vgpu. */
static int take_vgpu(const struct gpu_model *model, const struct layout_item *item,
                     struct asked *asked, struct error *err)
{
    struct profile_name name;
    struct spelling spelling = spelling_of_profile(item->name);
    struct layout_request *request = &asked->request;
    return profile_name_parse(spelling.name, &name, NULL) == 0
               ? add_part(model, item, &asked->gis, err)
               : add_vgpus(model, item, request->mixed, &request->vgpus, err);
}

/* Takes each item of each list. */
static int take_all(const struct gpu_model *model, const char *const *lists, size_t n,
                    take_fn *take, struct asked *asked, struct error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *rest = lists[i];
        bool any = false;
        for (;;) {
            CLEANUP_FREE char *word = layout_item_cut(&rest);
            if (word == NULL && any) {
                break;
            }
            any = true;
            struct layout_item item;
            int r = layout_item_parse(word != NULL ? word : lists[i], &item, err);
            r = r != 0 ? r : take(model, &item, asked, err);
            if (r != 0) {
                return r;
            }
        }
    }
    return 0;
}

int layout_words_request(const struct layout_words *words, const struct gpu_model *model,
                         struct layout_request *ret_request, struct error *err)
{
    CLEANUP_FREE struct asked *asked = xcalloc(1, sizeof(*asked));
    struct layout_request *request = &asked->request;
    request->mixed = words->mixed;
    request->mig_timesliced = true;
    int r = take_all(model, words->existing, words->n_existing, take_existing, asked, err);
    r = r != 0 ? r : take_all(model, words->wanted, words->n_wanted, take_wanted, asked, err);
    r = r != 0 ? r : take_all(model, words->vgpus, words->n_vgpus, take_vgpu, asked, err);
    r = r != 0 ? r
               : layout_pack(model, asked->existing.items, asked->existing.n, &request->existing,
                             request->existing_compute, err);
    if (r == 0) {
        layout_share(&request->existing, request->existing_compute, asked->gis.items, asked->gis.n);
    }
    r = r != 0 ? r
               : layout_pack(model, asked->gis.items, asked->gis.n, &request->gis, request->compute,
                             err);
    if (r == 0) {
        *ret_request = *request;
    }
    return r;
}
