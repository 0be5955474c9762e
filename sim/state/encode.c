/* SPDX-License-Identifier: Apache-2.0 */
/* The changing part of a host as JSON: for the state file, and for `cleave-sim ctl status`. */
#include "sim/state/encode.h"

#include <string.h>

#include "base/str.h"

static void put_str(json_t *object, const char *key, const char *text)
{
    if (text[0] != '\0') {
        json_object_set_new(object, key, json_string(text));
    }
}

static void put_num(json_t *object, const char *key, uint32_t value)
{
    if (value != SIM_NONE) {
        json_object_set_new(object, key, json_integer(value));
    }
}

static void put_flag(json_t *object, const char *key, bool value)
{
    if (value) {
        json_object_set_new(object, key, json_true());
    }
}

static void put_opener(json_t *object, int32_t pid, const char *vm_uuid)
{
    if (pid != 0) {
        json_object_set_new(object, "opener", json_integer(pid));
        put_str(object, "vm_uuid", vm_uuid);
    }
}

static json_t *vgpu_json(const struct sim_vgpu *vgpu)
{
    json_t *object = json_object();
    put_str(object, "params", vgpu->params);
    if (!vgpu->exists) {
        return object;
    }
    put_str(object, "type", vgpu->type->name);
    put_num(object, "instance", vgpu->instance);
    put_num(object, "gi", vgpu->gi_id);
    put_num(object, "placement", vgpu->placement_id);
    put_str(object, "uuid", vgpu->uuid);
    put_num(object, "iommu_group", vgpu->iommu_group);
    put_opener(object, vgpu->opener, vgpu->vm_uuid);
    return object;
}

static json_t *vf_json(const struct sim_vf *vf)
{
    json_t *object = json_object();
    char bdf[BDF_SIZE];
    put_str(object, "bdf", pci_addr_format(&vf->addr, bdf));
    put_str(object, "driver", vf->driver);
    put_str(object, "driver_override", vf->driver_override);
    put_flag(object, "removed", vf->removed);
    put_num(object, "wanted_placement", vf->wanted_placement);
    put_num(object, "iommu_group", vf->iommu_group);
    if (vf->vgpu.exists || vf->vgpu.params[0] != '\0') {
        json_object_set_new(object, "vgpu", vgpu_json(&vf->vgpu));
    }
    return object;
}

static json_t *gi_json(const struct sim_gi *gi)
{
    json_t *object = json_object();
    put_num(object, "id", gi->id);
    put_num(object, "profile", gi->profile->id);
    put_str(object, "name", gi->profile->name);
    put_num(object, "start", gi->start);
    put_flag(object, "heterogeneous", gi->heterogeneous);
    if (gi->scheduler.policy != 0) {
        json_object_set_new(
            object, "scheduler",
            json_pack("[I, I, I, I, I]", (json_int_t)gi->scheduler.policy,
                      (json_int_t)gi->scheduler.arr, (json_int_t)gi->scheduler.avg_factor,
                      (json_int_t)gi->scheduler.frequency, (json_int_t)gi->scheduler.timeslice_ns));
    }
    json_t *cis = json_array();
    for (uint32_t i = 0; i < gi->n_cis; i++) {
        json_t *ci = json_object();
        put_num(ci, "id", gi->cis[i].id);
        put_num(ci, "profile", gi->cis[i].profile);
        put_num(ci, "start", gi->cis[i].start);
        put_num(ci, "size", gi->cis[i].size);
        put_str(ci, "uuid", gi->cis[i].uuid);
        json_array_append_new(cis, ci);
    }
    json_object_set_new(object, "cis", cis);
    return object;
}

static json_t *ecc_json(const struct sim_ecc *ecc)
{
    json_t *object = json_object();
    json_object_set_new(object, "volatile", json_integer((json_int_t)ecc->volatile_count));
    json_object_set_new(object, "aggregate", json_integer((json_int_t)ecc->aggregate_count));
    return object;
}

