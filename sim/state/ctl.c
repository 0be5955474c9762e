/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/ctl.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "sim/state/encode.h"
#include "sim/state/fault.h"
#include "sim/state/internal.h"

#define MAX_TEXT 127

/* One request: reads its own keys from `r`, fills `reply`; returns 0 or -errno. */
typedef int op_fn(struct sim_host *host, struct reader *r, json_t *reply);

static int bad(struct reader *r)
{
    return reader_end(r) < 0 ? -EINVAL : 0;
}

static int nvml_result(json_t *reply, int code)
{
    if (code == SIM_NVML_OK) {
        return 0;
    }
    json_object_set_new(reply, "nvml", json_integer(code));
    return code == SIM_NVML_IN_USE ? -EBUSY : -EIO;
}

static struct sim_gpu *read_gpu(struct sim_host *host, struct reader *r)
{
    const char *text = reader_str(r, "gpu", MAX_TEXT);
    struct pci_addr addr;
    if (text == NULL) {
        return NULL;
    }
    struct sim_gpu *gpu = pci_addr_parse(text, &addr) ? sim_find_gpu(host, &addr) : NULL;
    if (gpu == NULL) {
        reader_fail(r, "gpu", "no GPU at \"%s\"", text);
    }
    return gpu;
}

static int op_status(struct sim_host *host, struct reader *r, json_t *reply)
{
    if (bad(r) < 0) {
        return -EINVAL;
    }
    json_t *body = sim_host_to_json(host);
    json_object_set_new(body, "driver_version", json_string(host->driver_version));
    json_object_set_new(body, "kernel", json_string(host->kernel));
    json_object_set_new(body, "vgpu_interface",
                        json_string(host->iface == SIM_MDEV ? "mdev" : "vendor-vfio"));
    json_object_set_new(body, "vgpu_host", json_boolean(host->vgpu_host));
    json_object_set_new(body, "mig_timeslicing", json_boolean(host->hypervisor_mig_timeslicing));
    json_object_set_new(body, "busy_us", json_integer((json_int_t)host->busy_us));
    json_object_set_new(reply, "host", body);
    if (host->notice[0] != '\0') {
        json_object_set_new(reply, "notice", json_string(host->notice));
    }
    return 0;
}

static int op_reboot(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    if (bad(r) < 0) {
        return -EINVAL;
    }
    sim_reboot(host);
    return 0;
}

static int op_driver_reload(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    return bad(r) < 0 ? -EINVAL : sim_driver_reload(host);
}

static int op_driver_unload(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    return bad(r) < 0 ? -EINVAL : sim_driver_unload(host);
}

static int op_driver_load(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    if (bad(r) < 0) {
        return -EINVAL;
    }
    sim_driver_load(host);
    return 0;
}

static int op_reset(struct sim_host *host, struct reader *r, json_t *reply)
{
    struct sim_gpu *gpu = read_gpu(host, r);
    if (bad(r) < 0) {
        return -EINVAL;
    }
    bool open = sim_nvml_reaches(gpu) && sim_nvml_open(host, 0);
    return nvml_result(reply, open ? SIM_NVML_IN_USE : sim_gpu_reset(host, gpu));
}

static int op_sriov(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    bool enable = reader_bool(r, "enable");
    const char *which = reader_str(r, "gpu", MAX_TEXT);
    if (!str_eq(which, "ALL")) {
        struct sim_gpu *gpu = read_gpu(host, r);
        return bad(r) < 0 ? -EINVAL : sim_sriov(host, gpu, enable);
    }
    if (bad(r) < 0) {
        return -EINVAL;
    }
    int first_problem = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        bool able = gpu->vfs_total > 0 && sim_bound_to(gpu->driver, "nvidia");
        int result = able ? sim_sriov(host, gpu, enable) : 0;
        first_problem = first_problem == 0 ? result : first_problem;
    }
    return first_problem;
}

static int op_set(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    struct sim_gpu *gpu = read_gpu(host, r);
    const char *key = reader_str(r, "key", MAX_TEXT);
    const char *value = reader_str(r, "value", MAX_TEXT);
    return bad(r) < 0 ? -EINVAL : sim_set(host, gpu, key, value);
}

/* ---- devices ---- */

static void describe_vgpu(struct sim_gpu *gpu, const struct sim_vgpu *vgpu, json_t *reply)
{
    const struct cat_vgpu_type *type = vgpu->type;
    uint32_t subsystem = type->subsystem_id != CAT_UNKNOWN ? type->subsystem_id : 0;
    json_object_set_new(reply, "kind", json_string("vgpu"));
    json_object_set_new(reply, "framebuffer_mib", json_integer(type->framebuffer_mib));
    json_object_set_new(reply, "pci_subsystem", json_integer(subsystem));
    json_object_set_new(reply, "type", json_string(type->name));
    json_object_set_new(reply, "type_id", json_integer(sim_type_id(gpu->model, type)));
    json_object_set_new(reply, "vgpu_uuid", json_string(vgpu->uuid));
    json_object_set_new(reply, "instance", json_integer(vgpu->instance));
    json_object_set_new(reply, "movable", json_boolean(sim_vgpu_unmovable(vgpu) == NULL));
    struct sim_gi *gi = vgpu->gi_id != SIM_NONE ? sim_find_gi(gpu, vgpu->gi_id) : NULL;
    if (gi != NULL) {
        json_object_set_new(reply, "gi", json_integer(gi->id));
        json_object_set_new(reply, "gi_profile", json_string(gi->profile->name));
    }
    if (vgpu->placement_id != SIM_NONE) {
        json_object_set_new(reply, "placement", json_integer(vgpu->placement_id));
    }
}

