/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/recover.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/collect.h"
#include "plan/gpu_gate.h"
#include "plan/restore.h"

/* ---- guards ---- */

/* Does the running VM have the claim's device? Of a GPU that answers nothing, libvirt still knows.
 */
static bool runs_with(const struct vm *vm, const struct claim *claim)
{
    for (vec_each(&vm->devices, device)) {
        bool same = device->is_mdev ? str_eq_case(device->mdev_uuid, claim->assigned.mdev_uuid)
                                    : pci_addr_cmp(&device->addr, &claim->assigned.device) == 0;
        if (device->live && same) {
            return true;
        }
    }
    return false;
}

static void add_vm(struct strbuf *names, const char *name)
{
    if (name[0] != '\0' && strstr(strbuf_str(names), name) == NULL) {
        strbuf_addf(names, "%s%s", names->len == 0 ? "" : ", ", name);
    }
}

/* The board that is to be recovered. */
struct patient {
    struct pci_addr addr;
    const struct gpu *gpu; /* NULL: it has left the bus, and nothing sits at its address */
    char uuid[GPU_UUID_SIZE];
};

/* Boards move to other addresses: a claim is of the board, and of the address where UUIDs are not
 * known. */
static bool is_of(const struct planner *planner, const struct claim *claim,
                  const struct patient *patient)
{
    if (!claim_holds(claim)) {
        return false;
    }
    const struct gpu *its = restore_gpu_of(planner->host, claim);
    return patient->gpu != NULL
               ? its == patient->gpu
               : its == NULL && pci_addr_cmp(&claim->assigned.gpu, &patient->addr) == 0;
}

static void collect_users(const struct planner *planner, const struct patient *patient,
                          struct strbuf *names)
{
    if (patient->gpu != NULL) {
        add_vm(names, patient->gpu->holder);
        for (vec_each(&patient->gpu->vgpus, vgpu)) {
            add_vm(names, vgpu->holder);
        }
    }
    for (vec_each(planner->claims, claim)) {
        const struct vm *vm =
            claim->vm[0] == '\0' ? NULL : host_find_vm_of(planner->host, claim->vm, claim->vm_uuid);
        if (is_of(planner, claim, patient) && vm != NULL && vm_is_on(vm) && runs_with(vm, claim)) {
            add_vm(names, vm->name);
        }
    }
}

static bool serves_vms(const struct planner *planner, const struct patient *patient)
{
    for (vec_each(planner->claims, claim)) {
        if (claim->vm[0] != '\0' && is_of(planner, claim, patient)) {
            return true;
        }
    }
    return false;
}

/* Processes that have a device open without libvirt are what the step itself looks for. */
static int check_unused(const struct planner *planner, const struct patient *patient,
                        const char *bdf, struct error *err)
{
    CLEANUP_STRBUF struct strbuf names = {0};
    if (planner->host->libvirt_problem[0] != '\0' && serves_vms(planner, patient)) {
        return error_set(err, REASON_UNAVAILABLE, SUBJECT("gpu", bdf),
                         "it is unknown whether VMs run with GPU %s: %s", bdf,
                         planner->host->libvirt_problem);
    }
    collect_users(planner, patient, &names);
    if (names.len == 0) {
        return 0;
    }
    int r = error_set(err, REASON_IN_USE, SUBJECT("gpu", bdf),
                      "GPU %s can't be recovered: VMs run with it: %s", bdf, strbuf_str(&names));
    error_hint(err, "migrate or stop the VMs first: `cleave vm migrate`, `cleave vm stop`");
    return r;
}

static bool needs_recovery(const struct planner *planner, const struct gpu *gpu)
{
    const struct gpu_record *record = planner_record_of(planner, gpu);
    return gpu->problem[0] != '\0' || gpu->fault != GPU_FAULT_NONE ||
           (record != NULL && (record->quarantine.set || record->n_stuck_vfs > 0));
}

