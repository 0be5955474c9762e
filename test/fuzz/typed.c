/* SPDX-License-Identifier: Apache-2.0 */
/* Words as people type them: lists of profiles and vGPU types with counts and places, in the
 * spellings of other tools, and names of boards. */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/spelling.h"
#include "cli/layout_item.h"
#include "cli/layout_words.h"
#include "fuzz.h"

static const struct catalog *the_catalog(void)
{
    static struct catalog *catalog;
    if (catalog == NULL) {
        fuzz_assert(catalog_load_default(&catalog, NULL) == 0, "the catalog loads");
    }
    return catalog;
}

/* What a terminal and a log show of a refusal. */
static void check_refusal(const struct error *err)
{
    fuzz_assert(err->message[0] != '\0', "a refusal says why");
    fuzz_assert(str_is_clean(err->message), "a message is clean text");
    fuzz_assert(str_is_clean(err->hint), "a hint is clean text");
    fuzz_assert(str_is_clean(err->subject), "a subject is clean text");
}

static void check_spelling(const struct spelling *spelling)
{
    char copy[SPELLING_SIZE];
    (void)STR_SET(copy, spelling->name);
    fuzz_assert(strcmp(str_trim(copy), spelling->name) == 0, "a name has no blanks around it");
}

static void spell(const char *text)
{
    struct spelling profile = spelling_of_profile(text);
    check_spelling(&profile);
    struct spelling type = spelling_of_type(text);
    check_spelling(&type);
    struct error err = {0};
    if (spelling_refuse(text, &err) != 0) {
        check_refusal(&err);
    }
}

static void cut(const char *text)
{
    const char *rest = text;
    for (;;) {
        const char *before = rest;
        CLEANUP_FREE char *word = layout_item_cut(&rest);
        if (word == NULL) {
            return;
        }
        fuzz_assert(rest > before && rest <= text + strlen(text), "each cut moves on");
        struct layout_item item;
        struct error err = {0};
        if (layout_item_parse(word, &item, &err) != 0) {
            check_refusal(&err);
            continue;
        }
        fuzz_assert(item.name[0] != '\0', "an item has a name");
        fuzz_assert(item.count > 0 && item.count <= LAYOUT_ITEM_MAX, "a count is bounded");
    }
}

static void find(const struct gpu_model *model, const char *text)
{
    const struct cat_profile *profile = NULL;
    const struct cat_profile *same_profile = NULL;
    struct error err = {0};
    if (model_find_profile(model, text, &profile, &err) != 0) {
        check_refusal(&err);
    } else {
        fuzz_assert(model_find_profile(model, profile->name, &same_profile, NULL) == 0 &&
                        same_profile == profile,
                    "a profile's own name finds it again");
    }
    const struct cat_vgpu_type *type = NULL;
    const struct cat_vgpu_type *same_type = NULL;
    struct error no_type = {0};
    if (model_find_type(model, text, &type, &no_type) != 0) {
        check_refusal(&no_type);
    } else {
        fuzz_assert(model_find_type(model, type->full_name, &same_type, NULL) == 0 &&
                        same_type == type,
                    "a type's full name finds it again");
    }
}

static void request(const struct gpu_model *model, const struct layout_words *words)
{
    struct layout_request request;
    struct error err = {0};
    if (layout_words_request(words, model, &request, &err) != 0) {
        check_refusal(&err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = xstrndup((const char *)data, size);
    spell(text);
    cut(text);
    const struct gpu_model *typed = NULL;
    struct error err = {0};
    if (catalog_find(the_catalog(), text, &typed, &err) != 0) {
        check_refusal(&err);
    }
    /* One that has profiles and types on them, one with graphics instances, one without MIG. */
    static const char *const boards[] = {"a100-40gb", "rtx-pro-6000", "l40s"};
    for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
        const struct gpu_model *model = NULL;
        fuzz_assert(catalog_find(the_catalog(), boards[i], &model, NULL) == 0, "the board exists");
        find(model, text);
        request(model, &(struct layout_words){.wanted = {text}, .n_wanted = 1});
        request(model, &(struct layout_words){.existing = {text}, .n_existing = 1});
        request(model, &(struct layout_words){.vgpus = {text}, .n_vgpus = 1, .mixed = true});
    }
    return 0;
}
