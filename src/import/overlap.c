/* SPDX-License-Identifier: Apache-2.0 */
/* Two entries of one label that want different things of one GPU. mig-parted walks the entries in
 * order, and of a GPU that two match, one of the two never holds. */
#include "base/str.h"
#include "import/import.h"

static bool has_item(const struct import_entry *entry, const struct import_item *wanted)
{
    for (vec_each(&entry->items, item)) {
        if (str_eq(item->name, wanted->name) && item->count == wanted->count) {
            return true;
        }
    }
    return false;
}

/* A name is there once per entry. */
static bool want_the_same(const struct import_entry *a, const struct import_entry *b)
{
    if (a->mig_enabled != b->mig_enabled || a->items.n != b->items.n) {
        return false;
    }
    for (vec_each(&a->items, item)) {
        if (!has_item(b, item)) {
            return false;
        }
    }
    return true;
}

/* Two filters of a device that ask for different subsystems are for different boards. */
static bool filters_meet(const struct import_entry *a, const struct import_entry *b)
{
    bool meet = a->filters.n == 0 || b->filters.n == 0;
    for (size_t i = 0; i < a->filters.n; i++) {
        for (size_t k = 0; k < b->filters.n; k++) {
            const struct import_filter *one = &a->filters.items[i];
            const struct import_filter *other = &b->filters.items[k];
            meet = meet || (one->device == other->device &&
                            (one->subsystem == other->subsystem || one->subsystem == CAT_UNKNOWN ||
                             other->subsystem == CAT_UNKNOWN));
        }
    }
    return meet;
}

enum shared { SHARE_NONE, SHARE_ONE, SHARE_ALL };

static bool has_device(const struct import_entry *entry, uint32_t index)
{
    for (vec_each(&entry->devices, device)) {
        if (*device == index) {
            return true;
        }
    }
    return entry->all_devices;
}

/* Do both match some GPU by its index? SHARE_ONE: *ret_index is one of them. */
static enum shared shared_devices(const struct import_entry *a, const struct import_entry *b,
                                  uint32_t *ret_index)
{
    if (a->all_devices && b->all_devices) {
        return SHARE_ALL;
    }
    const struct import_entry *listed = a->all_devices ? b : a;
    const struct import_entry *other = a->all_devices ? a : b;
    for (vec_each(&listed->devices, device)) {
        if (has_device(other, *device)) {
            *ret_index = *device;
            return SHARE_ONE;
        }
    }
    return SHARE_NONE;
}

static void add_wanted(const struct import_entry *entry, enum import_kind kind, struct strbuf *out)
{
    if (entry->items.n == 0) {
        strbuf_add(out,
                   kind == IMPORT_MIG && entry->mig_enabled ? "MIG without instances" : "MIG off");
    }
    for (size_t i = 0; i < entry->items.n; i++) {
        strbuf_addf(out, "%s%u x %s", i > 0 ? ", " : "", entry->items.items[i].count,
                    entry->items.items[i].name);
    }
}

static int refuse(const struct import_label *label, size_t a, size_t b, enum shared shared,
                  uint32_t index, struct error *err)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    strbuf_addf(&text, "entries %zu and %zu both match ", a + 1, b + 1);
    if (shared == SHARE_ALL) {
        strbuf_add(&text, "all GPUs");
    } else {
        strbuf_addf(&text, "GPU %u", index);
    }
    strbuf_add(&text, ", and differ in what they want: ");
    add_wanted(&label->entries.items[a], label->kind, &text);
    strbuf_add(&text, "; ");
    add_wanted(&label->entries.items[b], label->kind, &text);
    return error_set(err, REASON_CONFLICT, label->name, "%s", strbuf_str(&text));
}

int import_check_label(const struct import_target *target, const struct import_label *label,
                       struct error *err)
{
    for (size_t b = 1; b < label->entries.n; b++) {
        const struct import_entry *later = &label->entries.items[b];
        for (size_t a = 0; a < b && import_is_for(target, later); a++) {
            const struct import_entry *earlier = &label->entries.items[a];
            uint32_t index = 0;
            enum shared shared = shared_devices(earlier, later, &index);
            if (shared != SHARE_NONE && !want_the_same(earlier, later) &&
                filters_meet(earlier, later) && import_is_for(target, earlier)) {
                return refuse(label, a, b, shared, index, err);
            }
        }
    }
    return 0;
}
