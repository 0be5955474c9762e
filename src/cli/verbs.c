/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

static const struct verb_option global_options[] = {
    {"help", 'h', NULL, "show what can be typed here"},
    {"output", 'o', "FORMAT", "table (default), json (the API's own) or yaml"},
    {"socket", 0, "PATH", "cleaved's socket; else CLEAVE_SOCKET, else " CLIENT_DEFAULT_SOCKET},
    {"version", 0, NULL, "print the version"},
    {"dry-run", 0, NULL, "show the plan, and change nothing"},
    {"no-wait", 0, NULL, "do not wait until the plan is done"},
};

#define MOVE_IDLE_HELP                                                                             \
    "where it doesn't fit, let claims that are not in use take other places on their GPU"

static const struct verb_option claim_create_options[] = {
    [CLAIM_VM] = {"vm", 0, "VM", "libvirt domain that gets the device"},
    [CLAIM_MODE] = {"mode", 0, "MODE",
                    "passthrough, time-sliced, mig-backed, time-sliced-mig-backed, gpu-instance; "
                    "else it follows from type or profile"},
    [CLAIM_GPU] = {"gpu", 0, "GPU", "PCI address, UUID, index or model; else any that fits"},
    [CLAIM_TYPE] = {"type", 0, "TYPE", "vGPU type, such as L40S-8Q"},
    [CLAIM_PROFILE] = {"profile", 0, "PROFILE[@START]",
                       "GPU instance profile, such as 2g.10gb, and its first memory slice"},
    [CLAIM_MIXED] = {"mixed", 0, NULL, "may share its GPU with vGPUs of other sizes"},
    [CLAIM_GUEST] = {"guest", 0, "OS", "linux (default) or windows"},
    [CLAIM_MIGRATABLE] = {"migratable", 0, NULL, "must be able to live-migrate"},
    [CLAIM_TENANT] = {"tenant", 0, "TENANT", "whom it belongs to; \"default\" if left out"},
    [CLAIM_ON_DEMAND] = {"on-demand", 0, NULL, "hold the device only while the VM is on"},
    [CLAIM_MOVE_IDLE] = {"move-idle", 0, NULL, MOVE_IDLE_HELP},
};

static const struct verb_option claim_list_options[] = {
    [CLAIM_LIST_RELEASED] = {"released", 0, NULL,
                             "those that were released because their VMs were gone, and can be "
                             "brought back"},
};

static const struct verb_option host_restore_options[] = {
    [RESTORE_TIMEOUT] = {"timeout", 0, "SECONDS", "how long to try what is busy or late; 120"},
};

static const struct verb_option gpu_scheduler_options[] = {
    [SCHEDULER_SLICE] = {"slice", 0, "TIME", "a fixed time slice, 1ms to 30ms"},
    [SCHEDULER_FREQUENCY] = {"frequency", 0, "HZ", "adaptive round robin so often, 63 to 960"},
    [SCHEDULER_AVERAGING] = {"averaging", 0, "FACTOR",
                             "how slowly adaptive round robin evens out overruns, 1 to 60"},
};

static const struct verb_option drain_options[] = {
    [DRAIN_TO] = {"to", 0, "URI[,PEER[,MIGRATE-URI]]",
                  "libvirt's URI of a host that VMs may go to; several, in order of preference"},
    [DRAIN_STOP] = {"stop", 0, NULL, "stop the VMs that can't migrate; else they stay"},
    [DRAIN_PARALLEL] = {"parallel", 0, "COUNT", "so many VMs at once, 1 to 8; 1 if left out"},
    [DRAIN_REASON] = {"reason", 0, "TEXT", "remembered with the drain"},
    [DRAIN_STATUS] = {"status", 0, NULL, "show the drain that is under way or was the latest"},
    [DRAIN_CANCEL] = {"cancel", 0, NULL, "end the one under way; what has moved stays moved"},
};

static const struct verb_option cordon_options[] = {
    [CORDON_REASON] = {"reason", 0, "TEXT", "shown to who wonders why nothing goes there"},
};

static const struct verb_option profile_list_options[] = {
    [PROFILE_GPU] = {"gpu", 0, "GPU", "only what this GPU offers, and how much of it is left"},
};

static const struct verb_option apply_options[] = {
    [APPLY_FILE] = {"file", 'f', "FILE", "site file, YAML or .json; - for standard input"},
    [APPLY_MOVE_IDLE] = {"move-idle", 0, NULL, MOVE_IDLE_HELP},
};

static const struct verb_option vm_create_options[] = {
    [VM_TEMPLATE] = {"template", 0, "FILE", "libvirt domain XML"},
};

