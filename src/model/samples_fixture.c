/* SPDX-License-Identifier: Apache-2.0 */
#include "model/samples_fixture.h"

#include "base/str.h"

static const struct pci_addr pf = {.bus = 0x41};
static const struct pci_addr vf = {.domain = 0x10000, .bus = 0x41, .function = 4};
static const struct pci_addr audio = {.bus = 0x41, .function = 1};

static struct assignment sample_assignment(uint32_t start)
{
    struct assignment got = {.set = true,
                             .gpu = pf,
                             .device = vf,
                             .board = CLAIM_BOARD_ELSEWHERE,
                             .gi_id = 3,
                             .start = start,
                             .size = 2,
                             .type_id = 1145,
                             .placement_id = 12};
    STR_SET(got.gpu_uuid, "GPU-1b5ec6b9-4d6c-4f3c-a3a5-2f8f8f5d0001");
    STR_SET(got.profile, "2g.20gb");
    STR_SET(got.mdev_uuid, "b5b1a8f0-0000-4000-8000-000000000001");
    STR_SET(got.mig_uuid, "MIG-0f1e2d3c-0000-4000-8000-000000000002");
    return got;
}

static struct assignment no_assignment(void)
{
    return (struct assignment){
        .gi_id = NO_ID, .start = NO_ID, .size = NO_ID, .type_id = NO_ID, .placement_id = NO_ID};
}

static struct vgpu_params sample_params(void)
{
    return (struct vgpu_params){.set = true,
                                .unified_memory = TRI_YES,
                                .debugger = TRI_NO,
                                .profiler = TRI_YES,
                                .frame_rate_limiter = TRI_NO,
                                .console = TRI_YES};
}

struct claim sample_claim(const char *name)
{
    struct claim claim = {
        .spec = {.mode = CLAIM_MIG_BACKED,
                 .start = 4,
                 .mixed = true,
                 .guest = GUEST_WINDOWS,
                 .migratable = true,
                 .hold = CLAIM_ON_DEMAND},
        .params = sample_params(),
        .state = CLAIM_FAILED,
        .assigned = sample_assignment(4),
        .reserved = {.set = true, .gpu = pf, .device = vf},
        .version = 7,
        .created_us = SAMPLE_TIME_US,
        .was_bound = true,
        .vm_gone_us = SAMPLE_TIME_US + 5,
    };
    STR_SET(claim.name, name);
    STR_SET(claim.tenant, "research");
    STR_SET(claim.author, "ada");
    STR_SET(claim.site, "lab");
    STR_SET(claim.vm, "web1");
    STR_SET(claim.spec.gpu, "0000:41:00.0");
    STR_SET(claim.spec.type, "L40S-8Q");
    STR_SET(claim.spec.profile, "2g.20gb");
    STR_SET(claim.reserved.mdev_uuid, "b5b1a8f0-0000-4000-8000-000000000003");
    STR_SET(claim.vm_uuid, "b5b1a8f0-0000-4000-8000-000000000004");
    claim.overrides.n = 1;
    STR_SET(claim.overrides.items[0].rule, "mig-vgpu-not-for-windows-on-h100");
    STR_SET(claim.overrides.items[0].reason, "tried with driver 580.105");
    STR_SET(claim.vm_uuid_before, "b5b1a8f0-0000-4000-8000-000000000005");
    STR_SET(claim.problem, "the GPU fell off the bus");
    return claim;
}

struct claim sample_bare_claim(const char *name)
{
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID},
                          .assigned = no_assignment(),
                          .state = CLAIM_BOUND,
                          .was_bound = true};
    STR_SET(claim.name, name);
    STR_SET(claim.tenant, "default");
    return claim;
}

static struct gpu_scheduler sample_scheduler(void)
{
    return (struct gpu_scheduler){.policy = SCHEDULER_EQUAL_SHARE,
                                  .adaptive = true,
                                  .slice_ns = 2000000,
                                  .frequency_hz = 480,
                                  .averaging = 33};
}