static int choose(const struct planner *planner, const struct gpu *gpu, const char *bdf,
                  enum step_kind *ret_kind, struct error *err)
{
    if (!needs_recovery(planner, gpu)) {
        int r = error_set(err, REASON_CONFLICT, SUBJECT("gpu", bdf),
                          "GPU %s is not quarantined: there is nothing to recover", bdf);
        error_hint(err, "`cleave gpu list` shows which GPUs are");
        return r;
    }
    if (gpu->fault == GPU_FAULT_LOST || gpu->fault == GPU_FAULT_CONFIG_SPACE) {
        *ret_kind = STEP_PCI_RESCAN; /* what does not answer can't be asked to reset itself */
        return 0;
    }
    if (gpu->reset_methods[0] == '\0') {
        int r = error_set(err, REASON_UNSUPPORTED, SUBJECT("gpu", bdf),
                          "the platform offers no reset of GPU %s", bdf);
        error_hint(err, "reboot the host: that ends the quarantine if the GPU answers afterwards");
        return r;
    }
    *ret_kind = STEP_GPU_RESET;
    return 0;
}

/* ---- what comes after ---- */

/* The GPU as it is to be expected then: nothing on it. A function that was removed has lost its
 * driver_override, too: the host's driver takes it. */
static void wipe(struct gpu *gpu, enum step_kind kind)
{
    gpu->problem[0] = '\0';
    gpu->fault = GPU_FAULT_NONE;
    gpu->gis.n = 0;
    gpu->vgpus.n = 0;
    gpu->vfs.n = 0;
    gpu->vfs_enabled = 0;
    gpu->mig_enabled = false; /* Ampere keeps it: turning it on again does nothing */
    gpu->mig_pending = false;
    if (gpu->reset_methods[0] == '\0') {
        STR_SET(gpu->reset_methods, "unknown"); /* of what is off the bus */
    }
    gpu->heterogeneous = gpu->heterogeneous == TRI_YES ? TRI_NO : gpu->heterogeneous;
    gpu->scheduler = (struct gpu_scheduler){0};
    gpu->index = gpu->index == NO_ID ? 0 : gpu->index; /* the driver will know it again */
    if (gpu->driver[0] == '\0' || kind == STEP_PCI_RESCAN) {
        STR_SET(gpu->driver, "nvidia");
        gpu->mode = GPU_IDLE;
    }
}

/* The missing parts, as if the GPU were not quarantined: that is what the plan is about. */
static void plan_missing(const struct planner *planner, const struct host *host,
                         const struct gpu *gpu, const struct plan *plan,
                         struct restoration *ret_restoration)
{
    size_t n = planner->records == NULL ? 0 : planner->records->n;
    CLEANUP_FREE struct gpu_record *items = xcalloc(n + 1, sizeof(*items));
    struct gpu_records records = {.items = items, .n = n};
    for (size_t i = 0; i < n; i++) {
        items[i] = planner->records->items[i];
    }
    struct gpu_record *record = gpu_records_find(&records, gpu);
    if (record != NULL) {
        record->quarantine.set = false;
        record->n_stuck_vfs = 0;
    }
    struct planner then = {.catalog = planner->catalog,
                           .rules = planner->rules,
                           .host = host,
                           .claims = planner->claims,
                           .records = &records};
    struct restore_request request = {.gpu = gpu, .author = plan->author};
    planner_restore(&then, &request, ret_restoration);
}

/* Claims of an earlier part have their steps there: they are named once. */
static void append(struct plan *plan, const struct plan *more)
{
    bool first = plan->instances.n == 0;
    for (vec_each(&more->steps, step)) {
        *vec_push(&plan->steps) = *step;
    }
    for (vec_each(&more->claims, claim)) {
        struct plan_claim *place = NULL;
        for (vec_each(&plan->claims, entry)) {
            place = str_eq(entry->claim.name, claim->claim.name) ? entry : place;
        }
        place = place == NULL ? vec_push(&plan->claims) : place;
        *place = *claim;
    }
    for (size_t i = 0; first && i < more->instances.n; i++) {
        *vec_push(&plan->instances) = more->instances.items[i];
    }
    for (vec_each(&more->vms, vm)) {
        plan_name_vm(plan, vm->name);
    }
}

