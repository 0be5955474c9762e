/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The changing part of a host as JSON: for the state file, and for `cleave-sim ctl status`. A state
 * is read onto the host that the host file makes: hooks compare what both of them have, and find
 * profiles and types in the model of the GPU, which is the context of its reader.
 */
#include "sim/state/encode.h"

#include <string.h>

#include "base/str.h"
#include "schema/schema.h"

#define TEXT(type, member, key) FIELD_STRING(type, member, key, FACE_STORE, .left_out = true)
#define FLAG(type, member, key) FIELD_BOOL(type, member, key, FACE_STORE, .left_out = true)
#define COUNT(type, member, key) FIELD_COUNT(type, member, key, FACE_STORE)
/* SIM_NONE is left out. */
#define ID(type, member, key)                                                                      \
    FIELD_COUNT(type, member, key, FACE_STORE, .fallback = SIM_NONE, .max = SIM_NONE - 1,          \
                .left_out = true)
#define OPENER(type)                                                                               \
    FIELD_PID(type, opener, "opener", FACE_STORE, .left_out = true), TEXT(type, vm_uuid, "vm_uuid")

/* ---- vGPUs ---- */

static json_t *put_type(const void *object)
{
    const struct sim_vgpu *vgpu = object;
    return json_string(vgpu->type->name);
}

static void read_type(struct reader *r, const char *key, void *object)
{
    struct sim_vgpu *vgpu = object;
    const struct gpu_model *model = r->context;
    const char *name = reader_str_or(r, key, 127, NULL);
    for (size_t i = 0; name != NULL && i < model->types.n; i++) {
        if (str_eq(model->types.items[i].name, name)) {
            vgpu->type = &model->types.items[i];
        }
    }
    vgpu->exists = vgpu->type != NULL;
    if (name != NULL && !vgpu->exists) {
        reader_fail(r, key, "the catalog has no vGPU type \"%s\" for %s", name, model->name);
    }
}

static const struct field_hook type_hook = {put_type, read_type};
static const struct field vgpu_fields[] = {
    TEXT(struct sim_vgpu, params, "params"),
    FIELD_HOOK("type", type_hook, FACE_STORE),
    FIELD_COUNT(struct sim_vgpu, instance, "instance", FACE_STORE, .max = SIM_NONE - 1),
    ID(struct sim_vgpu, gi_id, "gi"),
    ID(struct sim_vgpu, placement_id, "placement"),
    TEXT(struct sim_vgpu, uuid, "uuid"),
    FIELD_COUNT(struct sim_vgpu, iommu_group, "iommu_group", FACE_STORE, .max = SIM_NONE - 1),
    OPENER(struct sim_vgpu),
    FIELD_WORD(struct sim_vgpu, licence, "licence", sim_licence, FACE_STORE, .left_out = true),
    FIELD_COUNT(struct sim_vgpu, licensed_until_us, "licensed_until_us", FACE_STORE,
                .left_out = true),
};
static const struct schema sim_vgpu_schema = SCHEMA(sim_vgpu, vgpu_fields);

static json_t *put_vgpu(const void *object)
{
    const struct sim_vgpu *vgpu = &((const struct sim_vf *)object)->vgpu;
    if (vgpu->exists) {
        return schema_to_json(&sim_vgpu_schema, vgpu, FACE_STORE);
    }
    /* Parameters may come before the vGPU. */
    return vgpu->params[0] != '\0' ? json_pack("{s:s}", "params", vgpu->params) : NULL;
}

static void read_vgpu(struct reader *r, const char *key, void *object)
{
    struct sim_vgpu *vgpu = &((struct sim_vf *)object)->vgpu;
    const json_t *json = reader_object_or_null(r, key);
    if (json == NULL) {
        schema_clear(&sim_vgpu_schema, vgpu);
        return;
    }
    schema_read_below(&sim_vgpu_schema, r, &(struct schema_place){key, -1, json}, vgpu, FACE_STORE);
}