static struct step sample_step(void)
{
    struct step step = step_make(STEP_VGPU_CREATE, &pf);
    step.state = STEP_FAILED;
    step.profile_id = 14;
    step.start = 4;
    step.size = 2;
    step.gi_id = 3;
    step.fillers = 2;
    step.type_id = 1145;
    step.device = vf;
    step.placement_id = 12;
    step.params = sample_params();
    step.scheduler = step.former = sample_scheduler();
    step.former.adaptive = false;
    step.mmio_bytes = UINT64_C(1) << 40;
    step.numa_node = 1;
    step.keeps = step.was_pending = true;
    step.assigned_gi_id = 5;
    STR_SET(step.board, "GPU-1b5ec6b9-4d6c-4f3c-a3a5-2f8f8f5d0001");
    STR_SET(step.claim, "web1");
    STR_SET(step.vm, "web1");
    STR_SET(step.vm_uuid, "b5b1a8f0-0000-4000-8000-000000000004");
    STR_SET(step.profile, "2g.20gb");
    STR_SET(step.type, "L40S-8Q");
    STR_SET(step.driver, "snd_hda_intel");
    STR_SET(step.mdev_uuid, "b5b1a8f0-0000-4000-8000-000000000001");
    STR_SET(step.problem, "the driver refused");
    STR_SET(step.hint, "free a place");
    STR_SET(step.assigned_uuid, "MIG-0f1e2d3c-0000-4000-8000-000000000002");
    return step;
}

struct plan *sample_plan(void)
{
    struct plan *plan = plan_new();
    plan->state = PLAN_STUCK;
    plan->no_undo = true;
    plan->created_us = SAMPLE_TIME_US;
    plan->finished_us = SAMPLE_TIME_US + 9;
    STR_SET(plan->id, "b5b1a8f0-0000-4000-8000-000000000006");
    STR_SET(plan->author, "ada");
    STR_SET(plan->reason, "claim create web1");
    STR_SET(plan->problem, "the driver refused");
    STR_SET(plan->cancelled_by, "grace");
    *vec_push(&plan->steps) = sample_step();
    *vec_push(&plan->steps) = step_make(STEP_MIG_ENABLE, &pf);
    *vec_push(&plan->claims) =
        (struct plan_claim){.verb = PLAN_RESTORE, .claim = sample_claim("web1")};
    *vec_push(&plan->claims) =
        (struct plan_claim){.verb = PLAN_BIND, .claim = sample_bare_claim("web2")};
    struct plan_instance *instance = vec_push(&plan->instances);
    *instance = (struct plan_instance){.gpu = pf, .start = 4, .size = 2};
    STR_SET(instance->profile, "2g.20gb");
    STR_SET(instance->what, "created");
    plan_name_vm(plan, "web1");
    *vec_push(&plan->spares) = (struct plan_spare){.gpu = pf, .device = vf};
    struct plan_bar *bar = vec_push(&plan->bars);
    bar->device = vf;
    STR_SET(bar->vm, "web9");
    STR_SET(bar->mdev_uuid, "4b20d080-1b54-4048-85b3-a6a62d165c01");
    STR_SET(vec_push(&plan->left)->text, "another tool's vGPU stays");
    struct plan_move *move = vec_push(&plan->moves);
    *move = (struct plan_move){.from = sample_assignment(0), .to = sample_assignment(4)};
    STR_SET(move->claim, "web3");
    struct plan_warning *warning = vec_push(&plan->warnings);
    STR_SET(warning->claim, "web4");
    STR_SET(warning->text, "its device is gone");
    return plan;
}

static void add_check(struct checks *checks)
{
    struct check *check = vec_push(checks);
    check->result = CHECK_FAILED;
    STR_SET(check->rule, "migration-driver");
    STR_SET(check->claim, "web1");
    STR_SET(check->source, "550.90");
    STR_SET(check->target, "535.10");
    STR_SET(check->message, "the target's driver is older");
    STR_SET(check->hint, "update it");
    STR_SET(check->document, "vGPU software documentation");
    STR_SET(vec_push(checks)->rule, "migration-ecc");
}

static void add_device(struct migration_devices *devices)
{
    struct migration_device *device = vec_push(devices);
    STR_SET(device->claim, "web1");
    device->from = sample_assignment(0);
    device->to = no_assignment();
}