/* What goes along with a GPU: there is nothing in it that a guest of this host could use. */
static int describe_extra(const struct sim_extra *extra, const char *device, json_t *reply)
{
    if (extra == NULL) {
        return -ENODEV;
    }
    json_object_set_new(reply, "device", json_string(device));
    json_object_set_new(reply, "kind", json_string("companion"));
    json_object_set_new(reply, "pci_device", json_integer(extra->pci_device));
    if (extra->opener != 0) {
        json_object_set_new(reply, "opener", json_integer(extra->opener));
    }
    return 0;
}

/* By its mdev, or by the virtual function that carries it; NULL: there is none. */
static struct sim_vgpu *find_vgpu(struct sim_host *host, const char *device)
{
    struct pci_addr addr;
    struct sim_vgpu *vgpu = sim_find_mdev(host, device, NULL, NULL);
    struct sim_vf *vf =
        vgpu == NULL && pci_addr_parse(device, &addr) ? sim_find_vf(host, &addr, NULL) : NULL;
    return vf != NULL && vf->vgpu.exists ? &vf->vgpu : vgpu;
}

static int describe(struct sim_host *host, const char *device, json_t *reply)
{
    const struct sim_extra *extra = NULL;
    struct sim_gpu *gpu = NULL;
    struct sim_vgpu *vgpu = sim_find_mdev(host, device, &gpu, NULL);
    struct pci_addr addr;
    if (vgpu == NULL && pci_addr_parse(device, &addr)) {
        struct sim_vf *vf = sim_find_vf(host, &addr, &gpu);
        gpu = vf == NULL ? sim_find_gpu(host, &addr) : gpu;
        if (vf != NULL && !vf->vgpu.exists) {
            return -ENODEV;
        }
        vgpu = vf != NULL ? &vf->vgpu : NULL;
        extra = sim_find_extra(host, &addr);
    }
    if (gpu == NULL) {
        return describe_extra(extra, device, reply);
    }
    json_object_set_new(reply, "device", json_string(device));
    json_object_set_new(reply, "gpu_uuid", json_string(gpu->uuid));
    json_object_set_new(reply, "gpu_name", json_string(gpu->name));
    json_object_set_new(reply, "pci_device", json_integer(gpu->pci_device));
    int32_t opener = vgpu != NULL ? vgpu->opener : gpu->opener;
    if (opener != 0) {
        json_object_set_new(reply, "opener", json_integer(opener));
    }
    if (vgpu != NULL) {
        describe_vgpu(gpu, vgpu, reply);
    } else {
        json_object_set_new(reply, "kind", json_string("passthrough"));
        json_object_set_new(reply, "movable", json_false());
        json_object_set_new(reply, "framebuffer_mib", json_integer(gpu->model->memory_mib));
        json_object_set_new(reply, "pci_subsystem", json_integer(gpu->pci_subsystem));
    }
    return 0;
}

static int op_describe(struct sim_host *host, struct reader *r, json_t *reply)
{
    const char *device = reader_str(r, "device", MAX_TEXT);
    return bad(r) < 0 ? -EINVAL : describe(host, device, reply);
}

static int op_open(struct sim_host *host, struct reader *r, json_t *reply)
{
    const char *device = reader_str(r, "device", MAX_TEXT);
    int32_t pid = (int32_t)reader_int(r, "pid", 1, INT32_MAX);
    const char *vm_uuid = reader_str_or(r, "vm_uuid", 39, "");
    bool has_token = reader_bool_or(r, "token", false);
    if (bad(r) < 0) {
        return -EINVAL;
    }
    int result = sim_open_device(host, device, pid, vm_uuid);
    struct sim_vgpu *vgpu = result < 0 ? NULL : find_vgpu(host, device);
    if (vgpu != NULL) {
        sim_licence_start(vgpu, has_token);
        sim_changed(host);
    }
    return result < 0 ? result : describe(host, device, reply);
}

static int op_licence(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    const char *device = reader_str(r, "device", MAX_TEXT);
    const char *state = reader_str(r, "state", MAX_TEXT);
    const char *until = reader_str_or(r, "until", MAX_TEXT, "");
    if (bad(r) < 0) {
        return -EINVAL;
    }
    struct sim_vgpu *vgpu = find_vgpu(host, device);
    return vgpu == NULL ? -ENODEV : sim_set_licence(host, vgpu, state, until);
}

