/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Licences of vGPUs whose VMs run. A guest's driver asks for a licence some time after the boot,
 * and the vGPU is not held back before a grace of 20 minutes is over (NVIDIA AI Enterprise 8.0,
 * "NVIDIA vGPU for Compute Licensing"), so a vGPU without one is no event at first. It is one when
 * the driver holds the vGPU back, and when a licence that was there stays away for longer than a
 * guest's reboot takes.
 */
#include "watch/unlicensed.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/listeners.h"
#include "state/state.h"
#include "state/txn.h"

enum licence_news licence_history_add(struct licence_history *history,
                                      const struct vgpu_licence *licence, uint64_t now_us)
{
    bool first = history->last == VGPU_LICENCE_UNKNOWN;
    enum licence_news news = LICENCE_NO_NEWS;
    if (licence->state == VGPU_LICENCE_UNKNOWN) {
        return LICENCE_NO_NEWS;
    }
    history->last = licence->state;
    if (licence->state == VGPU_LICENCE_LICENSED) {
        news = history->reported ? LICENCE_IS_BACK : LICENCE_NO_NEWS;
        history->was_licensed = true;
        history->reported = false;
        history->since_us = 0;
        return news;
    }
    history->since_us = history->since_us == 0 ? now_us : history->since_us;
    bool held_back = licence->state == VGPU_LICENCE_RESTRICTED;
    bool late = history->was_licensed && now_us - history->since_us >= UNLICENSED_PATIENCE_US;
    if (!history->reported && (held_back || late)) {
        history->reported = true;
        news = first                   ? LICENCE_NO_NEWS /* a cleaved before this one reported it */
               : history->was_licensed ? LICENCE_LOST
                                       : LICENCE_NEVER_GOT;
    }
    return news;
}

/* ---- of which vGPU ---- */

struct licence_of {
    char vm_uuid[40];
    struct pci_addr vf;
    char mdev_uuid[40];
    struct licence_history history;
    bool seen; /* by this look */
};

struct unlicensed {
    VEC(struct licence_of) vgpus;
};

struct unlicensed *unlicensed_new(void)
{
    return xcalloc(1, sizeof(struct unlicensed));
}

void unlicensed_free(struct unlicensed *unlicensed)
{
    if (unlicensed != NULL) {
        vec_done(&unlicensed->vgpus);
        free(unlicensed);
    }
}

static struct licence_of *find_or_add(struct unlicensed *unlicensed, const struct vm *vm,
                                      const struct vgpu *vgpu)
{
    for (vec_each(&unlicensed->vgpus, of)) {
        if (str_eq(of->vm_uuid, vm->uuid) && str_eq(of->mdev_uuid, vgpu->mdev_uuid) &&
            pci_addr_cmp(&of->vf, &vgpu->vf) == 0) {
            return of;
        }
    }
    struct licence_of *of = vec_push(&unlicensed->vgpus);
    *of = (struct licence_of){.vf = vgpu->vf};
    STR_SET(of->vm_uuid, vm->uuid);
    STR_SET(of->mdev_uuid, vgpu->mdev_uuid);
    return of;
}

static void report(struct manager *m, const struct vm *vm, const struct vgpu *vgpu,
                   enum licence_news news)
{
    char device[BDF_SIZE];
    char licence[VGPU_LICENCE_TEXT_SIZE];
    const char *name = device_name(vgpu->mdev_uuid, &vgpu->vf, device);
    const char *subject = SUBJECT("vm", vm->name);
    vgpu_licence_text(&vgpu->licence, licence);
    if (news == LICENCE_IS_BACK) {
        txn_event_alone(m, EVENT_VGPU_LICENSED, subject, "", "its vGPU %s at %s is %s", vgpu->type,
                        name, licence);
    } else if (news != LICENCE_NO_NEWS) {
        const char *what = news == LICENCE_LOST ? "lost its licence" : "got no licence in time";
        txn_event_alone(m, EVENT_VGPU_UNLICENSED, subject, "",
                        "its vGPU %s at %s %s (%s): in the guest, check the client configuration "
                        "token and the way to the licence server",
                        vgpu->type, name, what, licence);
        log_warning("VM %s: its vGPU %s at %s %s (%s)", vm->name, vgpu->type, name, what, licence);
    }
}

static void note_gpu(struct manager *m, const struct gpu *gpu, uint64_t now_us)
{
    for (vec_each(&gpu->vgpus, vgpu)) {
        const struct vm *vm = vgpu->holder[0] != '\0' ? host_find_vm(m->host, vgpu->holder) : NULL;
        if (vm == NULL) {
            continue;
        }
        struct licence_of *of = find_or_add(m->unlicensed, vm, vgpu);
        of->seen = true;
        report(m, vm, vgpu, licence_history_add(&of->history, &vgpu->licence, now_us));
    }
}

void unlicensed_note(struct manager *m, struct hardware_look *look)
{
    if (look->late || m->host->nvml_problem[0] != '\0') {
        return; /* the driver said nothing of any of them */
    }
    for (vec_each(&m->unlicensed->vgpus, of)) {
        of->seen = false;
    }
    for (vec_each(&m->host->gpus, gpu)) {
        note_gpu(m, gpu, clock_monotonic_us());
    }
    for (size_t i = m->unlicensed->vgpus.n; i > 0; i--) {
        if (!m->unlicensed->vgpus.items[i - 1].seen) {
            vec_remove(&m->unlicensed->vgpus, i - 1);
        }
    }
}
