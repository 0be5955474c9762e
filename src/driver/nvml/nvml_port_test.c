/* SPDX-License-Identifier: Apache-2.0 */
/* The driver against the simulated library, which it loads by its usual name. */
#include <errno.h>

#include "test.h"

#include "driver/nvml/nvml_port.h"
#include "sim/rpc/served.h"
#include "sim/state/fault.h"

static void free_port(struct gpu_port **port)
{
    (*port)->ops->free(*port);
}

#define PORT(iface)                                                                                \
    SERVED(iface);                                                                                 \
    CLEANUP(free_port) struct gpu_port *port = nvml_port_new()

#define A100 "0000:21:00.0"
#define PRO "0000:41:00.0"
#define L40S "0001:61:00.0"
#define T4 "0001:81:00.0"
#define MDEV "aaaaaaaa-2222-3333-4444-555555555555"
#define UUID "11111111-2222-3333-4444-555555555555"

static struct step make(enum step_kind kind, const char *bdf)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(bdf, &addr));
    return step_make(kind, &addr);
}

static struct step make_gi(enum step_kind kind, const char *bdf, const char *profile, uint32_t id,
                           uint32_t start, uint32_t size)
{
    struct step step = make(kind, bdf);
    STR_SET(step.profile, profile);
    step.profile_id = id;
    step.start = start;
    step.size = size;
    return step;
}

/* Checks, then applies; every step is applied twice, because apply is idempotent. */
static void run(struct gpu_port *port, struct step *step)
{
    struct error err = {0};
    for (int i = 0; i < 2; i++) {
        if (port->ops->check(port, step, &err) < 0 || port->ops->apply(port, step, &err) < 0) {
            fail_msg("%s: %s", step_kind_name(step->kind), err.message);
        }
    }
}

static void run_kind(struct gpu_port *port, enum step_kind kind, const char *bdf)
{
    struct step step = make(kind, bdf);
    run(port, &step);
}

static uint32_t run_gi(struct gpu_port *port, enum step_kind kind, const char *bdf,
                       const char *profile, uint32_t id, uint32_t start, uint32_t size)
{
    struct step step = make_gi(kind, bdf, profile, id, start, size);
    run(port, &step);
    return step.assigned_gi_id;
}

static struct gpu *observe(struct gpu_port *port, struct host *host, const char *bdf)
{
    struct pci_addr addr;
    struct error err = {0};
    assert_true(pci_addr_parse(bdf, &addr));
    assert_int_equal(port->ops->observe(port, host, &err), 0);
    return host_find_gpu_addr(host, &addr);
}

/* ---- observe ---- */

static void a_host_without_a_driver_says_what_is_missing(void **state)
{
    (void)state;
    setenv("CLEAVE_SIM_SOCKET", "/nonexistent/socket", 1);
    CLEANUP(free_port) struct gpu_port *port = nvml_port_new();
    CLEANUP(host_freep) struct host *host = host_new();
    observe(port, host, PRO);
    assert_non_null(strstr(host->nvml_problem, "Driver Not Loaded"));
    assert_int_equal(host->gpus.n, 0);
    struct step step = make(STEP_MIG_ENABLE, PRO);
    struct error err = {0};
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_UNAVAILABLE);
    assert_string_not_equal(err.hint, "");
}