static const struct field_hook vgpu_hook = {put_vgpu, read_vgpu};
static const struct field vf_fields[] = {
    FIELD_ADDRESS(struct sim_vf, addr, "bdf", FACE_STORE),
    TEXT(struct sim_vf, driver, "driver"),
    TEXT(struct sim_vf, driver_override, "driver_override"),
    FLAG(struct sim_vf, removed, "removed"),
    ID(struct sim_vf, wanted_placement, "wanted_placement"),
    FIELD_COUNT(struct sim_vf, iommu_group, "iommu_group", FACE_STORE, .max = SIM_NONE - 1,
                .required = true),
    FIELD_HOOK("vgpu", vgpu_hook, FACE_STORE),
};
static const struct schema sim_vf_schema = SCHEMA(sim_vf, vf_fields);

static json_t *put_mdevs(const void *object)
{
    const struct sim_gpu *gpu = object;
    json_t *mdevs = json_array();
    for (uint32_t i = 0; i < SIM_MAX_MDEVS; i++) {
        if (gpu->pf_vgpus[i].exists) {
            json_array_append_new(mdevs,
                                  schema_to_json(&sim_vgpu_schema, &gpu->pf_vgpus[i], FACE_STORE));
        }
    }
    return mdevs;
}

static void read_mdevs(struct reader *r, const char *key, void *object)
{
    struct sim_gpu *gpu = object;
    const json_t *mdevs = reader_array(r, key, SIM_MAX_MDEVS);
    for (size_t i = 0; i < json_array_size(mdevs) && r->result == 0; i++) {
        struct schema_place place = {key, (int)i, json_array_get(mdevs, i)};
        schema_read_below(&sim_vgpu_schema, r, &place, &gpu->pf_vgpus[i], FACE_STORE);
    }
}

static const struct field_hook mdevs_hook = {put_mdevs, read_mdevs};

/* ---- instances ---- */

static const struct field ci_fields[] = {
    FIELD_COUNT(struct sim_ci, id, "id", FACE_STORE, .max = 1000, .required = true),
    FIELD_COUNT(struct sim_ci, profile, "profile", FACE_STORE, .max = 1000, .required = true),
    FIELD_COUNT(struct sim_ci, start, "start", FACE_STORE, .max = 31, .required = true),
    FIELD_COUNT(struct sim_ci, size, "size", FACE_STORE, .min = 1, .max = 31, .required = true),
    TEXT(struct sim_ci, uuid, "uuid"),
};
static const struct schema sim_ci_schema = SCHEMA(sim_ci, ci_fields);

static json_t *put_profile(const void *object)
{
    return json_integer(((const struct sim_gi *)object)->profile->id);
}

/* Several profiles may have one id: the name decides among them. */
static void read_profile(struct reader *r, const char *key, void *object)
{
    struct sim_gi *gi = object;
    const struct gpu_model *model = r->context;
    uint32_t id = (uint32_t)reader_int(r, key, 0, SIM_NONE - 1);
    const char *name = reader_str(r, "name", 63);
    for (size_t i = 0; i < model->profiles.n; i++) {
        if (model->profiles.items[i].id == id && str_eq(model->profiles.items[i].name, name)) {
            gi->profile = &model->profiles.items[i];
        }
    }
    if (gi->profile == NULL) {
        reader_fail(r, key, "the catalog has no such profile for %s", model->name);
    }
}

static json_t *put_profile_name(const void *object)
{
    return json_string(((const struct sim_gi *)object)->profile->name);
}

static json_t *put_scheduler(const void *object)
{
    const struct sim_gi_scheduler *scheduler = &((const struct sim_gi *)object)->scheduler;
    if (scheduler->policy == 0) {
        return NULL;
    }
    return json_pack("[I, I, I, I, I]", (json_int_t)scheduler->policy, (json_int_t)scheduler->arr,
                     (json_int_t)scheduler->avg_factor, (json_int_t)scheduler->frequency,
                     (json_int_t)scheduler->timeslice_ns);
}

