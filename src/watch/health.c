/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is every GPU well? What the driver reports (Xids, memory errors) and what an observation shows
 * (lost, needs a reset, configuration space of ones) become events; what condemns a GPU
 * quarantines it: stored in its record, its VMs and claims named, nothing else touched. The way
 * out is `cleave gpu recover`, or a reboot after which the GPU answers.
 */
#include "watch/health.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "model/xid.h"
#include "state/gpu_records.h"
#include "state/listeners.h"
#include "state/notes.h"
#include "state/state.h"
#include "state/txn.h"
#include "watch/looks.h"
#include "watch/observe.h"
#include "watch/recovery_note.h"

/* A GPU that reports the same again and again is written down once in this time. */
#define REPORT_PERIOD_US UINT64_C(60000000)

/* ---- who is concerned ---- */

static void add_name(struct strbuf *names, size_t *n, const char *name)
{
    strbuf_addf(names, "%s%s", *n == 0 ? "" : ", ", name);
    (*n)++;
}

static bool is_on(const struct manager *m, const struct claim *claim, const struct pci_addr *gpu)
{
    return claim_holds(claim) && pci_addr_cmp(&claim->assigned.gpu, gpu) == 0 &&
           !claim_is_displaced(claim, m->host);
}

void health_name_users(const struct manager *m, const struct pci_addr *addr, struct strbuf *text)
{
    CLEANUP_STRBUF struct strbuf claims = {0};
    CLEANUP_STRBUF struct strbuf vms = {0};
    size_t n_claims = 0;
    size_t n_vms = 0;
    for (vec_each(&m->claims, claim)) {
        if (!is_on(m, claim, addr)) {
            continue;
        }
        add_name(&claims, &n_claims, claim->name);
        if (claim->vm[0] != '\0') {
            add_name(&vms, &n_vms, claim->vm);
        }
    }
    strbuf_addf(text, "VMs: %s; claims: %s", n_vms == 0 ? "none" : strbuf_str(&vms),
                n_claims == 0 ? "none" : strbuf_str(&claims));
}

/* ---- quarantine ---- */

/* A report that condemns a GPU, until that is stored. */
struct condemning {
    struct manager *manager;
    struct gpu_report report;
};

void txn_quarantine(struct txn *txn, const struct pci_addr *addr, const char *kind, const char *why)
{
    struct manager *m = txn->manager;
    struct gpu_record record = txn_gpu_record(txn, addr);
    if (record.quarantine.set) {
        return; /* what was found first says most */
    }
    char bdf[BDF_SIZE];
    pci_addr_format(addr, bdf);
    record.quarantine = (struct quarantine){.set = true, .since_us = clock_realtime_us()};
    STR_SET(record.quarantine.kind, kind);
    STR_SET(record.quarantine.why, why);
    STR_SET(record.quarantine.boot_id, m->host != NULL ? m->host->boot_id : "");
    CLEANUP_STRBUF struct strbuf users = {0};
    health_name_users(m, addr, &users);
    txn_put_gpu_record(txn, &record);
    txn_event(txn, EVENT_GPU_QUARANTINED, SUBJECT("gpu", bdf), "",
              "%.250s; the GPU takes no new claims before `cleave gpu recover %s`; %s", why, bdf,
              strbuf_str(&users));
    log_error("GPU %s is quarantined: %s; %s", bdf, why, strbuf_str(&users));
}

/* `data`: the report that condemned the GPU, of the manager's list; NULL: a look shows it again. */
static void quarantined(const struct error *err, void *data)
{
    CLEANUP_FREE struct condemning *condemning = data;
    if (err == NULL) {
        return;
    }
    log_error("the quarantine of a GPU can't be stored, trying again: %s", err->message);
    if (condemning != NULL) {
        *vec_push(&condemning->manager->pending_quarantines) = condemning->report;
    }
}

/* In the ledger's turn. */
static void quarantine(struct manager *m, const struct pci_addr *addr, const char *kind,
                       const char *why, struct condemning *condemning)
{
    struct txn txn;
    txn_begin(&txn, m);
    txn_quarantine(&txn, addr, kind, why);
    txn_commit_then(&txn, quarantined, condemning);
}

/* ---- reports of the driver ---- */

struct message {
    struct manager *manager;
    struct gpu_report report;
};

