/* SPDX-License-Identifier: Apache-2.0 */
#include "import/import.h"

#include "base/str.h"
#include "catalog/profile_name.h"
#include "import/resolve.h"
#include "import/vgpu_name.h"

const char *import_verdict_name(enum import_verdict verdict)
{
    static const char *const names[] = {[IMPORT_FITS] = "fits",
                                        [IMPORT_OTHER_GPU] = "other-gpu",
                                        [IMPORT_REFUSED] = "refused",
                                        [IMPORT_UNKNOWN] = "unknown"};
    return names[verdict];
}

static bool filter_matches(const struct import_filter *filter, uint32_t device, uint32_t subsystem)
{
    return filter->device == device && (filter->subsystem == CAT_UNKNOWN ||
                                        subsystem == CAT_UNKNOWN || filter->subsystem == subsystem);
}

bool import_is_for(const struct import_target *target, const struct import_entry *entry)
{
    if (entry->filters.n == 0) {
        return true;
    }
    for (vec_each(&entry->filters, filter)) {
        if (target->device != CAT_UNKNOWN) {
            if (filter_matches(filter, target->device, target->subsystem)) {
                return true;
            }
            continue;
        }
        for (vec_each(&target->model->pci_ids, id)) {
            if (filter_matches(filter, id->device, id->subsystem)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- profiles ---- */

struct parts {
    struct layout_part items[IMPORT_MAX_ITEMS];
    uint32_t n;
};

static int resolve_parts(const struct catalog *catalog, const struct gpu_model *model,
                         const struct import_entry *entry, struct parts *parts, struct error *err)
{
    for (vec_each(&entry->items, item)) {
        struct layout_part *part = &parts->items[parts->n++];
        struct profile_name name;
        int r = profile_name_parse(item->name, &name, err);
        r = r != 0 ? r : resolve_profile(catalog, model, name.gi, &part->profile, err);
        if (r != 0) {
            return r;
        }
        part->slices = name.ci_slices;
        part->start = LAYOUT_ANYWHERE;
        part->count = item->count;
    }
    return 0;
}

static int take_profiles(const struct catalog *catalog, const struct gpu_model *model,
                         const struct import_entry *entry, struct import_fit *fit)
{
    struct parts parts = {.n = 0};
    int r = resolve_parts(catalog, model, entry, &parts, &fit->why);
    return r != 0 ? r
                  : layout_pack(model, parts.items, parts.n, &fit->request.gis,
                                fit->request.compute, &fit->why);
}

/* ---- types ---- */

static int take_types(const struct catalog *catalog, const struct gpu_model *model,
                      const struct import_entry *entry, struct import_fit *fit)
{
    struct layout_vgpus *vgpus = &fit->request.vgpus;
    for (vec_each(&entry->items, item)) {
        const struct cat_vgpu_type *type = NULL;
        int r = resolve_type(catalog, model, item->name, &type, &fit->why);
        if (r != 0) {
            return r;
        }
        if (vgpus->n + item->count > LAYOUT_MAX_VGPUS) {
            return error_set(&fit->why, REASON_NO_CAPACITY, model->key,
                             "%u of \"%s\" are more than any GPU takes", item->count, item->name);
        }
        for (uint32_t i = 0; i < item->count; i++) {
            vgpus->items[vgpus->n++] = (struct layout_vgpu){
                .type = type, .gi = LAYOUT_ANYWHERE, .placement_id = LAYOUT_ANYWHERE};
        }
    }
    return 0;
}

/* ---- the verdict ---- */

static enum import_verdict place(const struct gpu_model *model, struct import_fit *fit)
{
    int r = layout_fit(model, &fit->request, &fit->why);
    if (r == -REASON_UNKNOWN) {
        return layout_fits_by_count(model, &fit->request) ? IMPORT_FITS : IMPORT_UNKNOWN;
    }
    if (r == 0 && layout_mixed_is_known(model, &fit->request, &fit->why) != 0) {
        return IMPORT_UNKNOWN;
    }
    return r == 0 ? IMPORT_FITS : IMPORT_REFUSED;
}

/* What resolve says of a name, or what packing says of a count. */
static enum import_verdict verdict_of(int r)
{
    if (r == -REASON_UNSUPPORTED) {
        return IMPORT_OTHER_GPU;
    }
    return r == -REASON_UNAVAILABLE ? IMPORT_UNKNOWN : IMPORT_REFUSED;
}

static void refuse(struct import_fit *fit, const struct gpu_model *model,
                   enum import_verdict verdict, const char *message)
{
    fit->verdict = verdict;
    error_set(&fit->why, REASON_UNSUPPORTED, model->key, "%s", message);
}

/* The entry names what this board doesn't have. Is it for another board, or for none? */
static void judge_other(const struct import_target *target, enum import_kind kind,
                        const struct import_entry *entry, struct import_fit *fit)
{
    const struct import_item *nowhere = resolve_nowhere(target->catalog, kind, entry);
    fit->nowhere = nowhere != NULL;
    if (nowhere != NULL) {
        error_set(&fit->why, REASON_UNSUPPORTED, target->model->key,
                  "no GPU in the catalog has a %s \"%s\"",
                  kind == IMPORT_MIG ? "profile" : "vGPU type", nowhere->name);
    } else if (!resolve_together(target->catalog, kind, entry)) {
        CLEANUP_STRBUF struct strbuf text = {0};
        strbuf_add(&text, "no GPU has all of ");
        for (size_t i = 0; i < entry->items.n; i++) {
            strbuf_addf(&text, "%s\"%s\"",
                        i == 0                   ? ""
                        : i + 1 < entry->items.n ? ", "
                                                 : " and ",
                        entry->items.items[i].name);
        }
        refuse(fit, target->model, IMPORT_REFUSED, strbuf_str(&text));
        return;
    }
    if (entry->filters.n > 0) { /* and it is this board's: import_is_for() said so */
        fit->verdict = IMPORT_REFUSED;
        error_hint(&fit->why, "its device filter names %s", target->model->name);
    }
}

static const char *first_foreign(const struct import_entry *entry)
{
    for (vec_each(&entry->items, item)) {
        if (item->foreign) {
            return item->name;
        }
    }
    return NULL;
}

static bool has_two_kinds(enum import_kind kind, const struct import_entry *entry)
{
    size_t mig_backed = 0;
    for (vec_each(&entry->items, item)) {
        mig_backed += vgpu_name_is_mig_backed(item->name);
    }
    return kind == IMPORT_VGPU && mig_backed > 0 && mig_backed < entry->items.n;
}

void import_fit(const struct import_target *target, enum import_kind kind,
                const struct import_entry *entry, struct import_fit *ret_fit)
{
    const struct gpu_model *model = target->model;
    *ret_fit = (struct import_fit){
        .mig = entry->mig_enabled, .request.mixed = target->mixed, .request.mig_timesliced = true};
    ret_fit->foreign = first_foreign(entry);
    ret_fit->two_kinds = has_two_kinds(kind, entry);
    if (!import_is_for(target, entry)) {
        /* What asks for no part of a GPU is for one without parts, which the catalog may lack. */
        ret_fit->nowhere =
            (kind == IMPORT_VGPU || entry->mig_enabled) && !resolve_filters(target->catalog, entry);
        refuse(ret_fit, model, IMPORT_OTHER_GPU,
               ret_fit->nowhere ? "its device filter names no GPU in the catalog"
                                : "its device filter names other GPUs");
        return;
    }
    if (!entry->all_devices && entry->devices.n == 0) {
        refuse(ret_fit, model, IMPORT_REFUSED, "its list of devices is empty: it is for no GPU");
        return;
    }
    bool wants_mig = kind == IMPORT_MIG && entry->mig_enabled;
    if (wants_mig && model->profiles.n == 0) {
        error_set(&ret_fit->why, REASON_UNSUPPORTED, model->key, "%s has no MIG", model->name);
        ret_fit->verdict = IMPORT_OTHER_GPU;
        if (entry->items.n > 0) {
            judge_other(target, kind, entry, ret_fit);
        }
        return;
    }
    int r = kind == IMPORT_MIG ? take_profiles(target->catalog, model, entry, ret_fit)
                               : take_types(target->catalog, model, entry, ret_fit);
    ret_fit->verdict = r == 0 ? place(model, ret_fit) : verdict_of(r);
    if (r == -REASON_UNSUPPORTED) {
        judge_other(target, kind, entry, ret_fit);
    }
    ret_fit->mig = ret_fit->mig || ret_fit->request.gis.n > 0;
}