static void read_scheduler(struct reader *r, const char *key, void *object)
{
    struct sim_gi_scheduler *scheduler = &((struct sim_gi *)object)->scheduler;
    uint32_t *const numbers[] = {&scheduler->policy, &scheduler->arr, &scheduler->avg_factor,
                                 &scheduler->frequency, &scheduler->timeslice_ns};
    const json_t *list = reader_array_or_null(r, key, ARRAY_SIZE(numbers));
    for (size_t i = 0; list != NULL && i < ARRAY_SIZE(numbers); i++) {
        json_int_t value = json_integer_value(json_array_get(list, i));
        if (value < 0 || value > UINT32_MAX) {
            reader_fail(r, key, "is out of range");
            return;
        }
        *numbers[i] = (uint32_t)value;
    }
}

static const struct field_hook profile_hook = {put_profile, read_profile};
static const struct field_hook profile_name_hook = {.put = put_profile_name};
static const struct field_hook scheduler_hook = {put_scheduler, read_scheduler};
static const struct field gi_fields[] = {
    FIELD_COUNT(struct sim_gi, id, "id", FACE_STORE, .max = 1000, .required = true),
    FIELD_HOOK("profile", profile_hook, FACE_STORE),
    FIELD_HOOK("name", profile_name_hook, FACE_STORE),
    FIELD_COUNT(struct sim_gi, start, "start", FACE_STORE, .max = 31, .required = true),
    FLAG(struct sim_gi, heterogeneous, "heterogeneous"),
    FIELD_HOOK("scheduler", scheduler_hook, FACE_STORE),
    FIELD_ARRAY(struct sim_gi, cis, n_cis, "cis", sim_ci, FACE_STORE, .required = true),
};
static const struct schema sim_gi_schema = SCHEMA(sim_gi, gi_fields);

/* ---- GPUs ---- */

