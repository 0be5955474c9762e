/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one model's file: its names, PCI ids and sources; the MIG and vGPU parts have their own. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "catalog/readers.h"

#define MAX_ALIASES 16
#define MAX_PCI_IDS 32
#define MAX_MEMORY_MIB (4096 * 1024)

static int read_sources(struct cat_file *file, struct reader *outer)
{
    json_t *sources = reader_object_or_null(outer, "sources");
    if (sources != NULL && json_object_size(sources) > CAT_MAX_SOURCES) {
        reader_fail(outer, "sources", "has more than %d members", CAT_MAX_SOURCES);
    }
    if (outer->result != 0) {
        return outer->result;
    }
    const char *id = NULL;
    json_t *value = NULL;
    json_object_foreach(sources, id, value)
    {
        struct reader at = cat_inner(outer, "sources", -1, sources);
        struct reader r = cat_inner(&at, id, -1, value);
        const char *text = reader_str(&r, "text", CAT_TEXT_MAX);
        int confidence = reader_word(&r, "confidence", &cat_confidence_words);
        int result = reader_end(&r);
        if (result < 0) {
            return result;
        }
        *vec_push(&file->sources) = (struct cat_named_source){
            .id = id,
            .source = {.text = cat_keep(file->catalog, text),
                       .confidence = cat_confidence_name((enum cat_confidence)confidence)}};
    }
    return 0;
}

static int read_aliases(struct cat_file *file, struct reader *r, struct gpu_model *model)
{
    json_t *aliases = reader_array_or_null(r, "aliases", MAX_ALIASES);
    for (size_t i = 0; i < json_array_size(aliases); i++) {
        const char *alias = json_string_value(json_array_get(aliases, i));
        if (alias == NULL || alias[0] == '\0' || !str_is_clean(alias)) {
            reader_fail(r, "aliases", "item %zu must be a name", i);
            break;
        }
        *vec_push(&model->aliases) = cat_keep(file->catalog, alias);
    }
    return r->result;
}

static int read_pci(struct cat_file *file, struct reader *outer, struct gpu_model *model)
{
    json_t *pci = reader_object_or_null(outer, "pci");
    if (pci == NULL) {
        return outer->result;
    }
    struct reader r = cat_inner(outer, "pci", -1, pci);
    if (!reader_has(&r, "source")) {
        reader_fail(&r, "source", "is missing");
    }
    model->pci_source = cat_read_source(file, &r, "source", (struct cat_source){0});
    json_t *ids = reader_array(&r, "ids", MAX_PCI_IDS);
    int result = reader_end(&r);
    for (size_t i = 0; result == 0 && i < json_array_size(ids); i++) {
        struct reader row = cat_inner(&r, "ids", (int)i, json_array_get(ids, i));
        struct cat_pci_id id = {
            .device = (uint32_t)reader_int(&row, "device", 1, 0xffff),
            .subsystem = cat_number(&row, "subsystem", 1, 0xffff),
            .name = cat_keep(file->catalog, reader_str(&row, "name", CAT_TEXT_MAX)),
        };
        result = reader_end(&row);
        *vec_push(&model->pci_ids) = id;
    }
    return result;
}

static int read_measured(struct cat_file *file, struct reader *outer, struct gpu_model *model)
{
    json_t *memory = reader_object_or_null(outer, "memory");
    if (memory == NULL) {
        return outer->result;
    }
    struct reader r = cat_inner(outer, "memory", -1, memory);
    if (!reader_has(&r, "source")) {
        reader_fail(&r, "source", "is missing");
    }
    model->measured = (struct cat_measured){
        .mib = (uint32_t)reader_int(&r, "mib", 1, MAX_MEMORY_MIB),
        .ecc_off_mib = cat_number(&r, "ecc_off_mib", 1, MAX_MEMORY_MIB),
        .reserved_mib = cat_number(&r, "reserved_mib", 1, MAX_MEMORY_MIB),
        .bar1_mib = cat_number(&r, "bar1_mib", 1, MAX_MEMORY_MIB),
        .source = cat_read_source(file, &r, "source", (struct cat_source){0}),
    };
    const struct cat_measured *seen = &model->measured;
    if (r.result == 0 && (model->memory_mib == CAT_UNKNOWN || seen->mib > model->memory_mib)) {
        reader_fail(&r, "mib", "%u is more than the board's memory_gb", seen->mib);
    }
    if (r.result == 0 && seen->ecc_off_mib != CAT_UNKNOWN && seen->ecc_off_mib < seen->mib) {
        reader_fail(&r, "ecc_off_mib", "%u is less than with ECC, %u", seen->ecc_off_mib,
                    seen->mib);
    }
    if (r.result == 0 && seen->reserved_mib != CAT_UNKNOWN && seen->reserved_mib >= seen->mib) {
        reader_fail(&r, "reserved_mib", "%u is all of the memory, %u", seen->reserved_mib,
                    seen->mib);
    }
    return reader_end(&r);
}