static void gpus_are_matched_by_address_or_added(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    CLEANUP(host_freep) struct host *host = host_new();
    struct pci_addr addr;
    pci_addr_parse(L40S, &addr);
    struct gpu *known = host_add_gpu(host, &addr);
    STR_SET(known->driver, "nvidia");
    known->iommu_group = 17;
    struct gpu *gpu = observe(port, host, L40S);
    assert_int_equal(host->gpus.n, FIX_GPUS);
    assert_string_equal(host->nvml_problem, "");
    assert_string_equal(host->driver_version, "580.105.08");
    assert_string_equal(host->nvml_version, "13.580.105.08");
    assert_int_equal(gpu->iommu_group, 17);
    assert_int_equal(gpu->index, 2);
    assert_int_equal(gpu->pci_id, 0x26b9);
    assert_int_equal(gpu->pci_subsystem_id, 0x1002);
    assert_string_equal(gpu->uuid, "GPU-2");
    assert_string_equal(gpu->name, "NVIDIA L40S");
    assert_int_equal(gpu->mem_bytes, 49152ull << 20);
    assert_int_equal(gpu->mig_capable, TRI_NO);
    assert_int_equal(gpu->heterogeneous, TRI_NO);
    assert_int_equal(gpu->mig_timeslicing_supported, TRI_NO);
    assert_string_equal(gpu->problem, "");
}

static void time_slicing_is_what_the_driver_says(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = observe(port, host, PRO);
    assert_int_equal(gpu->mig_timeslicing_supported, TRI_YES);
    assert_int_equal(gpu->mig_timeslicing_enabled, TRI_YES);
    sim->host->hypervisor_mig_timeslicing = false;
    CLEANUP(host_freep) struct host *off = host_new();
    gpu = observe(port, off, PRO);
    assert_int_equal(gpu->mig_timeslicing_supported, TRI_YES);
    assert_int_equal(gpu->mig_timeslicing_enabled, TRI_NO);
    STR_SET(sim->host->driver_version, "550.163.01");
    CLEANUP(host_freep) struct host *old = host_new();
    gpu = observe(port, old, PRO);
    assert_int_equal(gpu->mig_timeslicing_supported, TRI_UNKNOWN);
}

static void settings_and_guests_are_what_the_driver_says(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    char bdf[BDF_SIZE];
    struct sim_gpu *pro = sim->fix->gpus[FIX_PRO];
    pro->settings[SIM_SET_COMPUTE_MODE] = 3;
    STR_SET(sim->host->guest_driver, "570.158.01");
    assert_int_equal(sim_sriov(sim->host, sim->fix->gpus[FIX_L40S], true), 0);
    struct sim_vf *vf = &sim->fix->gpus[FIX_L40S]->vfs[0];
    assert_int_equal(sim_vf_set_type(sim->host, sim->fix->gpus[FIX_L40S], vf,
                                     sim_type_id(sim->fix->gpus[FIX_L40S]->model,
                                                 &sim->fix->gpus[FIX_L40S]->model->types.items[0])),
                     0);
    assert_int_equal(sim_open_device(sim->host, pci_addr_format(&vf->addr, bdf), getpid(), UUID),
                     0);
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = observe(port, host, PRO);
    assert_int_equal(gpu->exclusive_process, TRI_YES);
    assert_int_equal(gpu->display, TRI_NO);
    assert_int_equal(gpu->ecc, gpu->ecc_pending);
    assert_int_equal(gpu->guests.n, 0);
    assert_int_equal(host->confidential, TRI_NO);
    CLEANUP(host_freep) struct host *again = host_new();
    gpu = observe(port, again, L40S);
    assert_int_equal(gpu->exclusive_process, TRI_NO);
    assert_string_not_equal(gpu->board.vbios, "");
    assert_int_equal(gpu->board.mixed_sizes, BOARD_YES);
    assert_int_equal(gpu->board.types.items[0].exclusive_type, BOARD_NO);
    assert_int_equal(gpu->board.types.items[0].exclusive_size, BOARD_NO);
    assert_int_equal(gpu->guests.n, 1);
    assert_string_equal(gpu->guests.items[0].driver, "570.158.01");
    assert_string_equal(gpu->guests.items[0].vm_uuid, UUID);
    assert_int_equal(gpu->uses.n, 1);
    assert_string_equal(gpu->uses.items[0].vm_uuid, UUID);
    assert_true(gpu->uses.items[0].percent <= 100);
    assert_int_equal(gpu->uses.items[0].type_id,
                     sim_type_id(sim->fix->gpus[FIX_L40S]->model, vf->vgpu.type));
    assert_int_equal(gpu->licensees.n, 1);
    assert_string_equal(gpu->licensees.items[0].vm_uuid, UUID);
    assert_int_equal(gpu->licensees.items[0].type_id, gpu->uses.items[0].type_id);
    assert_int_equal(gpu->licensees.items[0].licence.state, VGPU_LICENCE_UNRESTRICTED);
}

