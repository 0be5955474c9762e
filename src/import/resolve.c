/* SPDX-License-Identifier: Apache-2.0 */
#include "import/resolve.h"

#include "base/str.h"
#include "catalog/profile_name.h"

/* ---- profiles ---- */

int resolve_profile(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                    const struct cat_profile **ret_profile, struct error *err)
{
    if (model_find_profile(model, name, ret_profile, err) == 0) {
        return 0;
    }
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *other = catalog_at(catalog, i);
        const struct cat_profile *ignored = NULL;
        if (model_find_profile(other, name, &ignored, NULL) == 0) {
            return error_set(err, REASON_UNSUPPORTED, model->key,
                             "\"%s\" is a profile of %s, not of %s", name, other->name,
                             model->name);
        }
    }
    /* Profile names carry their board's memory: one that no board here has is of a board that is
     * not here. */
    return error_set(err, REASON_UNSUPPORTED, model->key,
                     "no GPU in the catalog has a profile \"%s\"", name);
}

/* ---- types ---- */

/* "RTX Pro 6000 Blackwell DC-1-8C" as "DC-1-8C" */
static const char *without_family_words(const char *name)
{
    const char *blank = strrchr(name, ' ');
    return blank != NULL ? blank + 1 : name;
}

/* Length of the board part: up to the first "-" before a digit. "RTX5000-Ada-4Q": 11. */
static size_t board_len(const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++) {
        if (name[i] == '-' && name[i + 1] >= '0' && name[i + 1] <= '9') {
            return i;
        }
    }
    return strlen(name);
}

static bool is_same_board(const char *a, const char *b)
{
    return board_len(a) == board_len(b) && strncmp(a, b, board_len(a)) == 0;
}

/* The same but for the numbers: "DC-1-16Q" and "DC-2-8Q". */
static bool is_same_pattern(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    while (*a != '\0' && *b != '\0') {
        size_t number_a = strspn(a, digits);
        size_t number_b = strspn(b, digits);
        if ((number_a > 0) != (number_b > 0) || (number_a == 0 && *a != *b)) {
            return false;
        }
        a += number_a > 0 ? number_a : 1;
        b += number_b > 0 ? number_b : 1;
    }
    return *a == *b;
}

/* No board has the type. If the catalog lists this board's types of that kind and series, it has
 * none of that name; if it lists no such types, they may be missing. */
static int refuse_type(const struct gpu_model *model, const char *name, struct error *err)
{
    bool same_board = false;
    for (vec_each(&model->types, type)) {
        const char *known = without_family_words(type->name);
        if (is_same_board(known, name)) {
            same_board = true;
            if (is_same_pattern(known, name)) {
                return -REASON_NOT_FOUND; /* as model_find_type() put it */
            }
        }
    }
    if (same_board) {
        return error_set(err, REASON_UNAVAILABLE, model->key,
                         "no source says whether %s has a vGPU type \"%s\"", model->name, name);
    }
    return error_set(err, REASON_UNSUPPORTED, model->key,
                     "no GPU in the catalog has a vGPU type \"%s\"", name);
}

int resolve_type(const struct catalog *catalog, const struct gpu_model *model, const char *name,
                 const struct cat_vgpu_type **ret_type, struct error *err)
{
    if (model_find_type(model, name, ret_type, err) == 0) {
        return 0;
    }
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        const struct gpu_model *other = catalog_at(catalog, i);
        const struct cat_vgpu_type *ignored = NULL;
        if (model_find_type(other, name, &ignored, NULL) == 0) {
            return error_set(err, REASON_UNSUPPORTED, model->key,
                             "\"%s\" is a vGPU type of %s, not of %s", name, other->name,
                             model->name);
        }
    }
    return refuse_type(model, name, err);
}

/* ---- over all models ---- */

static bool has_item(const struct gpu_model *model, enum import_kind kind,
                     const struct import_item *item)
{
    const struct cat_vgpu_type *type = NULL;
    const struct cat_profile *profile = NULL;
    struct profile_name name;
    if (kind == IMPORT_VGPU) {
        return model_find_type(model, item->name, &type, NULL) == 0;
    }
    return profile_name_parse(item->name, &name, NULL) == 0 &&
           model_find_profile(model, name.gi, &profile, NULL) == 0;
}

const struct import_item *resolve_nowhere(const struct catalog *catalog, enum import_kind kind,
                                          const struct import_entry *entry)
{
    for (vec_each(&entry->items, item)) {
        bool found = false;
        for (size_t i = 0; i < catalog_count(catalog) && !found; i++) {
            found = has_item(catalog_at(catalog, i), kind, item);
        }
        if (!found) {
            return item;
        }
    }
    return NULL;
}

bool resolve_filters(const struct catalog *catalog, const struct import_entry *entry)
{
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        for (vec_each(&catalog_at(catalog, i)->pci_ids, id)) {
            for (vec_each(&entry->filters, filter)) {
                if (filter->device == id->device) {
                    return true;
                }
            }
        }
    }
    return false;
}

bool resolve_together(const struct catalog *catalog, enum import_kind kind,
                      const struct import_entry *entry)
{
    for (size_t i = 0; i < catalog_count(catalog); i++) {
        bool all = true;
        for (size_t k = 0; k < entry->items.n && all; k++) {
            all = has_item(catalog_at(catalog, i), kind, &entry->items.items[k]);
        }
        if (all) {
            return true;
        }
    }
    return false;
}