static struct gpu_reported *find_reported(struct manager *m, const struct gpu_report *report)
{
    for (vec_each(&m->reported, reported)) {
        if (pci_addr_cmp(&reported->report.gpu, &report->gpu) == 0 &&
            reported->report.kind == report->kind && reported->report.xid == report->xid) {
            return reported;
        }
    }
    struct gpu_reported *reported = vec_push(&m->reported);
    reported->report = *report;
    return reported;
}

static const char *describe_report(const struct gpu_report *report, const struct xid *xid,
                                   char *out, size_t size)
{
    if (report->kind == GPU_REPORT_ECC) {
        snprintf(out, size, "an uncorrectable memory error");
    } else {
        snprintf(out, size, "Xid %u (%s)", xid->number, xid->text);
    }
    return out;
}

/* Once a minute per GPU and number: a guest that faults without end must not fill the store. */
static void record_report(struct manager *m, const struct gpu_report *report, const struct xid *xid)
{
    struct gpu_reported *reported = find_reported(m, report);
    uint64_t now_us = clock_monotonic_us();
    if (reported->at_us != 0 && now_us - reported->at_us < REPORT_PERIOD_US) {
        reported->n_left_out++;
        return;
    }
    char what[128];
    char more[48] = "";
    char bdf[BDF_SIZE];
    CLEANUP_STRBUF struct strbuf users = {0};
    health_name_users(m, &report->gpu, &users);
    if (reported->n_left_out > 0) {
        snprintf(more, sizeof(more), " (%u more since the last one reported)",
                 reported->n_left_out);
    }
    txn_event_alone(m, report->kind == GPU_REPORT_ECC ? EVENT_GPU_ECC : EVENT_GPU_XID,
                    SUBJECT("gpu", pci_addr_format(&report->gpu, bdf)), "", "%s%s: %s; %s",
                    describe_report(report, xid, what, sizeof(what)), more, xid_advice(xid),
                    strbuf_str(&users));
    reported->at_us = now_us;
    reported->n_left_out = 0;
}

/* 48: what the driver reports along with a double bit error. */
static struct xid xid_of(const struct gpu_report *report)
{
    return xid_find(report->kind == GPU_REPORT_ECC ? 48 : report->xid);
}

static void condemn_in_turn(void *data)
{
    struct condemning *condemning = data;
    const struct gpu_report *report = &condemning->report;
    struct xid xid = xid_of(report);
    char what[128];
    char why[256];
    snprintf(why, sizeof(why), "%s: %s", describe_report(report, &xid, what, sizeof(what)),
             xid_advice(&xid));
    const char *kind = report->kind == GPU_REPORT_ECC ? "ecc" : "xid";
    quarantine(condemning->manager, &report->gpu, kind, why, condemning);
}

static void condemn(struct manager *m, const struct gpu_report *report)
{
    struct xid xid = xid_of(report);
    if (xid_condemns(&xid)) {
        struct condemning *condemning = xcalloc(1, sizeof(*condemning));
        *condemning = (struct condemning){.manager = m, .report = *report};
        ledger_take_turn(m->ledger, condemn_in_turn, condemning);
    }
}

void health_take_report(struct manager *m, const struct gpu_report *report)
{
    if (report->kind != GPU_REPORT_UNREADABLE) {
        struct xid xid = xid_of(report);
        record_report(m, report, &xid);
        condemn(m, report);
    }
    observe_hardware(m, NULL, NULL); /* its other symptoms */
}

static void message_arrived(void *data)
{
    CLEANUP_FREE struct message *message = data;
    if (!message->manager->stopping) {
        health_take_report(message->manager, &message->report);
    }
}

/* On the port's thread. */
static void post_report(const struct gpu_report *report, void *data)
{
    struct manager *m = data;
    struct message *message = xcalloc(1, sizeof(*message));
    *message = (struct message){.manager = m, .report = *report};
    evloop_post(m->config.loop, message_arrived, message);
}

static void watch_work(void *data)
{
    struct manager *m = data;
    struct gpu_port *port = m->config.ports.gpu;
    struct error err = {0};
    if (port->ops->watch != NULL && port->ops->watch(port, post_report, m, &err) != 0) {
        log_warning("%s: cleaved checks the health of GPUs only with each observation",
                    err.message);
    }
}