static json_t *gpu_json(const struct sim_gpu *gpu)
{
    json_t *object = json_object();
    char bdf[BDF_SIZE];
    put_str(object, "bdf", pci_addr_format(&gpu->addr, bdf));
    put_str(object, "board", gpu->model->key);
    put_str(object, "uuid", gpu->uuid);
    put_str(object, "driver", gpu->driver);
    put_str(object, "driver_override", gpu->driver_override);
    put_num(object, "iommu_group", gpu->iommu_group);
    put_opener(object, gpu->opener, gpu->vm_uuid);
    put_flag(object, "mig_current", gpu->mig_current);
    put_flag(object, "mig_pending", gpu->mig_pending);
    put_flag(object, "heterogeneous", gpu->heterogeneous);
    put_num(object, "scheduler_policy", gpu->scheduler_policy);
    put_flag(object, "lost", gpu->lost);
    put_flag(object, "returns", gpu->returns);
    put_flag(object, "wedged", gpu->wedged);
    put_flag(object, "no_reset", gpu->no_reset);
    json_object_set_new(object, "instance_choice", json_string(sim_choice_name(gpu->choice)));
    put_str(object, "holder", gpu->holder);
    put_num(object, "busy", gpu->busy);
    put_flag(object, "removed", gpu->removed);
    put_flag(object, "sriov_no_autoprobe", gpu->sriov_no_autoprobe);
    put_num(object, "last_xid", gpu->last_xid);
    json_t *settings = json_object();
    for (uint32_t i = 0; i < SIM_SETTING_COUNT; i++) {
        put_num(settings, sim_setting_name(i), gpu->settings[i]);
    }
    json_object_set_new(object, "settings", settings);
    json_object_set_new(object, "corrected", ecc_json(&gpu->corrected));
    json_object_set_new(object, "uncorrected", ecc_json(&gpu->uncorrected));
    json_t *gis = json_array();
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        json_array_append_new(gis, gi_json(&gpu->gis[i]));
    }
    json_object_set_new(object, "gis", gis);
    json_t *vfs = json_array();
    for (uint32_t i = 0; i < gpu->n_vfs; i++) {
        json_array_append_new(vfs, vf_json(&gpu->vfs[i]));
    }
    json_object_set_new(object, "vfs", vfs);
    json_t *mdevs = json_array();
    for (uint32_t i = 0; i < SIM_MAX_MDEVS; i++) {
        if (gpu->pf_vgpus[i].exists) {
            json_array_append_new(mdevs, vgpu_json(&gpu->pf_vgpus[i]));
        }
    }
    json_object_set_new(object, "mdevs", mdevs);
    return object;
}

json_t *sim_host_to_json(const struct sim_host *host)
{
    json_t *object = json_object();
    put_str(object, "name", host->name);
    put_str(object, "boot_id", host->boot_id);
    put_num(object, "driver_loads", host->driver_loads);
    put_num(object, "next_vgpu_instance", host->next_vgpu_instance);
    json_object_set_new(object, "changes", json_integer((json_int_t)host->changes));
    json_t *gpus = json_array();
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        json_array_append_new(gpus, gpu_json(&host->gpus[i]));
    }
    json_object_set_new(object, "gpus", gpus);
    json_t *extras = json_array();
    for (uint32_t i = 0; i < host->n_extras; i++) {
        const struct sim_extra *extra = &host->extras[i];
        json_t *item = json_object();
        char bdf[BDF_SIZE];
        put_str(item, "bdf", pci_addr_format(&extra->addr, bdf));
        put_str(item, "driver", extra->driver);
        put_str(item, "driver_override", extra->driver_override);
        put_opener(item, extra->opener, extra->vm_uuid);
        put_flag(item, "removed", extra->removed);
        json_array_append_new(extras, item);
    }
    json_object_set_new(object, "extras", extras);
    json_t *ids = json_array();
    for (uint32_t i = 0; i < host->n_ids; i++) {
        json_t *item = json_object();
        put_str(item, "driver", host->ids[i].driver);
        put_num(item, "vendor", host->ids[i].vendor);
        put_num(item, "device", host->ids[i].device);
        json_array_append_new(ids, item);
    }
    json_object_set_new(object, "ids", ids);
    put_flag(object, "no_autoprobe", host->no_autoprobe);
    put_flag(object, "unloaded", host->unloaded);
    if (host->vgpu_versions.newest != 0) {
        put_num(object, "oldest_vgpu_version", host->vgpu_versions.oldest);
        put_num(object, "newest_vgpu_version", host->vgpu_versions.newest);
    }
    return object;
}

/* ---- back ---- */

static void get_str(struct reader *r, const char *key, char *dst, size_t size)
{
    str_copy(dst, size, reader_str_or(r, key, size - 1, ""));
}

static uint32_t get_num(struct reader *r, const char *key)
{
    return (uint32_t)reader_int_or(r, key, 0, UINT32_MAX - 1, SIM_NONE);
}

static int32_t get_pid(struct reader *r, char *vm_uuid, size_t size)
{
    get_str(r, "vm_uuid", vm_uuid, size);
    return (int32_t)reader_int_or(r, "opener", 0, INT32_MAX, 0);
}