static void a_licence_is_read_as_the_driver_tells_it(void **state)
{
    (void)state;
    static const struct {
        const char *state, *until, *text;
    } rows[] = {
        {"licensed", "2030-01-01T00:00:00Z", "licensed until 2030-01-01"},
        {"licensed", "", "licensed permanently"},
        {"restricted", "", "no licence, restricted"},
        {"unlicensed", "", "no licence"},
        {"uninitialized", "", "not asked for yet"},
    };
    PORT(SIM_MDEV);
    struct sim_gpu *gpu = sim->fix->gpus[FIX_T4];
    uint32_t type = sim_type_id(gpu->model, &gpu->model->types.items[0]);
    assert_int_equal(sim_mdev_create(sim->host, &gpu->addr, type, MDEV), 0);
    assert_int_equal(sim_open_device(sim->host, MDEV, getpid(), UUID), 0);
    struct sim_vgpu *vgpu = sim_find_mdev(sim->host, MDEV, NULL, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[VGPU_LICENCE_TEXT_SIZE];
        CLEANUP(host_freep) struct host *host = host_new();
        assert_int_equal(sim_set_licence(sim->host, vgpu, rows[i].state, rows[i].until), 0);
        const struct gpu *seen = observe(port, host, T4);
        assert_int_equal(seen->licensees.n, 1);
        const struct vgpu_licensee *licensee = &seen->licensees.items[0];
        assert_string_equal(licensee->mdev_uuid, MDEV);
        assert_string_equal(vgpu_licence_text(&licensee->licence, text), rows[i].text);
    }
    assert_int_equal(sim_set_licence(sim->host, vgpu, "restricted", "2030-01-01T00:00:00Z"),
                     -EINVAL);
    assert_int_equal(sim_set_licence(sim->host, vgpu, "stolen", ""), -EINVAL);
    assert_int_equal(sim_set_licence(sim->host, vgpu, "licensed", "tomorrow"), -EINVAL);
}

static void a_lost_gpu_has_a_problem_and_the_others_are_fine(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    CLEANUP(host_freep) struct host *host = host_new();
    struct pci_addr addr;
    pci_addr_parse(PRO, &addr);
    STR_SET(host_add_gpu(host, &addr)->driver, "nvidia");
    sim->fix->gpus[FIX_PRO]->lost = true;
    struct gpu *gpu = observe(port, host, PRO);
    assert_string_not_equal(gpu->problem, "");
    assert_int_equal(gpu->index, NO_ID);
    pci_addr_parse(L40S, &addr);
    assert_string_equal(host_find_gpu_addr(host, &addr)->problem, "");
}

static void fault(struct sim_host *host, const char *at)
{
    struct reader r;
    struct error err = {0};
    uint32_t id = 0;
    CLEANUP_JSON json_t *json = json_pack("{s:s, s:s}", "at", at, "nvml", "UNKNOWN");
    reader_init(&r, json, "test", "", &err);
    assert_int_equal(sim_fault_add(host, &r, &id), 0);
}