static void unwatch_work(void *data)
{
    struct manager *m = data;
    struct gpu_port *port = m->config.ports.gpu;
    if (port->ops->watch != NULL) {
        (void)port->ops->watch(port, NULL, NULL, NULL);
    }
}

void health_watch(struct manager *m)
{
    looks_ask_driver(m, watch_work, NULL, m);
}

void health_unwatch(struct manager *m)
{
    looks_ask_driver(m, unwatch_work, NULL, m);
}

/* ---- what an observation shows ---- */

static const struct {
    const char *kind;
    const char *why;
} faults[GPU_FAULT_COUNT] = {
    [GPU_FAULT_LOST] = {"lost", "the driver has lost it: it fell off the bus"},
    [GPU_FAULT_NEEDS_RESET] = {"needs-reset", "the driver won't use it before a reset"},
    [GPU_FAULT_CONFIG_SPACE] = {"config-space", "its PCI configuration space reads as ones (header "
                                                "type 127): it does not answer on the bus"},
};

/* A reboot is more than a reset; the GPU has to answer, though. */
static bool is_healed_by_boot(const struct manager *m, const struct gpu *gpu,
                              const struct gpu_record *record)
{
    const struct quarantine *quarantine = &record->quarantine;
    return gpu->fault == GPU_FAULT_NONE && gpu->problem[0] == '\0' &&
           m->host->nvml_problem[0] == '\0' && m->host->boot_id[0] != '\0' &&
           quarantine->boot_id[0] != '\0' && !str_eq(quarantine->boot_id, m->host->boot_id);
}

static void lifted(const struct error *err, void *data)
{
    (void)data;
    if (err != NULL) {
        log_warning("the end of a quarantine can't be stored: %s", err->message);
    }
}

static void lift_after_boot(struct manager *m, const struct gpu *gpu, struct gpu_record *record)
{
    char bdf[BDF_SIZE];
    struct txn txn;
    txn_begin(&txn, m);
    txn_event(&txn, EVENT_GPU_RECOVERED, SUBJECT("gpu", pci_addr_format(&gpu->addr, bdf)), "",
              "the host was rebooted and the GPU answers, after: %s", record->quarantine.why);
    record->quarantine = (struct quarantine){0};
    record->n_stuck_vfs = 0;
    txn_put_gpu_record(&txn, record);
    txn_commit_then(&txn, lifted, NULL);
}

static void note_gpu(struct manager *m, const struct gpu *gpu)
{
    struct gpu_record record = gpu_records_copy(m, gpu);
    if (gpu->fault != GPU_FAULT_NONE && !record.quarantine.set && notes_may_store(m)) {
        quarantine(m, &gpu->addr, faults[gpu->fault].kind, faults[gpu->fault].why, NULL);
    } else if (record.quarantine.set && is_healed_by_boot(m, gpu, &record) && notes_may_store(m)) {
        lift_after_boot(m, gpu, &record);
    }
}

void health_note(struct manager *m, struct hardware_look *look)
{
    (void)look;
    for (size_t i = m->pending_quarantines.n; i > 0; i--) { /* those that fail come to its end */
        struct gpu_report report = m->pending_quarantines.items[i - 1];
        vec_remove(&m->pending_quarantines, i - 1);
        condemn(m, &report);
    }
    for (vec_each(&m->host->gpus, gpu)) {
        if (!holds_bar(&m->holds, hold_gpu(&gpu->addr), WANT_GPU_REPORT)) {
            note_gpu(m, gpu);
        }
    }
}

/* ---- what a plan's end shows ---- */

static bool is_held(const struct manager *m, const struct step *step)
{
    const struct gpu *gpu = host_find_gpu_addr(m->host, &step->gpu);
    const struct vgpu *vgpu =
        gpu == NULL ? NULL : gpu_find_vgpu(gpu, step->mdev_uuid, &step->device);
    return vgpu == NULL || vgpu->holder[0] != '\0'; /* gone, or in use */
}

/* A vGPU that can't be deleted though no VM has it: its function is stuck, unless the whole GPU
 * is known to be broken. */