static const struct field settings_fields[] = {
#define X(sym, text, value, stays)                                                                 \
    FIELD_COUNT(struct sim_gpu, settings[SIM_SET_##sym], text, FACE_STORE, .fallback = (value)),
    SIM_SETTING_MAP(X)
#undef X
};
static const struct schema settings_schema = {
    SCHEMA_OF("settings", struct sim_gpu, settings_fields)};

static const struct field ecc_fields[] = {
    FIELD_COUNT(struct sim_ecc, volatile_count, "volatile", FACE_STORE, .required = true),
    FIELD_COUNT(struct sim_ecc, aggregate_count, "aggregate", FACE_STORE, .required = true),
};
static const struct schema sim_ecc_schema = SCHEMA(sim_ecc, ecc_fields);

static json_t *put_gpu_address(const void *object)
{
    char bdf[BDF_SIZE];
    return json_string(pci_addr_format(&((const struct sim_gpu *)object)->addr, bdf));
}

/* The state is of this GPU, or of another host; what it has of instances and vGPUs is all that
 * there is. */
static void read_gpu_address(struct reader *r, const char *key, void *object)
{
    struct sim_gpu *gpu = object;
    char bdf[BDF_SIZE];
    const char *stored = reader_str(r, key, BDF_SIZE);
    const char *board = reader_str(r, "board", 127);
    pci_addr_format(&gpu->addr, bdf);
    if (!str_eq(board, gpu->model->key) || !str_eq(stored, bdf)) {
        reader_fail(r, key, "the state belongs to another host: the host file has %s at %s",
                    gpu->model->key, bdf);
    }
    r->context = gpu->model;
    memset(gpu->gis, 0, sizeof(gpu->gis));
    memset(gpu->vfs, 0, sizeof(gpu->vfs));
    memset(gpu->pf_vgpus, 0, sizeof(gpu->pf_vgpus));
    gpu->n_gis = 0;
    gpu->n_vfs = 0;
}

static json_t *put_board(const void *object)
{
    return json_string(((const struct sim_gpu *)object)->model->key);
}

static const struct field_hook gpu_address_hook = {put_gpu_address, read_gpu_address};
static const struct field_hook board_hook = {.put = put_board};
static const struct field gpu_fields[] = {
    FIELD_HOOK("bdf", gpu_address_hook, FACE_STORE),
    FIELD_HOOK("board", board_hook, FACE_STORE),
    FIELD_STRING(struct sim_gpu, uuid, "uuid", FACE_STORE, .ignored = true),
    FIELD_COUNT(struct sim_gpu, iommu_group, "iommu_group", FACE_STORE, .ignored = true),
    TEXT(struct sim_gpu, driver, "driver"),
    TEXT(struct sim_gpu, driver_override, "driver_override"),
    OPENER(struct sim_gpu),
    FLAG(struct sim_gpu, mig_current, "mig_current"),
    FLAG(struct sim_gpu, mig_pending, "mig_pending"),
    FLAG(struct sim_gpu, heterogeneous, "heterogeneous"),
    FIELD_COUNT(struct sim_gpu, scheduler_policy, "scheduler_policy", FACE_STORE, .max = 3,
                .required = true),
    FLAG(struct sim_gpu, lost, "lost"),
    FLAG(struct sim_gpu, returns, "returns"),
    FLAG(struct sim_gpu, wedged, "wedged"),
    FLAG(struct sim_gpu, no_reset, "no_reset"),
    FIELD_WORD(struct sim_gpu, choice, "instance_choice", sim_choice, FACE_STORE),
    TEXT(struct sim_gpu, holder, "holder"),
    COUNT(struct sim_gpu, busy, "busy"),
    FLAG(struct sim_gpu, removed, "removed"),
    FLAG(struct sim_gpu, sriov_no_autoprobe, "sriov_no_autoprobe"),
    COUNT(struct sim_gpu, last_xid, "last_xid"),
    FIELD_GROUP("settings", settings_schema, FACE_STORE),
    FIELD_OBJECT(struct sim_gpu, corrected, "corrected", sim_ecc, FACE_STORE),
    FIELD_OBJECT(struct sim_gpu, uncorrected, "uncorrected", sim_ecc, FACE_STORE),
    FIELD_ARRAY(struct sim_gpu, gis, n_gis, "gis", sim_gi, FACE_STORE, .required = true),
    FIELD_ARRAY(struct sim_gpu, vfs, n_vfs, "vfs", sim_vf, FACE_STORE, .required = true),
    FIELD_HOOK("mdevs", mdevs_hook, FACE_STORE),
};
static const struct schema sim_gpu_schema = SCHEMA(sim_gpu, gpu_fields);

/* ---- the host ---- */

static const struct field extra_fields[] = {
    FIELD_ADDRESS(struct sim_extra, addr, "bdf", FACE_STORE, .ignored = true),
    TEXT(struct sim_extra, driver, "driver"),
    TEXT(struct sim_extra, driver_override, "driver_override"),
    OPENER(struct sim_extra),
    FLAG(struct sim_extra, removed, "removed"),
};
static const struct schema sim_extra_schema = SCHEMA(sim_extra, extra_fields);

static const struct field id_fields[] = {
    TEXT(struct sim_id, driver, "driver"),
    FIELD_COUNT(struct sim_id, vendor, "vendor", FACE_STORE, .max = SIM_NONE - 1, .required = true),
    FIELD_COUNT(struct sim_id, device, "device", FACE_STORE, .max = SIM_NONE - 1, .required = true),
};
static const struct schema sim_id_schema = SCHEMA(sim_id, id_fields);

/* Reads element i of the list onto object i, which the host file made. */
static void read_onto(struct reader *r, const char *key, const struct schema *schema, void *objects,
                      uint32_t n)
{
    const json_t *list = reader_array(r, key, SIM_MAX_EXTRAS);
    if (list != NULL && json_array_size(list) != n) {
        reader_fail(r, key, "the state belongs to another host: the host file has %u, not %zu", n,
                    json_array_size(list));
    }
    for (uint32_t i = 0; i < n && r->result == 0; i++) {
        struct schema_place place = {key, (int)i, json_array_get(list, i)};
        schema_read_below(schema, r, &place, (char *)objects + i * schema->size, FACE_STORE);
    }
}

static json_t *put_gpus(const void *object)
{
    const struct sim_host *host = object;
    return schema_list_to_json(&sim_gpu_schema, host->gpus, host->n_gpus, FACE_STORE);
}

static void read_gpus(struct reader *r, const char *key, void *object)
{
    struct sim_host *host = object;
    read_onto(r, key, &sim_gpu_schema, host->gpus, host->n_gpus);
}

static json_t *put_extras(const void *object)
{
    const struct sim_host *host = object;
    return schema_list_to_json(&sim_extra_schema, host->extras, host->n_extras, FACE_STORE);
}

static void read_extras(struct reader *r, const char *key, void *object)
{
    struct sim_host *host = object;
    read_onto(r, key, &sim_extra_schema, host->extras, host->n_extras);
}

static json_t *put_name(const void *object)
{
    return json_string(((const struct sim_host *)object)->name);
}

static void read_name(struct reader *r, const char *key, void *object)
{
    const struct sim_host *host = object;
    const char *name = reader_str(r, key, 63);
    if (name != NULL && !str_eq(name, host->name)) {
        reader_fail(r, key, "the state belongs to host \"%s\", not to \"%s\"", name, host->name);
    }
}

static json_t *put_boot_id(const void *object)
{
    return json_string(((const struct sim_host *)object)->boot_id);
}

/* A host without one starts its first boot now. */
static void read_boot_id(struct reader *r, const char *key, void *object)
{
    struct sim_host *host = object;
    STR_SET(host->boot_id, reader_str_or(r, key, 36, host->boot_id));
}

static const struct field_hook name_hook = {put_name, read_name};
static const struct field_hook boot_id_hook = {put_boot_id, read_boot_id};
static const struct field_hook gpus_hook = {put_gpus, read_gpus};
static const struct field_hook extras_hook = {put_extras, read_extras};
static const struct field host_fields[] = {
    FIELD_HOOK("name", name_hook, FACE_STORE),
    FIELD_HOOK("boot_id", boot_id_hook, FACE_STORE),
    COUNT(struct sim_host, driver_loads, "driver_loads"),
    FIELD_COUNT(struct sim_host, next_vgpu_instance, "next_vgpu_instance", FACE_STORE,
                .max = SIM_NONE - 1, .required = true),
    FIELD_COUNT(struct sim_host, changes, "changes", FACE_STORE, .required = true),
    FIELD_HOOK("gpus", gpus_hook, FACE_STORE),
    FIELD_HOOK("extras", extras_hook, FACE_STORE),
    FIELD_ARRAY(struct sim_host, ids, n_ids, "ids", sim_id, FACE_STORE),
    FLAG(struct sim_host, no_autoprobe, "no_autoprobe"),
    FLAG(struct sim_host, unloaded, "unloaded"),
    FIELD_COUNT(struct sim_host, vgpu_versions.oldest, "oldest_vgpu_version", FACE_STORE,
                .left_out = true),
    FIELD_COUNT(struct sim_host, vgpu_versions.newest, "newest_vgpu_version", FACE_STORE,
                .left_out = true),
};
static const struct schema sim_host_schema = SCHEMA(sim_host, host_fields);

json_t *sim_host_to_json(const struct sim_host *host)
{
    return schema_to_json(&sim_host_schema, host, FACE_STORE);
}

int sim_host_from_json(struct sim_host *host, const json_t *json, const char *origin,
                       struct error *err)
{
    host->n_ids = 0;
    const struct schema_input in = {json, origin, "host", FACE_STORE};
    return schema_parse(&sim_host_schema, &in, host, err);
}