static void an_instance_is_seen_or_what_hides_it_is_a_problem(void **state)
{
    (void)state;
    static const char *const calls[] = {"nvmlInit*",
                                        "nvmlDeviceGetCount*",
                                        "nvmlDeviceGetHandleByIndex*",
                                        "nvmlDeviceGetPciInfo*",
                                        "nvmlDeviceGetMigMode",
                                        "nvmlDeviceGetGpuInstanceProfileInfo*",
                                        "nvmlDeviceGetGpuInstances",
                                        "nvmlGpuInstanceGetInfo",
                                        "nvmlGpuInstanceGetComputeInstances",
                                        "nvmlDeviceGetUUID"};
    PORT(SIM_VENDOR_VFIO);
    run_kind(port, STEP_MIG_ENABLE, A100);
    run_gi(port, STEP_GI_CREATE, A100, "1g.5gb", 19, 0, 1);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        CLEANUP(host_freep) struct host *host = host_new();
        struct pci_addr addr;
        pci_addr_parse(A100, &addr);
        STR_SET(host_add_gpu(host, &addr)->driver, "nvidia");
        fault(sim->host, calls[i]);
        struct gpu *gpu = observe(port, host, A100);
        bool is_said = gpu->problem[0] != '\0' || host->nvml_problem[0] != '\0';
        assert_int_equal(sim_fault_clear(sim->host, 0), 0);
        if (!is_said) {
            fail_msg("%s fails, and nothing says so: %zu instances", calls[i], gpu->gis.n);
        }
    }
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = observe(port, host, A100);
    assert_int_equal(gpu->gis.n, 1);
    assert_string_equal(gpu->problem, "");
}

/* ---- modes ---- */

static void mig_mode_goes_on_and_off(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    run_kind(port, STEP_MIG_ENABLE, A100);
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = observe(port, host, A100);
    assert_true(gpu->mig_enabled && gpu->mig_pending);
    run_kind(port, STEP_MIG_DISABLE, A100);
    assert_false(sim->fix->gpus[FIX_A100]->mig_current);
}

static void mig_mode_that_can_t_be_activated_is_an_error_and_leaves_no_wish_behind(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct step step = make(STEP_MIG_ENABLE, A100);
    struct error err = {0};
    sim_set(sim->host, sim->fix->gpus[FIX_A100], "holder", "dcgm");
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "In use by another client"));
    assert_string_equal(err.subject, "gpu/" A100);
    assert_string_not_equal(err.hint, "");
    assert_false(sim->fix->gpus[FIX_A100]->mig_pending);
    sim_set(sim->host, sim->fix->gpus[FIX_A100], "holder", "");
    sim_set(sim->host, sim->fix->gpus[FIX_A100], "no_reset", "1");
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_DRIVER);
    assert_non_null(strstr(err.message, "GPU requires reset"));
    assert_non_null(strstr(err.hint, "`nvidia-smi -i " A100 " -mig 1`"));
    assert_false(sim->fix->gpus[FIX_A100]->mig_pending);
}

static void mig_mode_that_an_operator_left_pending_stays_so_until_the_reboot(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct step step = make(STEP_MIG_ENABLE, A100);
    struct error err = {0};
    struct sim_gpu *gpu = sim->fix->gpus[FIX_A100];
    int activation = 0;
    sim_set(sim->host, gpu, "no_reset", "1");
    assert_int_equal(sim_set_mig_mode(sim->host, gpu, true, &activation), 0); /* nvidia-smi */
    CLEANUP(host_freep) struct host *host = host_new();
    step_set_gpu(&step, observe(port, host, A100));
    assert_true(step.was_pending);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_DRIVER);
    assert_non_null(strstr(err.hint, "reboot the host"));
    assert_null(strstr(err.hint, "nvidia-smi"));
    struct step undo = step_undo(&step);
    assert_int_equal(port->ops->apply(port, &undo, &err), 0);
    assert_true(gpu->mig_pending && !gpu->mig_current);
    sim_reboot(sim->host);
    assert_true(gpu->mig_current);
    assert_int_equal(port->ops->apply(port, &step, &err), 0);
}

static void mig_mode_is_refused_where_there_is_none_or_instances_stand(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct error err = {0};
    struct step step = make(STEP_MIG_ENABLE, T4);
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_UNSUPPORTED);
    run_kind(port, STEP_MIG_ENABLE, A100);
    run_gi(port, STEP_GI_CREATE, A100, "3g.20gb", 9, 4, 4);
    step = make(STEP_MIG_DISABLE, A100);
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "3g.20gb"));
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_IN_USE);
}