struct migration *sample_migration(void)
{
    struct migration *m = xcalloc(1, sizeof(*m));
    m->state = MIGRATION_FAILED;
    m->cancel = m->moved = true;
    m->resolution = RESOLUTION_TARGET;
    m->answered_us = SAMPLE_TIME_US + 1;
    m->created_us = SAMPLE_TIME_US;
    m->finished_us = SAMPLE_TIME_US + 2;
    m->reason = REASON_RULE;
    m->request.bandwidth_bytes = 1000;
    m->request.max_downtime_ms = 300;
    m->request.strict = true;
    m->progress = (struct migration_progress){
        .total_bytes = amount_of(1),
        .processed_bytes = amount_of(2),
        .remaining_bytes = amount_of(0), /* 0 is no less known than another number */
        .bytes_per_s = amount_of(4),
        .dirty_bytes_per_s = amount_of(5),
        .device_bytes = amount_of(6),
        .elapsed_ms = amount_of(7),
        .downtime_ms = amount_of(8),
    };
    m->estimate = (struct migration_estimate){
        .memory_bytes = amount_of(1),
        .framebuffer_bytes = amount_of(2),
        .dirty_bytes_per_s = amount_of(0),
        .link_bytes_per_s = amount_of(4),
        .known = true,
        .converges = true,
        .total_ms = amount_of(5),
        .downtime_ms = amount_of(6),
    };
    STR_SET(m->id, "b5b1a8f0-0000-4000-8000-000000000007");
    STR_SET(m->author, "ada");
    STR_SET(m->vm_uuid, "b5b1a8f0-0000-4000-8000-000000000004");
    STR_SET(m->target, "host-b");
    STR_SET(m->resolved_by, "grace");
    STR_SET(m->plan, "b5b1a8f0-0000-4000-8000-000000000006");
    STR_SET(m->problem, "the target is busy");
    STR_SET(m->rule, "one-at-a-time");
    STR_SET(m->hint, "wait");
    STR_SET(m->request.vm, "web1");
    STR_SET(m->request.destination, "qemu+ssh://host-b/system");
    STR_SET(m->request.peer, "http://host-b:7770");
    STR_SET(m->request.migrate_uri, "tcp://10.0.0.2");
    add_device(&m->devices);
    add_check(&m->checks);
    STR_SET(vec_push(&m->steps)->text, "create a vGPU");
    return m;
}

struct incoming *sample_incoming(void)
{
    struct incoming *in = xcalloc(1, sizeof(*in));
    in->state = INCOMING_COMMITTED;
    in->vm_state = VM_RUNNING;
    in->vm_present = in->abort = true;
    in->created_us = SAMPLE_TIME_US;
    in->finished_us = SAMPLE_TIME_US + 2;
    STR_SET(in->id, "b5b1a8f0-0000-4000-8000-000000000007");
    STR_SET(in->host, "host-a");
    STR_SET(in->target, "host-b");
    STR_SET(in->author, "ada");
    STR_SET(in->vm, "web1");
    STR_SET(in->vm_uuid, "b5b1a8f0-0000-4000-8000-000000000004");
    STR_SET(in->plan, "b5b1a8f0-0000-4000-8000-000000000006");
    STR_SET(in->problem, "the source is silent");
    add_device(&in->devices);
    add_check(&in->checks);
    STR_SET(vec_push(&in->steps)->text, "create a vGPU");
    return in;
}

struct migration_offer *sample_offer(void)
{
    struct migration_offer *offer = xcalloc(1, sizeof(*offer));
    STR_SET(offer->id, "b5b1a8f0-0000-4000-8000-000000000007");
    STR_SET(offer->host, "host-a");
    STR_SET(offer->vm, "web1");
    STR_SET(offer->vm_uuid, "b5b1a8f0-0000-4000-8000-000000000004");
    offer->strict = true;
    STR_SET(offer->facts.values[FACT_LIBVIRT], "11.3.0");
    offer->n_claims = 2;
    offer->claims = xcalloc(offer->n_claims, sizeof(*offer->claims));
    offer->claims[0].claim = sample_claim("web1");
    offer->claims[1].claim = sample_bare_claim("web2");
    STR_SET(offer->claims[0].facts.values[FACT_TYPE], "L40S-8Q");
    STR_SET(offer->claims[0].metadata, "bWV0YQ==");
    return offer;
}