static int op_close(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    const char *device = reader_str(r, "device", MAX_TEXT);
    int32_t pid = (int32_t)reader_int(r, "pid", 1, INT32_MAX);
    if (bad(r) < 0) {
        return -EINVAL;
    }
    sim_close_device(host, device, pid);
    return 0;
}

/* ---- faults ---- */

static int op_fault_add(struct sim_host *host, struct reader *r, json_t *reply)
{
    uint32_t id = 0;
    int result = sim_fault_add(host, r, &id);
    if (result == 0 && id != 0) {
        json_object_set_new(reply, "id", json_integer(id));
    }
    return result;
}

static int op_fault_list(struct sim_host *host, struct reader *r, json_t *reply)
{
    if (bad(r) < 0) {
        return -EINVAL;
    }
    json_object_set_new(reply, "faults", sim_fault_list(host));
    return 0;
}

static int op_fault_clear(struct sim_host *host, struct reader *r, json_t *reply)
{
    (void)reply;
    uint32_t id = (uint32_t)reader_int_or(r, "id", 1, UINT32_MAX - 1, 0);
    return bad(r) < 0 ? -EINVAL : sim_fault_clear(host, id);
}

static const struct op {
    const char *name;
    op_fn *fn;
    bool for_all;       /* asks only: any user may */
    enum sim_tool tool; /* what faults call it; SIM_NO_TOOL: they can't hit it */
} ops[] = {
    {"close", op_close, false, SIM_NO_TOOL},
    {"describe", op_describe, true, SIM_NO_TOOL},
    {"driver-load", op_driver_load, false, SIM_NO_TOOL},
    {"driver-reload", op_driver_reload, false, SIM_NO_TOOL},
    {"driver-unload", op_driver_unload, false, SIM_NO_TOOL},
    {"fault-add", op_fault_add, false, SIM_NO_TOOL},
    {"fault-clear", op_fault_clear, false, SIM_NO_TOOL},
    {"fault-list", op_fault_list, true, SIM_NO_TOOL},
    {"licence", op_licence, false, SIM_NO_TOOL},
    {"open", op_open, false, SIM_TOOL_OPEN},
    {"reboot", op_reboot, false, SIM_NO_TOOL},
    {"reset", op_reset, false, SIM_TOOL_RESET},
    {"set", op_set, false, SIM_NO_TOOL},
    {"sriov", op_sriov, false, SIM_TOOL_SRIOV},
    {"status", op_status, true, SIM_NO_TOOL},
};

/* What armed faults make of it: time passes here. */
static int suffer_faults(struct sim_host *host, const struct op *op, const json_t *json)
{
    const char *gpu = json_string_value(json_object_get(json, "gpu"));
    const char *device = gpu != NULL ? gpu : json_string_value(json_object_get(json, "device"));
    struct pci_addr addr;
    bool known = device != NULL && pci_addr_parse(device, &addr);
    sim_lock(host);
    struct sim_strike strike =
        sim_fault_strike(host, SIM_CALL_TOOL, sim_tools[op->tool], known ? &addr : NULL);
    sim_unlock(host);
    sim_fault_wait(host, &strike, NULL, NULL);
    return strike.code;
}

static int perform(struct sim_host *host, const struct op *op, struct reader *r, bool root,
                   json_t *reply)
{
    if (!op->for_all && !root) {
        return -EACCES;
    }
    int result = op->tool != SIM_NO_TOOL ? suffer_faults(host, op, r->object) : 0;
    if (result < 0) {
        return result;
    }
    sim_lock(host);
    if (host->process_lives != NULL) {
        sim_forget_dead(host, host->process_lives);
    }
    result = op->fn(host, r, reply);
    sim_unlock(host);
    return result;
}

static int dispatch(struct sim_host *host, const json_t *json, bool root, json_t *reply,
                    struct error *problem)
{
    struct reader r;
    reader_init(&r, json, "request", "", problem);
    const char *name = reader_str(&r, "op", MAX_TEXT);
    for (size_t i = 0; name != NULL && i < ARRAY_SIZE(ops); i++) {
        if (str_eq(ops[i].name, name)) {
            return perform(host, &ops[i], &r, root, reply);
        }
    }
    reader_fail(&r, "op", "there is no \"%s\"", name != NULL ? name : "");
    return -EINVAL;
}

char *sim_ctl_handle(struct sim_host *host, const char *request, bool root)
{
    struct error problem = {0};
    CLEANUP_JSON json_t *json = NULL;
    CLEANUP_JSON json_t *reply = json_object();
    int result = -EINVAL;
    if (json_read(request, strlen(request), "request", &json, &problem) == 0) {
        result = dispatch(host, json, root, reply, &problem);
    }
    json_object_set_new(reply, "ok", json_boolean(result == 0));
    if (result < 0) {
        const char *text = problem.message[0] != '\0' ? problem.message : strerror(-result);
        json_object_set_new(reply, "errno", json_integer(-result));
        json_object_set_new(reply, "message", json_string(text));
    }
    return json_text(reply);
}