/* A reader for element `index` of the array at `key`; its errors go where r's go. */
static bool next_item(struct reader *r, const char *key, const json_t *array, size_t index,
                      struct reader *ret_item)
{
    if (array == NULL || index >= json_array_size(array) || r->result < 0) {
        return false;
    }
    char path[160];
    reader_init(ret_item, json_array_get(array, index), r->origin,
                reader_path(r, key, (int)index, path, sizeof(path)), r->err);
    return true;
}

static void item_done(struct reader *r, struct reader *item)
{
    if (reader_end(item) < 0) {
        r->result = item->result;
    }
}

static void vgpu_from(struct reader *r, const struct gpu_model *model, struct sim_vgpu *vgpu)
{
    *vgpu = (struct sim_vgpu){.gi_id = SIM_NONE, .placement_id = SIM_NONE};
    get_str(r, "params", vgpu->params, sizeof(vgpu->params));
    const char *type = reader_str_or(r, "type", 127, NULL);
    vgpu->instance = (uint32_t)reader_int_or(r, "instance", 0, UINT32_MAX - 1, 0);
    vgpu->gi_id = get_num(r, "gi");
    vgpu->placement_id = get_num(r, "placement");
    get_str(r, "uuid", vgpu->uuid, sizeof(vgpu->uuid));
    vgpu->iommu_group = (uint32_t)reader_int_or(r, "iommu_group", 0, UINT32_MAX - 1, 0);
    vgpu->opener = get_pid(r, vgpu->vm_uuid, sizeof(vgpu->vm_uuid));
    if (type == NULL) {
        return;
    }
    for (size_t i = 0; i < model->types.n; i++) {
        if (str_eq(model->types.items[i].name, type)) {
            vgpu->type = &model->types.items[i];
        }
    }
    vgpu->exists = vgpu->type != NULL;
    if (!vgpu->exists) {
        reader_fail(r, "type", "the catalog has no vGPU type \"%s\" for %s", type, model->name);
    }
}

static void vf_from(struct reader *r, const struct gpu_model *model, struct sim_vf *vf)
{
    const char *bdf = reader_str(r, "bdf", BDF_SIZE);
    if (bdf != NULL && !pci_addr_parse(bdf, &vf->addr)) {
        reader_fail(r, "bdf", "\"%s\" is not a PCI address", bdf);
    }
    get_str(r, "driver", vf->driver, sizeof(vf->driver));
    get_str(r, "driver_override", vf->driver_override, sizeof(vf->driver_override));
    vf->removed = reader_bool_or(r, "removed", false);
    vf->wanted_placement = get_num(r, "wanted_placement");
    vf->iommu_group = (uint32_t)reader_int(r, "iommu_group", 0, UINT32_MAX - 1);
    vf->vgpu = (struct sim_vgpu){.gi_id = SIM_NONE, .placement_id = SIM_NONE};
    const json_t *object = reader_object_or_null(r, "vgpu");
    if (object != NULL) {
        char path[160];
        struct reader v;
        reader_init(&v, object, r->origin, reader_path(r, "vgpu", -1, path, sizeof(path)), r->err);
        vgpu_from(&v, model, &vf->vgpu);
        item_done(r, &v);
    }
}

static void scheduler_from(struct reader *r, struct sim_gi_scheduler *scheduler)
{
    uint32_t *const fields[] = {&scheduler->policy, &scheduler->arr, &scheduler->avg_factor,
                                &scheduler->frequency, &scheduler->timeslice_ns};
    const json_t *array = reader_array_or_null(r, "scheduler", ARRAY_SIZE(fields));
    for (size_t i = 0; array != NULL && i < ARRAY_SIZE(fields); i++) {
        json_int_t value = json_integer_value(json_array_get(array, i));
        if (value < 0 || value > UINT32_MAX) {
            reader_fail(r, "scheduler", "is out of range");
            return;
        }
        *fields[i] = (uint32_t)value;
    }
}

static void settings_from(struct reader *r, struct sim_gpu *gpu)
{
    const json_t *object = reader_object_or_null(r, "settings");
    if (object == NULL) {
        return;
    }
    char path[160];
    struct reader s;
    reader_init(&s, object, r->origin, reader_path(r, "settings", -1, path, sizeof(path)), r->err);
    for (uint32_t i = 0; i < SIM_SETTING_COUNT; i++) {
        gpu->settings[i] =
            (uint32_t)reader_int_or(&s, sim_setting_name(i), 0, UINT32_MAX, gpu->settings[i]);
    }
    item_done(r, &s);
}