static void note_stuck(struct txn *txn, const struct step *step)
{
    struct gpu_record record = txn_step_record(txn, step);
    struct stuck_vf stuck = {.addr = step->device, .since_us = clock_realtime_us()};
    STR_SET(stuck.why, step->problem);
    char gpu[BDF_SIZE];
    char vf[BDF_SIZE];
    pci_addr_format(&step->gpu, gpu);
    pci_addr_format(&step->device, vf);
    if (record.quarantine.set || gpu_record_find_stuck(&record, &step->device) != NULL) {
        return;
    }
    if (pci_addr_cmp(&step->device, &step->gpu) == 0 || !gpu_record_add_stuck(&record, &stuck)) {
        txn_quarantine(txn, &step->gpu, "stuck-vf", step->problem);
        return;
    }
    txn_put_gpu_record(txn, &record);
    txn_event(txn, EVENT_VF_STUCK, SUBJECT("gpu", gpu), "",
              "virtual function %s does not release its vGPU, and gets no new one before `cleave "
              "gpu recover %s`: %.300s",
              vf, gpu, step->problem);
}

/* Is there a vGPU on the GPU that no claim holds? It may be the one that would not go. */
static bool has_left(const struct manager *m, const struct pci_addr *addr)
{
    const struct gpu *gpu = m->host == NULL ? NULL : host_find_gpu_addr(m->host, addr);
    for (size_t i = 0; gpu != NULL && i < gpu->vgpus.n; i++) {
        bool held = false;
        for (vec_each(&m->claims, claim)) {
            held = held ||
                   (claim_is_on(claim, gpu) && claim_vgpu_at(claim, gpu) == &gpu->vgpus.items[i]);
        }
        if (!held) {
            return true;
        }
    }
    return gpu == NULL || gpu->problem[0] != '\0';
}

/* A vGPU that was deleted after all: its function may have another one, and a GPU that was
 * quarantined for such functions alone is free again. */
static void note_let_go(struct txn *txn, const struct step *step)
{
    struct gpu_record record = txn_step_record(txn, step);
    char gpu[BDF_SIZE];
    char vf[BDF_SIZE];
    bool was_stuck = gpu_record_drop_stuck(&record, &step->device);
    bool free = record.quarantine.set && str_eq(record.quarantine.kind, "stuck-vf") &&
                record.n_stuck_vfs == 0 && !has_left(txn->manager, &step->gpu);
    if (!was_stuck && !free) {
        return;
    }
    if (free) {
        record.quarantine = (struct quarantine){0};
    }
    txn_put_gpu_record(txn, &record);
    txn_event(txn, EVENT_VF_RECOVERED, SUBJECT("gpu", pci_addr_format(&step->gpu, gpu)), "",
              "virtual function %s has released its vGPU, and can have another one%s",
              pci_addr_format(&step->device, vf),
              free ? ", and the GPU is no longer quarantined" : "");
}

void txn_note_plan_health(struct txn *txn, const struct plan *plan)
{
    txn_note_recovery(txn, plan);
    for (vec_each(&plan->steps, step)) {
        bool failed = step->state == STEP_FAILED || step->state == STEP_STUCK;
        bool undo_failed = step->kind == STEP_VGPU_CREATE && step->state == STEP_STUCK;
        if ((step->kind == STEP_VGPU_DELETE && failed) || undo_failed) {
            bool may_be_held = step->reason == REASON_IN_USE || step->reason == REASON_UNAVAILABLE;
            if (txn->manager->host != NULL && !may_be_held && !is_held(txn->manager, step)) {
                note_stuck(txn, step);
            }
        }
        if (step->kind == STEP_VGPU_DELETE && step->state == STEP_DONE) {
            note_let_go(txn, step);
        }
    }
}

/* ---- starting VMs ---- */

int health_check_gpu_of(const struct manager *m, const struct claim *claim, const char *vm,
                        struct error *err)
{
    struct gpu_record record = gpu_records_copy_at(m, &claim->assigned.gpu);
    const struct stuck_vf *stuck = gpu_record_find_stuck(&record, &claim->assigned.device);
    if (!claim->assigned.set || (!record.quarantine.set && stuck == NULL)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&claim->assigned.gpu, bdf);
    int r = error_set(err, REASON_UNAVAILABLE, SUBJECT("claim", claim->name),
                      "VM \"%s\" can't start: GPU %s of its claim \"%s\" %s: %.250s", vm, bdf,
                      claim->name,
                      record.quarantine.set ? "is quarantined" : "has a stuck virtual function",
                      record.quarantine.set ? record.quarantine.why : stuck->why);
    quarantine_hint(&record.quarantine, bdf, err);
    return r;
}
