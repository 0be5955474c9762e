/* SPDX-License-Identifier: Apache-2.0 */
/* Finding models by name or PCI id. */
#include "catalog/board_name.h"

#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "catalog/content.h"

#define PCI_VENDOR_NVIDIA 0x10de
#define MAX_NEAREST 3

/* ---- by PCI id ---- */

/* Two ids of 16 bits; the subsystem may be unknown. */
struct pci_ids {
    uint32_t device;
    uint32_t subsystem;
};

/* 0x20B0, or 0x20B010DE as NVML and mig-parted write device and vendor in one number. */
static bool split_vendor(uint32_t number, uint32_t *ret_id)
{
    if (number > 0xffff) {
        *ret_id = number >> 16;
        return (number & 0xffff) == PCI_VENDOR_NVIDIA;
    }
    *ret_id = number;
    return true;
}

static bool parse_pci_ids(const char *text, struct pci_ids *ret_ids)
{
    const char *colon = strchr(text, ':');
    CLEANUP_FREE char *device = xstrndup(text, colon != NULL ? (size_t)(colon - text) : SIZE_MAX);
    uint32_t number = 0;
    *ret_ids = (struct pci_ids){.subsystem = CAT_UNKNOWN};
    if (!parse_hex32(device, &number) || !split_vendor(number, &ret_ids->device)) {
        return false;
    }
    if (colon == NULL) {
        return true;
    }
    if (!parse_hex32(colon + 1, &number)) {
        return false;
    }
    /* Boards of other makers have their own subsystem vendor; only the id tells models apart. */
    ret_ids->subsystem = number > 0xffff ? number >> 16 : number;
    return true;
}

static bool has_device(const struct gpu_model *model, uint32_t device)
{
    for (vec_each(&model->pci_ids, id)) {
        if (id->device == device) {
            return true;
        }
    }
    return false;
}

static bool has_both(const struct gpu_model *model, const struct pci_ids *ids)
{
    for (vec_each(&model->pci_ids, id)) {
        if (id->device == ids->device && id->subsystem == ids->subsystem) {
            return true;
        }
    }
    return false;
}

/* Models with the device id; *ret_model is the one that the subsystem picks, or the only one. */
static size_t match_pci(const struct catalog *catalog, const struct pci_ids *ids,
                        const struct gpu_model **ret_model)
{
    size_t n = 0;
    const struct gpu_model *only = NULL;
    const struct gpu_model *exact = NULL;
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        if (!has_device(model, ids->device)) {
            continue;
        }
        n++;
        only = model;
        if (ids->subsystem != CAT_UNKNOWN && has_both(model, ids)) {
            exact = model;
        }
    }
    *ret_model = exact != NULL ? exact : n == 1 ? only : NULL;
    return n;
}

static int ambiguous_pci(const struct catalog *catalog, const struct pci_ids *ids, const char *text,
                         struct error *err)
{
    CLEANUP_STRBUF struct strbuf list = {0};
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        for (vec_each(&model->pci_ids, id)) {
            if (id->device == ids->device) {
                strbuf_addf(&list, "%s%s (0x%04X", list.len > 0 ? ", " : "", model->key,
                            id->device);
                if (id->subsystem != CAT_UNKNOWN) {
                    strbuf_addf(&list, ":0x%04X", id->subsystem);
                }
                strbuf_add(&list, ")");
            }
        }
    }
    int r = error_set(err, REASON_INVALID, text,
                      "PCI device id 0x%04X%s is shared by several GPU models: %s", ids->device,
                      ids->subsystem != CAT_UNKNOWN ? " with another subsystem id" : "",
                      strbuf_str(&list));
    error_hint(err, "add the subsystem id, or name the model");
    return r;
}

static int find_pci_text(const struct catalog *catalog, const char *text,
                         const struct gpu_model **ret_model, struct error *err)
{
    struct pci_ids ids;
    if (!parse_pci_ids(text, &ids)) {
        return error_set(err, REASON_INVALID, text,
                         "\"%s\" is not a PCI id like 0x20F1, 0x20F1:0x145F or 0x20F110DE", text);
    }
    const struct gpu_model *model = NULL;
    size_t n = match_pci(catalog, &ids, &model);
    if (n == 0) {
        return error_set(err, REASON_NOT_FOUND, text,
                         "no GPU model in the catalog has PCI device id 0x%04X", ids.device);
    }
    if (model == NULL) {
        return ambiguous_pci(catalog, &ids, text, err);
    }
    *ret_model = model;
    return 0;
}

const struct gpu_model *catalog_find_pci(const struct catalog *catalog, uint32_t device,
                                         uint32_t subsystem)
{
    struct pci_ids ids = {.subsystem = subsystem};
    if (!split_vendor(device, &ids.device)) {
        return NULL;
    }
    if (subsystem != CAT_UNKNOWN && subsystem > 0xffff) {
        ids.subsystem = subsystem >> 16;
    }
    const struct gpu_model *model = NULL;
    match_pci(catalog, &ids, &model);
    return model;
}

/* ---- by name ---- */

static bool is_named(const struct gpu_model *model, const char *text)
{
    bool named = cat_same_name(model->key, text) || cat_same_name(model->name, text);
    for (size_t i = 0; i < model->aliases.n && !named; i++) {
        named = cat_same_name(model->aliases.items[i], text);
    }
    return named;
}