static const struct verb_option vm_stop_options[] = {
    [VM_NOW] = {"now", 0, NULL, "pull the plug instead of asking the guest; nothing else does"},
    [VM_STOP_TIMEOUT] = {"timeout", 0, "SECONDS",
                         "how long the guest may take; 120. Then it fails, and the VM runs on"},
};

static const struct verb_option vm_migrate_options[] = {
    [MIGRATE_PEER] = {"peer", 0, "ADDRESS",
                      "the target's cleaved: unix:/path, http://host:port or ssh:host; else ssh to "
                      "the host of a qemu+ssh destination"},
    [MIGRATE_URI] = {"migrate-uri", 0, "URI", "where the data flows; else libvirt chooses"},
    [MIGRATE_BANDWIDTH] = {"bandwidth", 0, "MIB", "most MiB per second"},
    [MIGRATE_MAX_DOWNTIME] = {"max-downtime", 0, "MS",
                              "how long the emulator may stop the guest for what is left"},
    [MIGRATE_STRICT] = {"strict", 0, NULL, "refuse also what is unknown or only worth a warning"},
};

static const struct verb_option settle_options[] = {
    [SETTLE_AWAY] = {"away", 0, NULL, "the VM is, or was, on the target: release what it had here"},
    [SETTLE_HERE] = {"here", 0, NULL,
                     "the VM is not on the target: it stays defined here, with its "
                     "claims"},
};

static const struct verb_option event_list_options[] = {
    [EVENT_AFTER] = {"after", 0, "NUMBER", "only events after this one"},
    [EVENT_LIMIT] = {"limit", 0, "COUNT", "at most so many, 1 to 1000"},
};

static const struct verb_option vm_lint_options[] = {
    [LINT_STRICT] = {"strict", 0, NULL, "fail (exit status 9) if a finding is an error"},
};

#define OPTIONS(table) .options = (table), .n_options = ARRAY_SIZE(table)

