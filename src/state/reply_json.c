/* SPDX-License-Identifier: Apache-2.0 */
#include "state/reply_json.h"

#include "base/str.h"
#include "layout/layout.h"
#include "model/encode.h"

json_t *reply_gpu(const struct gpu *gpu, const struct gpu_records *records)
{
    json_t *json = gpu_to_json(gpu);
    const struct gpu_record *record = gpu_records_find(records, gpu);
    if (record != NULL) {
        json_object_set_new(json, "cordoned", cordon_to_json(&record->cordon));
        json_object_set_new(json, "quarantine", quarantine_to_json(&record->quarantine));
        json_object_set_new(json, "stuckVirtualFunctions", stuck_vfs_to_json(record));
    }
    return json;
}

json_t *reply_gpus(const struct host *host, const struct gpu_records *records)
{
    json_t *list = json_array();
    for (vec_each(&host->gpus, gpu)) {
        json_array_append_new(list, reply_gpu(gpu, records));
    }
    return json_pack("{s:o}", "gpus", list);
}

json_t *reply_vms(const struct host *host)
{
    json_t *list = json_array();
    for (vec_each(&host->vms, vm)) {
        json_array_append_new(list, vm_to_json(vm));
    }
    return json_pack("{s:o}", "vms", list);
}

json_t *reply_vm(const struct vm *vm)
{
    return json_pack("{s:o}", "vm", vm_to_json(vm));
}

json_t *reply_vm_plan(const struct vm *vm, const struct plan *plan)
{
    json_t *json = reply_vm(vm);
    if (plan != NULL) {
        json_object_set_new(json, "plan", plan_to_json(plan));
    }
    return json;
}

json_t *reply_plans(struct plan *const *plans, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, plan_to_json(plans[i]));
    }
    return json_pack("{s:o}", "plans", list);
}

json_t *reply_migration(const struct migration *migration)
{
    return json_pack("{s:o}", "migration", migration_to_json(migration));
}

json_t *reply_incoming(const struct incoming *incoming)
{
    return json_pack("{s:o}", "incoming", incoming_to_json(incoming));
}

/* A claim that is given another place is released and bound by one plan: it is said once. */
json_t *reply_change(const struct plan *plan, const struct claims *stored)
{
    json_t *list = json_array();
    CLEANUP_JSON json_t *said = json_object();
    for (vec_each(&plan->claims, entry)) {
        const char *name = entry->claim.name;
        const struct claim *claim = claims_find(stored, name);
        bool released = entry->verb == PLAN_RELEASE && claim == NULL;
        if (entry->verb != PLAN_KEEP && !released && json_object_get(said, name) == NULL) {
            json_array_append_new(list, claim_to_json(claim != NULL ? claim : &entry->claim));
            json_object_set_new(said, name, json_true());
        }
    }
    return json_pack("{s:o, s:o}", "plan", plan_to_json(plan), "claims", list);
}

/* ---- profiles ---- */

static json_t *known(uint32_t value)
{
    return value == CAT_UNKNOWN ? json_null() : json_integer(value);
}

static json_t *model_to_json(const struct gpu_model *model)
{
    bool mig = model->profiles.n > 0;
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "key", model->key, "name", model->name,
                     "architecture", cat_arch_name(model->arch), "memoryMib",
                     (json_int_t)model->memory_mib, "computeSlices",
                     mig ? known(model->compute_slices) : json_null(), "memorySlices",
                     mig ? known(model->memory_slices) : json_null());
}

/* How many more fit next to what is on the GPU: a claim turns MIG on where nothing needs it off.
 * False: that can't be known. */
static bool count_remaining(const struct gpu_model *model, const struct cat_profile *profile,
                            const struct gpu *gpu, uint32_t *ret_n)
{
    struct layout_gis existing = {0};
    bool taken = gpu->mode == GPU_PASSTHROUGH ? gpu->holder[0] != '\0'
                                              : !gpu->mig_enabled && gpu->vgpus.n > 0;
    if (taken) {
        *ret_n = 0;
        return true;
    }
    if (gpu->mode == GPU_PASSTHROUGH || gpu->problem[0] != '\0') {
        return false;
    }
    for (vec_each(&gpu->gis, gi)) {
        const struct cat_profile *other = model_profile_by_id(model, gi->profile_id);
        if (other == NULL || existing.n == LAYOUT_MAX_GIS) {
            return false;
        }
        existing.items[existing.n++] = (struct layout_gi){.profile = other, .start = gi->start};
    }
    *ret_n = layout_remaining(model, &existing, profile);
    return true;
}

/* On all GPUs of which that is known; null: on none is it. */
static json_t *remaining_to_json(const struct gpu_model *model, const struct cat_profile *profile,
                                 const struct profile_gpus *gpus)
{
    json_int_t sum = 0;
    bool any = false;
    for (vec_each(gpus, gpu)) {
        uint32_t n = 0;
        if (str_eq((*gpu)->model, model->key) && count_remaining(model, profile, *gpu, &n)) {
            sum += n;
            any = true;
        }
    }
    return any ? json_integer(sum) : json_null();
}

static json_t *profile_to_json(const struct gpu_model *model, const struct cat_profile *profile,
                               const struct profile_gpus *gpus)
{
    json_t *placements = json_array();
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        json_array_append_new(
            placements, json_pack("{s:I, s:I}", "start", (json_int_t)profile->placements[i].start,
                                  "size", (json_int_t)profile->placements[i].size));
    }
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:o, s:I, s:I, s:o, s:I}", "model", model->key, "name",
                  profile->name, "profileId", (json_int_t)profile->id, "memoryMib",
                  known(profile->memory_mib), "computeSlices", (json_int_t)profile->compute_slices,
                  "memorySlices", (json_int_t)profile->memory_slices, "multiprocessors",
                  known(profile->sm), "maxInstances", (json_int_t)profile->max_instances);
    json_object_set_new(json, "remaining", remaining_to_json(model, profile, gpus));
    json_object_set_new(json, "gfx", json_boolean(profile->gfx));
    json_object_set_new(json, "placements", placements);
    json_object_set_new(json, "source", encode_text(profile->source));
    json_object_set_new(json, "confidence", encode_text(profile->confidence));
    return json;
}

static json_t *type_to_json(const struct gpu_model *model, const struct cat_vgpu_type *type)
{
    const char series[2] = {type->series, '\0'};
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o}", "model", model->key,
                     "name", type->name, "typeId", known(type->type_id), "series", series,
                     "framebufferMib", known(type->framebuffer_mib), "migBacked", type->mig_backed,
                     "profile", encode_text(type->gi_profile), "maxPerGpu",
                     known(type->max_per_gpu), "maxPerInstance",
                     type->mig_backed ? known(type->max_per_gi) : json_null(), "source",
                     encode_text(type->source), "confidence", encode_text(type->confidence));
}

json_t *reply_profiles(const struct gpu_model *const *models, size_t n,
                       const struct profile_gpus *gpus)
{
    json_t *list = json_array();
    json_t *profiles = json_array();
    json_t *types = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, model_to_json(models[i]));
        for (vec_each(&models[i]->profiles, profile)) {
            json_array_append_new(profiles, profile_to_json(models[i], profile, gpus));
        }
        for (vec_each(&models[i]->types, type)) {
            json_array_append_new(types, type_to_json(models[i], type));
        }
    }
    return json_pack("{s:o, s:o, s:o}", "models", list, "profiles", profiles, "types", types);
}