/* "NVIDIA H100", and with the vendor left out on both sides "H100". */
static bool is_sold_as(const struct gpu_model *model, const char *text)
{
    for (vec_each(&model->pci_ids, id)) {
        if (cat_same_name(id->name, text)) {
            return true;
        }
    }
    return false;
}

static bool is_sold_as_short(const struct gpu_model *model, const char *text)
{
    for (vec_each(&model->pci_ids, id)) {
        if (cat_same_name(cat_without_vendor(id->name), cat_without_vendor(text))) {
            return true;
        }
    }
    return false;
}

static bool is_named_short(const struct gpu_model *model, const char *text)
{
    return is_named(model, cat_without_vendor(text));
}

/* The keys nearest to a misspelt name, without repetition. */
static size_t nearest_keys(const struct catalog *catalog, const char *text,
                           const char *ret_keys[MAX_NEAREST])
{
    VEC(const char *) names = {0};
    VEC(const char *) keys = {0};
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        *vec_push(&names) = model->key;
        *vec_push(&keys) = model->key;
        for (size_t j = 0; j < model->aliases.n; j++) {
            *vec_push(&names) = model->aliases.items[j];
            *vec_push(&keys) = model->key;
        }
    }
    size_t n = 0;
    while (n < MAX_NEAREST) {
        const char *name = str_nearest(text, names.items, names.n);
        if (name == NULL) {
            break;
        }
        size_t at = 0;
        while (names.items[at] != name) {
            at++;
        }
        const char *key = keys.items[at];
        ret_keys[n++] = key;
        for (size_t i = keys.n; i > 0; i--) { /* the model's other names are no news */
            if (str_eq(keys.items[i - 1], key)) {
                vec_remove(&names, i - 1);
                vec_remove(&keys, i - 1);
            }
        }
    }
    vec_done(&names);
    vec_done(&keys);
    return n;
}

static int unknown_name(const struct catalog *catalog, const char *text, struct error *err)
{
    const char *keys[MAX_NEAREST];
    size_t n = nearest_keys(catalog, text, keys);
    if (n == 0) {
        return error_set(err, REASON_NOT_FOUND, text, "no GPU model \"%s\" in the catalog", text);
    }
    CLEANUP_STRBUF struct strbuf list = {0};
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&list, "%s\"%s\"", i == 0 ? "" : " or ", keys[i]);
    }
    return error_set(err, REASON_NOT_FOUND, text,
                     "no GPU model \"%s\" in the catalog; did you mean %s?", text,
                     strbuf_str(&list));
}

typedef bool match_fn(const struct gpu_model *model, const char *text);

/* How many models match; *ret_model is one of them, *list names all. */
static size_t match_all(const struct catalog *catalog, match_fn *match, const char *text,
                        const struct gpu_model **ret_model, struct strbuf *list)
{
    size_t n = 0;
    for (size_t i = 0; i < catalog->models.n; i++) {
        const struct gpu_model *model = catalog->models.items[i];
        if (match(model, text)) {
            *ret_model = model;
            strbuf_addf(list, "%s%s", n > 0 ? ", " : "", model->key);
            n++;
        }
    }
    return n;
}

/* The product's name in a node's label of gpu-feature-discovery, which writes
 * "nvidia.com/gpu.product=NVIDIA-A100-SXM4-40GB-MIG-1g.5gb-SHARED" for an instance, or a share. */
static char *product_of_label(const char *text)
{
    static const char label[] = "nvidia.com/gpu.product";
    if (str_starts(text, label)) {
        text += strlen(label);
        text += strspn(text, ":= ");
    }
    char *name = xstrdup(text);
    char *mig = strcasestr(name, "-MIG-");
    char *shared = strcasestr(name, "-SHARED");
    if (mig != NULL) {
        *mig = '\0';
    } else if (shared != NULL) {
        *shared = '\0';
    }
    return name;
}

int catalog_find(const struct catalog *catalog, const char *text,
                 const struct gpu_model **ret_model, struct error *err)
{
    if (str_starts(text, "0x") || str_starts(text, "0X")) {
        return find_pci_text(catalog, text, ret_model, err);
    }
    /* Our own names first: "h100" is an alias, "NVIDIA H100" what another board calls itself. */
    static match_fn *const matches[] = {is_named, is_sold_as, is_named_short, is_sold_as_short};
    CLEANUP_FREE char *name = product_of_label(text);
    for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
        CLEANUP_STRBUF struct strbuf list = {0};
        const struct gpu_model *model = NULL;
        size_t n = match_all(catalog, matches[i], name, &model, &list);
        if (n > 1) {
            return error_set(err, REASON_INVALID, text, "several GPU models are sold as \"%s\": %s",
                             text, strbuf_str(&list));
        }
        if (n == 1) {
            *ret_model = model;
            return 0;
        }
    }
    return unknown_name(catalog, text, err);
}

size_t catalog_find_types(const struct catalog *catalog, const char *text,
                          const struct gpu_model **ret_models, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < catalog->models.n && n < max; i++) {
        const struct cat_vgpu_type *type = NULL;
        if (model_find_type(catalog->models.items[i], text, &type, NULL) == 0) {
            ret_models[n++] = catalog->models.items[i];
        }
    }
    return n;
}