/* In the order of help. */
static const struct verb verbs[] = {
    {.object = "host",
     .name = "show",
     .help = "the machine, its drivers, and what is missing",
     .run = cmd_host_show},
    {.object = "host",
     .name = "restore",
     .help = "bring back what a reboot or a reload of the driver took from claims and GPUs",
     OPTIONS(host_restore_options),
     .changes = true,
     .waits = true,
     .run = cmd_host_restore},
    {.object = "host",
     .name = "capture",
     .help = "write a host file that simulates this machine (cleave-sim capture)",
     .run_raw = cmd_host_capture},
    {.object = "host",
     .name = "drain",
     .help = "move or stop every VM that runs here, and let no new claims on its GPUs",
     OPTIONS(drain_options),
     .repeats = 1 + DRAIN_TO,
     .changes = true,
     .waits = true,
     .run = cmd_host_drain},
    {.object = "host",
     .name = "undrain",
     .help = "end the maintenance: let claims on the host again",
     .changes = true,
     .run = cmd_host_undrain},
    {.object = "gpu", .name = "list", .help = "every GPU", .run = cmd_gpu_list},
    {.object = "gpu",
     .name = "show",
     .args = "GPU",
     .n_args = 1,
     .help = "one GPU, with a picture of who has which part",
     .run = cmd_gpu_show},
    {.object = "gpu",
     .name = "mode",
     .args = "GPU MODE",
     .n_args = 2,
     .help = "make a GPU idle, passthrough, time-sliced or mig",
     .changes = true,
     .waits = true,
     .run = cmd_gpu_mode},
    {.object = "gpu",
     .name = "scheduler",
     .args = "GPU POLICY",
     .n_args = 2,
     .help = "share a GPU among time-sliced vGPUs by best-effort, equal-share or fixed-share",
     OPTIONS(gpu_scheduler_options),
     .changes = true,
     .waits = true,
     .run = cmd_gpu_scheduler},
    {.object = "gpu",
     .name = "cordon",
     .args = "GPU...",
     .n_args = 1,
     .each = true,
     .help = "let no new claims on GPUs; what is there stays",
     OPTIONS(cordon_options),
     .changes = true,
     .run = cmd_gpu_cordon},
    {.object = "gpu",
     .name = "uncordon",
     .args = "GPU...",
     .n_args = 1,
     .each = true,
     .help = "let claims on GPUs again",
     .changes = true,
     .run = cmd_gpu_uncordon},
    {.object = "gpu",
     .name = "recover",
     .args = "GPU",
     .n_args = 1,
     .help = "reset a quarantined GPU and bring its claims' devices back",
     .changes = true,
     .waits = true,
     .run = cmd_gpu_recover},
    {.object = "profile",
     .name = "list",
     .help = "GPU instance profiles and vGPU types",
     OPTIONS(profile_list_options),
     .run = cmd_profile_list},
    {.object = "claim",
     .name = "create",
     .args = "NAME",
     .n_args = 1,
     .help = "ask for a GPU or a part of one",
     OPTIONS(claim_create_options),
     .changes = true,
     .waits = true,
     .run = cmd_claim_create},
    {.object = "claim",
     .name = "list",
     .help = "every claim",
     OPTIONS(claim_list_options),
     .run = cmd_claim_list},
    {.object = "claim",
     .name = "show",
     .args = "NAME",
     .n_args = 1,
     .help = "one claim, and what it got",
     .run = cmd_claim_show},
    {.object = "claim",
     .name = "delete",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .help = "give back what claims hold, and forget them",
     .changes = true,
     .waits = true,
     .run = cmd_claim_delete},
    {.object = "claim",
     .name = "restore",
     .args = "NAME",
     .n_args = 1,
     .help = "bring back a claim that was released because its VM was gone",
     .changes = true,
     .waits = true,
     .run = cmd_claim_restore},
    {.object = "apply",
     .args = "-f FILE",
     .help = "make the claims of a site exactly those of its file",
     OPTIONS(apply_options),
     .changes = true,
     .waits = true,
     .run = cmd_apply},
    {.object = "plan", .name = "list", .help = "the latest plans", .run = cmd_plan_list},
    {.object = "plan",
     .name = "show",
     .args = "ID",
     .n_args = 1,
     .help = "one plan, step by step",
     .run = cmd_plan_show},
    {.object = "vm", .name = "list", .help = "every VM", .run = cmd_vm_list},
    {.object = "vm",
     .name = "create",
     .args = "NAME",
     .n_args = 1,
     .help = "define a VM from a template",
     OPTIONS(vm_create_options),
     .changes = true,
     .run = cmd_vm_create},
    {.object = "vm",
     .name = "start",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .help = "start VMs",
     .changes = true,
     .run = cmd_vm_start},
    {.object = "vm",
     .name = "stop",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .help = "ask the guests of VMs to shut down",
     OPTIONS(vm_stop_options),
     .changes = true,
     .run = cmd_vm_stop},
    {.object = "vm",
     .name = "lint",
     .args = "VM...",
     .n_args = 1,
     .each = true,
     .help = "what is wrong with VMs' definitions, why, and what to do",
     OPTIONS(vm_lint_options),
     .run = cmd_vm_lint},
    {.object = "vm",
     .name = "delete",
     .args = "NAME...",
     .n_args = 1,
     .each = true,
     .help = "forget VMs that are shut off",
     .changes = true,
     .run = cmd_vm_delete},
    {.object = "vm",
     .name = "migrate",
     .args = "VM DESTINATION",
     .n_args = 2,
     .help = "move a running VM with its vGPUs to another host",
     OPTIONS(vm_migrate_options),
     .changes = true,
     .waits = true,
     .run = cmd_vm_migrate},
    {.object = "migration",
     .name = "list",
     .help = "VMs on their way out and in, and the latest that were",
     .run = cmd_migration_list},
    {.object = "migration",
     .name = "show",
     .args = "ID",
     .n_args = 1,
     .help = "one migration, its checks, how far it is",
     .run = cmd_migration_show},
    {.object = "migration",
     .name = "cancel",
     .args = "ID",
     .n_args = 1,
     .help = "end a migration; the VM stays here",
     .changes = true,
     .run = cmd_migration_cancel},
    {.object = "migration",
     .name = "settle",
     .args = "ID",
     .n_args = 1,
     .help = "say where a VM is whose target does not answer, and may never again",
     OPTIONS(settle_options),
     .changes = true,
     .run = cmd_migration_settle},
    {.object = "event",
     .name = "list",
     .help = "what happened",
     OPTIONS(event_list_options),
     .run = cmd_event_list},
    {.object = "gc",
     .help = "clear what nobody needs any more: claims without a VM, devices without a claim",
     .changes = true,
     .waits = true,
     .run = cmd_gc},
    {.object = "hook",
     .name = "qemu",
     .args = "DOMAIN OPERATION SUBOPERATION EXTRA",
     .help = "for libvirt: make a VM's devices before it starts (no person calls this)",
     .run_raw = cmd_hook_qemu},
    {.object = "dial",
     .args = "[--socket PATH]",
     .help = "carry bytes to cleaved, for another host's cleaved that comes by ssh",
     .run_raw = cmd_dial},
    {.object = "rule",
     .name = "list",
     .help = "the documented limits that claims are checked against",
     .run = cmd_rule_list},
    {.object = "layout",
     .name = "check",
     .args = "PROFILE...",
     .help = "can a GPU be cut like this? (no daemon needed)",
     .run_raw = cmd_layout_check},
};

const struct verb *verbs_all(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(verbs);
    return verbs;
}

const struct verb_option *verbs_global_options(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(global_options);
    return global_options;
}