static void mixed_sizes_go_on_and_off_but_not_while_a_vgpu_exists(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    run_kind(port, STEP_MIXED_ON, L40S);
    CLEANUP(host_freep) struct host *host = host_new();
    assert_int_equal(observe(port, host, L40S)->heterogeneous, TRI_YES);
    run_kind(port, STEP_MIXED_OFF, L40S);
    struct sim_gpu *gpu = sim->fix->gpus[FIX_L40S];
    assert_false(gpu->heterogeneous);
    assert_int_equal(sim_sriov(sim->host, gpu, true), 0);
    assert_int_equal(sim_vf_set_type(sim->host, gpu, &gpu->vfs[0], 1152), 0);
    struct step step = make(STEP_MIXED_ON, L40S);
    struct error err = {0};
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_IN_USE);
    step = make(STEP_MIXED_ON, T4);
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_UNSUPPORTED);
}

/* ---- instances ---- */

static void an_instance_is_created_where_it_was_wanted(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    run_kind(port, STEP_MIG_ENABLE, PRO);
    uint32_t id = run_gi(port, STEP_GI_CREATE, PRO, "1g.24gb+gfx", 47, 6, 3);
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = observe(port, host, PRO);
    assert_int_equal(gpu->gis.n, 1);
    struct gi *gi = gpu_find_gi(gpu, id);
    assert_non_null(gi);
    assert_string_equal(gi->profile, "1g.24gb+gfx");
    assert_int_equal(gi->profile_id, 47);
    assert_int_equal(gi->start, 6);
    assert_int_equal(gi->size, 3);
    assert_int_equal(gi->n_ci, 0);
    run_gi(port, STEP_GI_DESTROY, PRO, "1g.24gb+gfx", 47, 6, 3);
    assert_int_equal(sim->fix->gpus[FIX_PRO]->n_gis, 0);
}

static void an_instance_that_can_t_be_is_refused_with_its_reason(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct error err = {0};
    struct step step = make_gi(STEP_GI_CREATE, A100, "3g.20gb", 9, 0, 4);
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_CONFLICT);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_CONFLICT);
    run_kind(port, STEP_MIG_ENABLE, A100);
    step.start = 2;
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_INVALID);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_DRIVER);
    run_gi(port, STEP_GI_CREATE, A100, "2g.10gb", 14, 0, 2);
    step.start = 0;
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.message, "2g.10gb at 0:2"));
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.message, "Insufficient Resources"));
    run_gi(port, STEP_GI_CREATE, A100, "3g.20gb", 9, 4, 4);
    step = make_gi(STEP_GI_CREATE, A100, "4g.20gb", 5, 4, 4);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_CONFLICT);
    step = make_gi(STEP_GI_CREATE, "0000:99:00.0", "4g.20gb", 5, 0, 4);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_NOT_FOUND);
}

static void an_instance_with_a_vgpu_is_not_destroyed(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct sim_gpu *gpu = sim->fix->gpus[FIX_PRO];
    run_kind(port, STEP_MIG_ENABLE, PRO);
    assert_int_equal(sim_sriov(sim->host, gpu, true), 0);
    run_gi(port, STEP_GI_CREATE, PRO, "1g.24gb+gfx", 47, 0, 3);
    assert_int_equal(sim_vf_set_type(sim->host, gpu, &gpu->vfs[0], 1557), 0);
    struct step step = make_gi(STEP_GI_DESTROY, PRO, "1g.24gb+gfx", 47, 0, 3);
    struct error err = {0};
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_IN_USE);
    char bdf[BDF_SIZE];
    assert_int_equal(sim_open_device(sim->host, pci_addr_format(&gpu->vfs[0].addr, bdf), getpid(),
                                     "11111111-2222-3333-4444-555555555555"),
                     0);
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, "1 vGPU(s) run on it"));
}