/* True: what is in the way may pass, and it is worth looking again. `lacks` says what the claim did
 * not do. */
static bool find_blocked(const struct restoration *restoration, const char *lacks,
                         struct error *ret_why)
{
    const struct error *why = restoration->why.reason != REASON_NONE ? &restoration->why : NULL;
    const char *name = NULL;
    for (vec_each(&restoration->claims, claim)) {
        if (why == NULL && claim->outcome == RESTORE_BLOCKED) {
            why = &claim->why;
            name = claim->name;
        }
    }
    if (why == NULL) {
        return false;
    }
    *ret_why = *why;
    if (name != NULL) {
        error_wrap(ret_why, "claim \"%s\" %s its device back", name, lacks);
    }
    return restore_error_passes(why);
}

static void add_restoration(const struct planner *planner, size_t at, enum step_kind kind,
                            struct plan *plan)
{
    const struct host *host = planner->host;
    CLEANUP_FREE struct gpu *gpus = xcalloc(host->gpus.n, sizeof(*gpus));
    memcpy(gpus, host->gpus.items, host->gpus.n * sizeof(*gpus));
    wipe(&gpus[at], kind);
    struct host after = *host; /* borrows all but the GPUs */
    after.gpus.items = gpus;
    struct restoration restoration = {0};
    plan_missing(planner, &after, &gpus[at], plan, &restoration);
    append(plan, restoration.plan);
    struct error why = {0};
    (void)find_blocked(&restoration, "would not get", &why);
    if (why.reason != REASON_NONE) {
        str_print(plan->later, sizeof(plan->later),
                  "whether all devices are restored. At present it seems that %.700s; the run "
                  "checks once the GPU answers, and fails if that is so",
                  why.message);
    } else if (kind == STEP_PCI_RESCAN) {
        STR_SET(plan->later, "whether the GPU comes back empty, as these steps assume; the run "
                             "checks then, and makes what is still missing");
    }
    restoration_done(&restoration);
}

/* Nothing is known of how the board comes back: neither what is on it, nor which steps it needs. */
static void note_unplanned(const struct planner *planner, const struct patient *patient,
                           const char *bdf, struct plan *plan)
{
    CLEANUP_STRBUF struct strbuf names = {0};
    for (vec_each(planner->claims, claim)) {
        if (is_of(planner, claim, patient)) {
            strbuf_addf(&names, "%s%s", names.len == 0 ? "" : ", ", claim->name);
        }
    }
    if (names.len == 0) {
        str_print(plan->later, sizeof(plan->later),
                  "which steps GPU %s needs once it is back on the bus; the run finds out then, "
                  "and takes them",
                  bdf);
    } else {
        str_print(plan->later, sizeof(plan->later),
                  "which steps restore the devices of these claims: %.700s; the run finds out once "
                  "GPU %s is back on the bus, and takes them",
                  strbuf_str(&names), bdf);
    }
}

const struct step *recover_step(const struct plan *plan)
{
    const struct step *step = plan->steps.n > 0 ? &plan->steps.items[0] : NULL;
    bool own = step != NULL && (step->kind == STEP_GPU_RESET || step->kind == STEP_PCI_RESCAN);
    return own ? step : NULL;
}

bool recover_settle(const struct planner *planner, struct plan *plan, struct error *ret_why)
{
    char bdf[BDF_SIZE];
    const struct pci_addr *addr = &plan->steps.items[0].gpu;
    const struct gpu *gpu = host_find_board(planner->host, plan->steps.items[0].board, addr);
    if (gpu == NULL || gpu->problem[0] != '\0') {
        error_set(ret_why, REASON_DRIVER, SUBJECT("gpu", pci_addr_format(addr, bdf)),
                  "GPU %s did not come back: %s", pci_addr_format(addr, bdf),
                  gpu == NULL ? "it is not on the PCI bus" : gpu->problem);
        return false;
    }
    struct restoration restoration = {0};
    plan_missing(planner, planner->host, gpu, plan, &restoration);
    size_t before = plan->steps.n;
    append(plan, restoration.plan);
    bool later = false;
    if (plan->steps.n == before) {
        later = find_blocked(&restoration, "did not get", ret_why);
    }
    restoration_done(&restoration);
    return later;
}

