/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM needs to start, and what it gives back when it is off. Loop thread only. */
#ifndef VM_POWER_H
#define VM_POWER_H

#include "model/claim.h"
#include "model/host.h"
#include "model/plan.h"

struct error;
struct gpu;
struct manager;
struct vm;

/* What the claims of a VM lack for it to start. */
struct missing_devices {
    struct claims to_create;   /* copies: to be allocated, or made again, as they are named */
    VEC(struct step) to_write; /* parameters of vGPUs that another program changed */
    bool in_progress;          /* a plan has one of them in hand */
    bool release;              /* another VM is giving back what this one needs */
    const char *chosen_again;  /* a claim of to_create whose GPU is gone; borrowed; NULL: none */
};
void needs_done(struct missing_devices *needs);
/* Is there anything for a plan to do? */
bool needs_any(const struct missing_devices *needs);
/* -UNAVAILABLE for who has the turn, and still finds a claim that is neither there nor given back:
 * no other plan's end brings it. */
int needs_refuse_wait(const struct missing_devices *needs, const struct vm *vm, struct error *err);
/* Judges by the host that was seen last and `vm`, as a hook described it or as it was seen. */
int power_needs(const struct manager *m, const struct vm *vm, struct missing_devices *ret_needs,
                struct error *err);
/* exact_device: with the very devices that the VM's definition names, which stays as it is; else
 * with any, and the definition follows. */
int power_plan(struct manager *m, const struct missing_devices *needs, bool exact_device,
               const char *author, const char *reason, struct plan **ret_plan, struct error *err);
/* Why the VM can't start: the plan that power_plan() made ended, and not as done. */
void power_failed(const struct plan *plan, const char *vm_name, struct error *err);
/* On-demand claims of a VM that is off give their devices back, soon. */
void power_give_back(struct manager *m, const char *vm_name, const char *vm_uuid);
/* Does the claim give its device back, now or soon: its VM is off and it is on-demand, or it is
 * being released? */
bool power_gives_back(const struct manager *m, const struct claim *claim);
/* The same for all that are off, as the VMs were seen last. */
void power_follow(struct manager *m);
/* False: that failed a moment ago. */
bool power_may_give_back(const struct manager *m, const char *vm_name);

/* Refuses to start a VM with a whole GPU while the host uses more of its IOMMU group, and libvirt
 * is not to take that, too. `claim`: that has the GPU; "": it is named by hand. */
int power_refuse_group(const struct vm *vm, const struct gpu *gpu, const char *claim,
                       struct error *err);

#endif