struct drain *sample_drain(void)
{
    struct drain *drain = xcalloc(1, sizeof(*drain));
    drain->state = DRAIN_RUNNING;
    drain->stop = true;
    drain->parallel = 3;
    drain->created_us = SAMPLE_TIME_US;
    drain->finished_us = SAMPLE_TIME_US + 2;
    STR_SET(drain->id, "3f0c2f5e-5a1b-4d7c-9a52-0d2a7d1f6b11");
    STR_SET(drain->author, "ada");
    STR_SET(drain->reason, "new memory");
    drain->n_targets = 2;
    STR_SET(drain->targets[0].destination, "qemu+ssh://host-b/system");
    STR_SET(drain->targets[1].destination, "qemu+ssh://host-c/system");
    STR_SET(drain->targets[1].peer, "http://host-c:7770");
    STR_SET(drain->targets[1].migrate_uri, "tcp://10.0.0.3");
    struct drain_vm *vm = vec_push(&drain->vms);
    *vm = (struct drain_vm){.verdict = DRAIN_MIGRATE,
                            .step = DRAIN_MOVING,
                            .target = 1,
                            .attempts = 2,
                            .estimate_ms = amount_of(3),
                            .total_bytes = amount_of(4),
                            .processed_bytes = amount_of(5),
                            .downtime_ms = amount_of(6)};
    STR_SET(vm->name, "web1");
    STR_SET(vm->devices, "2 x L40S-8Q");
    STR_SET(vm->why, "it can");
    STR_SET(vm->migration, "b5b1a8f0-0000-4000-8000-000000000007");
    STR_SET(vm->problem, "none");
    STR_SET(vec_push(&drain->vms)->name, "web2");
    return drain;
}

struct gpu_record sample_record(void)
{
    struct gpu_record record = {
        .addr = pf,
        .mode_set = true,
        .mode = GPU_MIG,
        .vfs = true,
        .mixed = true,
        .scheduler = sample_scheduler(),
        .cordon = {.set = true, .since_us = SAMPLE_TIME_US},
        .quarantine = {.set = true, .since_us = SAMPLE_TIME_US + 1},
        .stuck_vfs = {{.addr = vf, .since_us = SAMPLE_TIME_US + 2}, {.addr = pf}},
        .n_stuck_vfs = 2,
        .companions = {{.addr = audio}},
        .n_companions = 1};
    STR_SET(record.uuid, "GPU-1b5ec6b9-4d6c-4f3c-a3a5-2f8f8f5d0001");
    STR_SET(record.cordon.by, "ada");
    STR_SET(record.cordon.why, "new memory");
    STR_SET(record.quarantine.kind, "xid");
    STR_SET(record.quarantine.why, "Xid 79");
    STR_SET(record.quarantine.boot_id, "b5b1a8f0-0000-4000-8000-000000000008");
    STR_SET(record.stuck_vfs[0].why, "no answer");
    STR_SET(record.companions[0].driver, "snd_hda_intel");
    return record;
}