static bool is_named(const char *text, const struct pci_addr *addr, const char *uuid)
{
    struct pci_addr named;
    return pci_addr_parse(text, &named) ? pci_addr_cmp(&named, addr) == 0
                                        : uuid[0] != '\0' && str_eq_case(text, uuid);
}

static void take_lost(const struct planner *planner, const char *text, const struct pci_addr *addr,
                      const char *uuid, struct patient *patient, bool *ret_found)
{
    bool elsewhere = host_find_gpu_known(planner->host, uuid) != NULL;
    if (!*ret_found && !elsewhere && is_named(text, addr, uuid)) {
        patient->addr = *addr;
        STR_SET(patient->uuid, uuid);
        *ret_found = true;
    }
}

/* A board of which cleave knows something, though it is on no address. */
static bool has_left(const struct planner *planner, const char *text, struct patient *patient)
{
    bool found = false;
    for (vec_each(planner->claims, claim)) {
        if (claim_holds(claim)) {
            take_lost(planner, text, &claim->assigned.gpu, claim->assigned.gpu_uuid, patient,
                      &found);
        }
    }
    for (size_t i = 0; planner->records != NULL && i < planner->records->n; i++) {
        const struct gpu_record *record = &planner->records->items[i];
        take_lost(planner, text, &record->addr, record->uuid, patient, &found);
    }
    return found;
}

/* A rescan would take from the bus what sits there now. */
static int check_address_free(const struct planner *planner, const struct patient *patient,
                              struct error *err)
{
    char bdf[BDF_SIZE];
    if (patient->gpu != NULL || host_find_gpu_addr(planner->host, &patient->addr) == NULL) {
        return 0;
    }
    error_set(
        err, REASON_NOT_FOUND, SUBJECT("gpu", patient->uuid),
        "GPU %s can't be recovered: it is not on this host, and another GPU is at its address %s",
        patient->uuid, pci_addr_format(&patient->addr, bdf));
    error_hint(err, "put the board back, into any slot, where `cleave host restore` finds it; or "
                    "delete its claims");
    return -REASON_NOT_FOUND;
}

static int find_patient(const struct planner *planner, const char *text, struct patient *patient,
                        struct error *err)
{
    patient->gpu = host_find_gpu(planner->host, text);
    if (patient->gpu != NULL) {
        patient->addr = patient->gpu->addr;
        STR_SET(patient->uuid, gpu_known_uuid(patient->gpu));
        return 0;
    }
    if (!has_left(planner, text, patient)) {
        return host_unknown_gpu(planner->host, text, err);
    }
    return check_address_free(planner, patient, err);
}

int planner_recover(const struct planner *planner, const char *text, const char *author,
                    struct plan **ret_plan, struct error *err)
{
    struct patient patient = {0};
    int r = find_patient(planner, text, &patient, err);
    if (r != 0) {
        return r;
    }
    const struct gpu *gpu = patient.gpu;
    char bdf[BDF_SIZE];
    pci_addr_format(&patient.addr, bdf);
    enum step_kind kind = STEP_PCI_RESCAN;
    r = gpu == NULL ? 0 : choose(planner, gpu, bdf, &kind, err);
    r = r != 0 ? r : check_unused(planner, &patient, bdf, err);
    if (r != 0) {
        return r;
    }
    CLEANUP(plan_freep) struct plan *plan = collect_begin(PURPOSE_RECOVER, author, NULL);
    str_print(plan->reason, sizeof(plan->reason), "gpu recover %s", bdf);
    struct step *step = vec_push(&plan->steps);
    *step = step_make(kind, &patient.addr);
    STR_SET(step->board, patient.uuid);
    if (gpu != NULL) {
        add_restoration(planner, (size_t)(gpu - planner->host->gpus.items), kind, plan);
    } else {
        note_unplanned(planner, &patient, bdf, plan);
    }
    *ret_plan = TAKE_PTR(plan);
    return 0;
}