static void the_default_compute_instance_makes_a_mig_device(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    run_kind(port, STEP_MIG_ENABLE, A100);
    uint32_t id = run_gi(port, STEP_GI_CREATE, A100, "3g.20gb", 9, 4, 4);
    struct step step = make_gi(STEP_CI_CREATE, A100, "3g.20gb", 9, 4, 4);
    run(port, &step);
    assert_int_equal(step.assigned_gi_id, id);
    assert_true(str_starts(step.assigned_uuid, "MIG-"));
    CLEANUP(host_freep) struct host *host = host_new();
    struct gi *gi = gpu_find_gi(observe(port, host, A100), id);
    assert_int_equal(gi->n_ci, 1);
    assert_int_equal(gi->n_compute, 1);
    assert_int_equal(gi->compute[0].start, 0);
    assert_int_equal(gi->compute[0].size, 3);
    assert_string_equal(gi->mig_uuid, step.assigned_uuid);
    struct sim_gi *simulated = sim_find_gi(sim->fix->gpus[FIX_A100], id);
    assert_int_equal(simulated->cis[0].size, 3);

    struct error err = {0};
    struct step destroy = make_gi(STEP_GI_DESTROY, A100, "3g.20gb", 9, 4, 4);
    assert_int_equal(port->ops->check(port, &destroy, &err), -REASON_IN_USE);
    assert_int_equal(port->ops->apply(port, &destroy, &err), -REASON_IN_USE);
    step.kind = STEP_CI_DESTROY;
    run(port, &step);
    run(port, &destroy);
    step.kind = STEP_CI_CREATE;
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_NOT_FOUND);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_NOT_FOUND);
}

static struct gpu_scheduler seen_scheduler(struct gpu_port *port, const char *bdf)
{
    struct host *host = host_new();
    assert_int_equal(port->ops->observe(port, host, NULL), 0);
    struct gpu_scheduler scheduler = host_find_gpu(host, bdf)->scheduler;
    host_free(host);
    return scheduler;
}

static void a_scheduler_is_set_read_back_and_undone(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    assert_int_equal(seen_scheduler(port, L40S).policy, SCHEDULER_BEST_EFFORT);
    struct step step = make(STEP_SCHEDULER_SET, L40S);
    step.former = seen_scheduler(port, L40S);
    step.scheduler = (struct gpu_scheduler){.policy = SCHEDULER_FIXED_SHARE, .slice_ns = 3000000};
    run(port, &step);
    struct gpu_scheduler seen = seen_scheduler(port, L40S);
    assert_true(gpu_scheduler_matches(&step.scheduler, &seen));
    assert_int_equal(seen.slice_ns, 3000000);
    struct step adaptive = make(STEP_SCHEDULER_SET, L40S);
    adaptive.former = seen;
    adaptive.scheduler = (struct gpu_scheduler){
        .policy = SCHEDULER_EQUAL_SHARE, .adaptive = true, .frequency_hz = 480, .averaging = 33};
    run(port, &adaptive);
    seen = seen_scheduler(port, L40S);
    assert_true(seen.adaptive);
    assert_int_equal(seen.frequency_hz, 480);
    assert_int_equal(seen.averaging, 33);
    struct step undo = step_undo(&adaptive);
    run(port, &undo);
    assert_int_equal(seen_scheduler(port, L40S).slice_ns, 3000000);
    undo = step_undo(&step);
    run(port, &undo);
    assert_int_equal(seen_scheduler(port, L40S).policy, SCHEDULER_BEST_EFFORT);
}

static void a_scheduler_out_of_the_boards_range_is_refused_before_it_is_tried(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct error err = {0};
    struct step step = make(STEP_SCHEDULER_SET, L40S);
    step.scheduler = (struct gpu_scheduler){.policy = SCHEDULER_EQUAL_SHARE, .slice_ns = 31000000};
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_INVALID);
    step.scheduler = (struct gpu_scheduler){
        .policy = SCHEDULER_EQUAL_SHARE, .adaptive = true, .frequency_hz = 961};
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "63 to 960"));
}