static void gi_from(struct reader *r, const struct gpu_model *model, struct sim_gi *gi)
{
    *gi = (struct sim_gi){.id = (uint32_t)reader_int(r, "id", 0, 1000)};
    uint32_t profile = (uint32_t)reader_int(r, "profile", 0, UINT32_MAX - 1);
    const char *name = reader_str(r, "name", 63);
    gi->start = (uint32_t)reader_int(r, "start", 0, 31);
    gi->heterogeneous = reader_bool_or(r, "heterogeneous", false);
    scheduler_from(r, &gi->scheduler);
    for (size_t i = 0; i < model->profiles.n; i++) {
        if (model->profiles.items[i].id == profile && str_eq(model->profiles.items[i].name, name)) {
            gi->profile = &model->profiles.items[i];
        }
    }
    if (gi->profile == NULL) {
        reader_fail(r, "profile", "the catalog has no such profile for %s", model->name);
    }
    json_t *cis = reader_array(r, "cis", SIM_MAX_CIS);
    struct reader c;
    for (size_t i = 0; next_item(r, "cis", cis, i, &c); i++) {
        struct sim_ci *ci = &gi->cis[gi->n_cis++];
        ci->id = (uint32_t)reader_int(&c, "id", 0, 1000);
        ci->profile = (uint32_t)reader_int(&c, "profile", 0, 1000);
        ci->start = (uint32_t)reader_int(&c, "start", 0, 31);
        ci->size = (uint32_t)reader_int(&c, "size", 1, 31);
        get_str(&c, "uuid", ci->uuid, sizeof(ci->uuid));
        item_done(r, &c);
    }
}

static void gpu_lists_from(struct reader *r, struct sim_gpu *gpu)
{
    struct reader item;
    json_t *gis = reader_array(r, "gis", SIM_MAX_GIS);
    memset(gpu->gis, 0, sizeof(gpu->gis));
    gpu->n_gis = 0;
    for (size_t i = 0; next_item(r, "gis", gis, i, &item); i++) {
        gi_from(&item, gpu->model, &gpu->gis[gpu->n_gis++]);
        item_done(r, &item);
    }
    json_t *vfs = reader_array(r, "vfs", SIM_MAX_VFS);
    memset(gpu->vfs, 0, sizeof(gpu->vfs));
    gpu->n_vfs = 0;
    for (size_t i = 0; next_item(r, "vfs", vfs, i, &item); i++) {
        vf_from(&item, gpu->model, &gpu->vfs[gpu->n_vfs++]);
        item_done(r, &item);
    }
    json_t *mdevs = reader_array(r, "mdevs", SIM_MAX_MDEVS);
    for (size_t i = 0; next_item(r, "mdevs", mdevs, i, &item); i++) {
        vgpu_from(&item, gpu->model, &gpu->pf_vgpus[i]);
        item_done(r, &item);
    }
}

static void ecc_from(struct reader *r, const char *key, struct sim_ecc *ecc)
{
    const json_t *object = reader_object_or_null(r, key);
    if (object == NULL) {
        return;
    }
    char path[160];
    struct reader e;
    reader_init(&e, object, r->origin, reader_path(r, key, -1, path, sizeof(path)), r->err);
    ecc->volatile_count = (uint64_t)reader_int(&e, "volatile", 0, INT64_MAX);
    ecc->aggregate_count = (uint64_t)reader_int(&e, "aggregate", 0, INT64_MAX);
    item_done(r, &e);
}

static void gpu_from(struct reader *r, struct sim_gpu *gpu)
{
    char bdf[BDF_SIZE];
    const char *stored_bdf = reader_str(r, "bdf", BDF_SIZE);
    const char *board = reader_str(r, "board", 127);
    if (stored_bdf == NULL || board == NULL || !str_eq(board, gpu->model->key) ||
        !str_eq(stored_bdf, pci_addr_format(&gpu->addr, bdf))) {
        reader_fail(r, "bdf", "the state is of another host: the host file has %s at %s",
                    gpu->model->key, pci_addr_format(&gpu->addr, bdf));
        return;
    }
    reader_str_or(r, "uuid", 47, NULL);
    get_num(r, "iommu_group");
    get_str(r, "driver", gpu->driver, sizeof(gpu->driver));
    get_str(r, "driver_override", gpu->driver_override, sizeof(gpu->driver_override));
    gpu->opener = get_pid(r, gpu->vm_uuid, sizeof(gpu->vm_uuid));
    gpu->mig_current = reader_bool_or(r, "mig_current", false);
    gpu->mig_pending = reader_bool_or(r, "mig_pending", false);
    gpu->heterogeneous = reader_bool_or(r, "heterogeneous", false);
    gpu->scheduler_policy = (uint32_t)reader_int(r, "scheduler_policy", 0, 3);
    gpu->lost = reader_bool_or(r, "lost", false);
    gpu->returns = reader_bool_or(r, "returns", false);
    gpu->wedged = reader_bool_or(r, "wedged", false);
    gpu->no_reset = reader_bool_or(r, "no_reset", false);
    gpu->choice =
        (enum sim_choice)reader_word_or(r, "instance_choice", &sim_choice_words, SIM_CHOOSE_FILL);
    get_str(r, "holder", gpu->holder, sizeof(gpu->holder));
    gpu->busy = (uint32_t)reader_int_or(r, "busy", 0, UINT32_MAX, 0);
    gpu->removed = reader_bool_or(r, "removed", false);
    gpu->sriov_no_autoprobe = reader_bool_or(r, "sriov_no_autoprobe", false);
    gpu->last_xid = (uint32_t)reader_int_or(r, "last_xid", 0, UINT32_MAX, 0);
    settings_from(r, gpu);
    ecc_from(r, "corrected", &gpu->corrected);
    ecc_from(r, "uncorrected", &gpu->uncorrected);
    gpu_lists_from(r, gpu);
}

