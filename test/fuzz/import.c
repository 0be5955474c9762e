/* SPDX-License-Identifier: Apache-2.0 */
/* mig-parted and vgpu-device-manager files: whatever reads is answered for a board, and a label
 * that fits is legal. */
#include "import/import.h"
#include "base/json.h"
#include "fuzz.h"

static const struct catalog *the_catalog(void)
{
    static struct catalog *catalog;
    if (catalog == NULL) {
        fuzz_assert(catalog_load_default(&catalog, NULL) == 0, "the catalog loads");
    }
    return catalog;
}

static void fit(const struct gpu_model *model, const struct import_file *file)
{
    struct import_target target = {
        .catalog = the_catalog(), .model = model, .device = CAT_UNKNOWN, .subsystem = CAT_UNKNOWN};
    for (vec_each(&file->labels, label)) {
        struct error conflict = {0};
        fuzz_assert(import_check_label(&target, label, &conflict) == 0 ||
                        conflict.message[0] != '\0',
                    "a contradiction is named");
        for (vec_each(&label->entries, entry)) {
            struct import_fit fit;
            import_fit(&target, label->kind, entry, &fit);
            if (fit.verdict != IMPORT_FITS) {
                fuzz_assert(fit.why.message[0] != '\0', "what does not fit says why");
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    if (yaml_read_all((const char *)data, size, "input", &json, NULL) != 0) {
        return 0;
    }
    CLEANUP(import_freep) struct import_file *file = NULL;
    struct error err = {0};
    if (import_parse(json, "input", &file, &err) != 0) {
        fuzz_assert(err.message[0] != '\0', "a refusal says why");
        return 0;
    }
    static const char *const boards[] = {"a100-40gb", "rtx-pro-6000", "l40s"};
    for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
        const struct gpu_model *model = NULL;
        fuzz_assert(catalog_find(the_catalog(), boards[i], &model, NULL) == 0, "the board exists");
        fit(model, file);
    }
    return 0;
}