/* Shared among vGPUs, as the instance is made; what stands there already is left as it is asked. */
static void an_instance_is_made_with_its_scheduler(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct error err = {0};
    run_kind(port, STEP_MIG_ENABLE, PRO);
    struct step step = make_gi(STEP_GI_CREATE, PRO, "1g.24gb", 47, 0, 3);
    step.profile[0] = '\0';
    step.scheduler = (struct gpu_scheduler){.policy = SCHEDULER_FIXED_SHARE, .slice_ns = 3000000};
    run(port, &step);
    CLEANUP(host_freep) struct host *host = host_new();
    const struct gpu *gpu = observe(port, host, PRO);
    assert_int_equal(gpu->gis.items[0].scheduler.policy, SCHEDULER_FIXED_SHARE);
    assert_int_equal(gpu->gis.items[0].scheduler.slice_ns, 3000000);
    assert_int_equal(gpu->schedulers, 1U << SCHEDULER_BEST_EFFORT | 1U << SCHEDULER_EQUAL_SHARE |
                                          1U << SCHEDULER_FIXED_SHARE);
    struct step other = make_gi(STEP_GI_CREATE, PRO, "", 47, 3, 3);
    other.scheduler = (struct gpu_scheduler){.policy = SCHEDULER_EQUAL_SHARE, .slice_ns = 1};
    assert_int_equal(port->ops->apply(port, &other, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "1000000 to 30000000"));
    struct step undo = step_undo(&other);
    assert_int_equal(port->ops->apply(port, &undo, &err), 0);
    assert_int_equal(sim->fix->gpus[FIX_PRO]->n_gis, 1);
}

static void a_step_of_another_port_is_refused(void **state)
{
    (void)state;
    PORT(SIM_VENDOR_VFIO);
    struct step step = make(STEP_BIND_VFIO, A100);
    struct error err = {0};
    assert_int_equal(port->ops->check(port, &step, &err), -REASON_INTERNAL);
    assert_int_equal(port->ops->apply(port, &step, &err), -REASON_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_without_a_driver_says_what_is_missing),
        cmocka_unit_test(gpus_are_matched_by_address_or_added),
        cmocka_unit_test(time_slicing_is_what_the_driver_says),
        cmocka_unit_test(settings_and_guests_are_what_the_driver_says),
        cmocka_unit_test(a_licence_is_read_as_the_driver_tells_it),
        cmocka_unit_test(a_lost_gpu_has_a_problem_and_the_others_are_fine),
        cmocka_unit_test(an_instance_is_seen_or_what_hides_it_is_a_problem),
        cmocka_unit_test(mig_mode_goes_on_and_off),
        cmocka_unit_test(mig_mode_that_can_t_be_activated_is_an_error_and_leaves_no_wish_behind),
        cmocka_unit_test(mig_mode_that_an_operator_left_pending_stays_so_until_the_reboot),
        cmocka_unit_test(mig_mode_that_an_operator_left_pending_stays_so_until_the_reboot),
        cmocka_unit_test(mig_mode_is_refused_where_there_is_none_or_instances_stand),
        cmocka_unit_test(mixed_sizes_go_on_and_off_but_not_while_a_vgpu_exists),
        cmocka_unit_test(an_instance_is_created_where_it_was_wanted),
        cmocka_unit_test(an_instance_that_can_t_be_is_refused_with_its_reason),
        cmocka_unit_test(an_instance_with_a_vgpu_is_not_destroyed),
        cmocka_unit_test(the_default_compute_instance_makes_a_mig_device),
        cmocka_unit_test(a_scheduler_is_set_read_back_and_undone),
        cmocka_unit_test(a_scheduler_out_of_the_boards_range_is_refused_before_it_is_tried),
        cmocka_unit_test(an_instance_is_made_with_its_scheduler),
        cmocka_unit_test(a_step_of_another_port_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