static int read_parts(struct cat_file *file, struct reader *r, struct gpu_model *model)
{
    int result = read_sources(file, r);
    if (result == 0) {
        result = read_aliases(file, r, model);
    }
    if (result == 0) {
        result = read_pci(file, r, model);
    }
    if (result == 0) {
        result = read_measured(file, r, model);
    }
    json_t *mig = reader_object_or_null(r, "mig");
    if (result == 0 && mig != NULL) {
        result = cat_read_mig(file, r, mig, model);
    }
    json_t *vgpu = reader_object_or_null(r, "vgpu");
    if (result == 0 && vgpu != NULL) {
        result = cat_read_vgpu(file, r, vgpu, model);
    }
    return result < 0 ? result : r->result;
}

static bool is_key(const char *name)
{
    size_t fits = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return fits > 0 && name[fits] == '\0';
}

/* A model about which nothing is known yet. */
static struct gpu_model *new_model(struct cat_file *file, const char *key)
{
    struct gpu_model *model = xcalloc(1, sizeof(*model));
    model->key = cat_keep(file->catalog, key);
    model->measured = CAT_NOT_MEASURED;
    model->compute_slices = CAT_UNKNOWN;
    model->memory_slices = CAT_UNKNOWN;
    model->max_gpu_instances = CAT_UNKNOWN;
    model->sriov_vfs = CAT_UNKNOWN;
    model->sriov = CAT_MAYBE;
    model->time_sliced = CAT_MAYBE;
    model->mixed_size = CAT_MAYBE;
    model->mig_backed = CAT_MAYBE;
    model->mig_timesliced = CAT_MAYBE;
    model->nvlink = CAT_MAYBE;
    return model;
}

/* As the files write them; cat_arch_name() is for people. */
WORDS_LOCAL(arch_words, "architecture", ARCH_UNKNOWN, WORD(ARCH_VOLTA, "volta"),
            WORD(ARCH_TURING, "turing"), WORD(ARCH_AMPERE, "ampere"), WORD(ARCH_ADA, "ada"),
            WORD(ARCH_HOPPER, "hopper"), WORD(ARCH_BLACKWELL, "blackwell"))

const char *cat_arch_key(enum cat_arch arch)
{
    return words_name(&arch_words, arch);
}

int cat_read_model(struct cat_file *file, const char *key, const json_t *json)
{
    if (!is_key(key)) {
        return error_set(file->err, REASON_INVALID, file->path,
                         "the file name \"%s\" must have lower-case letters, digits and dashes",
                         key);
    }
    struct gpu_model *model = new_model(file, key);
    *vec_push(&file->catalog->models) = model; /* owned from here on, whatever happens */

    struct reader r;
    reader_init(&r, json, file->path, "", file->err);
    model->name = cat_keep(file->catalog, reader_str(&r, "name", CAT_TEXT_MAX));
    int arch = reader_word(&r, "arch", &arch_words);
    model->arch = arch >= 0 ? (enum cat_arch)arch : ARCH_VOLTA;
    uint32_t memory_gb = cat_number(&r, "memory_gb", 1, 4096);
    model->memory_mib = memory_gb != CAT_UNKNOWN ? memory_gb * 1024 : CAT_UNKNOWN;
    /* A misspelt key is reported before anything that follows from its absence. */
    static const char *const parts[] = {"aliases", "sources", "memory", "pci", "mig", "vgpu"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        reader_has(&r, parts[i]);
    }
    int result = reader_end(&r);
    if (result == 0) {
        result = read_parts(file, &r, model);
    }
    if (result < 0) {
        return result;
    }
    for (vec_each(&file->sources, named)) {
        if (!named->used) {
            reader_fail(&r, "sources", "\"%s\" is never used", named->id);
        }
    }
    return reader_end(&r);
}