static void extra_from(struct reader *r, struct sim_extra *extra)
{
    reader_str(r, "bdf", BDF_SIZE);
    get_str(r, "driver", extra->driver, sizeof(extra->driver));
    get_str(r, "driver_override", extra->driver_override, sizeof(extra->driver_override));
    extra->removed = reader_bool_or(r, "removed", false);
    extra->opener = get_pid(r, extra->vm_uuid, sizeof(extra->vm_uuid));
}

static void ids_from(struct reader *r, struct sim_host *host)
{
    json_t *ids = reader_array_or_null(r, "ids", SIM_MAX_IDS);
    struct reader item;
    host->n_ids = 0;
    for (size_t i = 0; next_item(r, "ids", ids, i, &item); i++) {
        struct sim_id *id = &host->ids[host->n_ids++];
        get_str(&item, "driver", id->driver, sizeof(id->driver));
        id->vendor = (uint32_t)reader_int(&item, "vendor", 0, UINT32_MAX - 1);
        id->device = (uint32_t)reader_int(&item, "device", 0, UINT32_MAX - 1);
        item_done(r, &item);
    }
}

int sim_host_from_json(struct sim_host *host, const json_t *json, const char *origin,
                       struct error *err)
{
    struct reader r;
    reader_init(&r, json, origin, "host", err);
    const char *name = reader_str(&r, "name", 63);
    if (name != NULL && !str_eq(name, host->name)) {
        reader_fail(&r, "name", "the state is of host \"%s\", not of \"%s\"", name, host->name);
    }
    STR_SET(host->boot_id, reader_str_or(&r, "boot_id", 36, host->boot_id));
    host->driver_loads = (uint32_t)reader_int_or(&r, "driver_loads", 0, UINT32_MAX, 0);
    host->next_vgpu_instance = (uint32_t)reader_int(&r, "next_vgpu_instance", 0, UINT32_MAX - 1);
    host->changes = (uint64_t)reader_int(&r, "changes", 0, INT64_MAX);
    json_t *gpus = reader_array(&r, "gpus", SIM_MAX_GPUS);
    json_t *extras = reader_array(&r, "extras", SIM_MAX_EXTRAS);
    if (gpus != NULL && extras != NULL &&
        (json_array_size(gpus) != host->n_gpus || json_array_size(extras) != host->n_extras)) {
        reader_fail(&r, "gpus", "the state is of another host: it has %zu GPUs, the host file %u",
                    json_array_size(gpus), host->n_gpus);
    }
    struct reader item;
    for (size_t i = 0; next_item(&r, "gpus", gpus, i, &item); i++) {
        gpu_from(&item, &host->gpus[i]);
        item_done(&r, &item);
    }
    for (size_t i = 0; next_item(&r, "extras", extras, i, &item); i++) {
        extra_from(&item, &host->extras[i]);
        item_done(&r, &item);
    }
    ids_from(&r, host);
    host->no_autoprobe = reader_bool_or(&r, "no_autoprobe", false);
    host->unloaded = reader_bool_or(&r, "unloaded", false);
    host->vgpu_versions = (struct sim_version_range){
        .oldest = (uint32_t)reader_int_or(&r, "oldest_vgpu_version", 0, UINT32_MAX, 0),
        .newest = (uint32_t)reader_int_or(&r, "newest_vgpu_version", 0, UINT32_MAX, 0)};
    return reader_end(&r);
}