static void fill_gpu_lists(struct gpu *gpu)
{
    *vec_push(&gpu->gis) = (struct gi){.id = 3,
                                       .profile_id = 14,
                                       .profile = "2g.20gb",
                                       .start = 4,
                                       .size = 2,
                                       .n_ci = 1,
                                       .compute = {{.id = 1, .start = 1, .size = 1}},
                                       .n_compute = 1};
    *vec_push(&gpu->gis) = (struct gi){.processes = NO_ID, .mig_uuid = "MIG-1"};
    *vec_push(&gpu->vgpus) = (struct vgpu){.type_id = 1145,
                                           .type = "L40S-8Q",
                                           .gi_id = 3,
                                           .placement_id = 12,
                                           .mdev_uuid = "b5b1a8f0-0000-4000-8000-000000000001",
                                           .vf = vf,
                                           .holder = "web1",
                                           .licence = {.state = VGPU_LICENCE_LICENSED,
                                                       .expiry = VGPU_LICENCE_EXPIRY_VALID,
                                                       .expires_us = 1893456000000000}};
    *vec_push(&gpu->vgpus) =
        (struct vgpu){.type_id = NO_ID, .gi_id = NO_ID, .placement_id = NO_ID, .vf = vf};
    struct vf *one = vec_push(&gpu->vfs);
    *one = (struct vf){
        .addr = vf, .driver = "nvidia", .iommu_group = 77, .iface = VGPU_IFACE_VENDOR_VFIO};
    *vec_push(&one->offers) = (struct vgpu_offer){.type_id = 1145, .name = "L40S-8Q"};
    *vec_push(&gpu->vfs) = (struct vf){.addr = vf, .iommu_group = NO_ID};
    *vec_push(&gpu->pf_offers) =
        (struct vgpu_offer){.type_id = NO_ID, .name = "L40S-4Q", .available = 6};
    *vec_push(&gpu->group_members) =
        (struct group_member){.addr = audio, .driver = "snd_hda_intel"};
    *vec_push(&gpu->group_members) = (struct group_member){.addr = vf};
}

struct host *sample_host(void)
{
    struct host *host = host_new();
    STR_SET(host->name, "host-a");
    STR_SET(host->kernel, "6.12");
    STR_SET(host->driver_version, "550.90");
    STR_SET(host->nvml_version, "12.550");
    STR_SET(host->libvirt_version, "11.3.0");
    STR_SET(host->nvml_problem, "none here");
    STR_SET(host->vgpu_problem, "no vGPU manager");
    STR_SET(host->pci_problem, "no sysfs");
    STR_SET(host->libvirt_problem, "no libvirt");
    struct gpu *gpu = host_add_gpu(host, &pf);
    gpu->pci_id = 0x26b9;
    gpu->pci_subsystem_id = 0x1851;
    gpu->mem_bytes = UINT64_C(48) << 30;
    gpu->mem_used_bytes = 0;
    gpu->mem_used_known = true;
    gpu->iommu_group = 21;
    gpu->numa_node = 0;
    gpu->mmio_bytes = UINT64_C(64) << 30;
    gpu->vfs_total = 32;
    gpu->index = 0;
    gpu->number = 0;
    gpu->mig_capable = TRI_YES;
    gpu->mig_enabled = gpu->mig_pending = true;
    gpu->heterogeneous = TRI_NO;
    gpu->mig_timeslicing_supported = TRI_YES;
    gpu->scheduler = sample_scheduler();
    gpu->iface = VGPU_IFACE_MDEV;
    gpu->mode = GPU_MIG;
    STR_SET(gpu->uuid, "GPU-1b5ec6b9-4d6c-4f3c-a3a5-2f8f8f5d0001");
    STR_SET(gpu->name, "NVIDIA L40S");
    STR_SET(gpu->model, "l40s");
    STR_SET(gpu->driver, "nvidia");
    STR_SET(gpu->holder, "web1");
    fill_gpu_lists(gpu);
    /* Two of which nothing is known; that there is nothing can be said of the first alone. */
    host_add_gpu(host, &audio)->mode = GPU_IDLE;
    STR_SET(host_add_gpu(host, &vf)->problem, "fell off the bus");
    struct vm *vm = vec_push(&host->vms);
    *vm = (struct vm){.name = "web1",
                      .uuid = "b5b1a8f0-0000-4000-8000-000000000004",
                      .state = VM_PAUSED,
                      .vcpus = 4,
                      .mem_kib = 1 << 20,
                      .autostart = true};
    *vec_push(&vm->devices) =
        (struct vm_device){.addr = vf, .live = true, .managed = true, .claim = "web1"};
    *vec_push(&vm->devices) = (struct vm_device){.is_mdev = true,
                                                 .addr = vf,
                                                 .mdev_uuid = "b5b1a8f0-0000-4000-8000-00000001",
                                                 .persistent = true};
    *vec_push(&host->vms) = (struct vm){.transient = true, .saved = true};
    return host;
}
