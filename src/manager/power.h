/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that go on and off, and what that means for their claims (power.c, lifecycle.c, released.c,
 * claim_view.c). Private to src/manager, through state.h; loop thread only. */
#ifndef MANAGER_POWER_H
#define MANAGER_POWER_H

#include <jansson.h>

#include "model/claim.h"
#include "model/host.h"
#include "model/plan.h"

struct manager;
struct txn;

/* What the claims of a VM lack for it to start. */
struct needs {
    struct claims draw; /* copies: to be drawn, or made again, as they are named */
    bool wait;          /* a plan has one of them in hand */
    bool release;       /* another VM is giving back what this one needs */
};
void needs_done(struct needs *needs);
/* -UNAVAILABLE for who has the turn, and still finds a claim that is neither there nor given back:
 * no other plan's end brings it. */
int needs_refuse_wait(const struct needs *needs, const struct vm *vm, struct error *err);
/* Judges by the host that was seen last and `vm`, as a hook described it or as it was seen. */
int manager_power_needs(const struct manager *m, const struct vm *vm, struct needs *ret_needs,
                        struct error *err);
/* as_named: with the very devices that the VM's definition names, which stays as it is; else with
 * any, and the definition follows. */
int manager_power_plan(struct manager *m, const struct needs *needs, bool as_named,
                       const char *author, const char *reason, struct plan **ret_plan,
                       struct error *err);
/* Why the VM can't start: the plan that manager_power_plan() made ended, and not as done. */
void manager_power_failed(const struct plan *plan, const char *vm_name, struct error *err);
/* On-demand claims of a VM that is off give their devices back, soon. */
void manager_give_back(struct manager *m, const char *vm_name, const char *vm_uuid);
/* Does the claim give its device back, now or soon: its VM is off and it is on-demand, or it is
 * being released? */
bool manager_gives_back(const struct manager *m, const struct claim *claim);
/* Hooks that wait for that are answered: cleaved stops. */
void manager_refuse_hooks(struct manager *m, const struct error *err);
/* Refuses those of a VM that is to be stopped at once. Were there any? */
bool manager_end_hooks(struct manager *m, const char *vm);
/* False: that failed a moment ago. */
bool manager_may_give_back(const struct manager *m, const char *vm_name);
/* After each look at the guests: claims follow renamed VMs, on-demand devices of VMs that are off
 * are given back, claims of VMs that are gone are released after a while. */
void manager_follow_guests(struct manager *m, const struct host *now);
/* As the API shows it: with what the host, as it was seen last, says of it. */
json_t *claim_view(const struct manager *m, const struct claim *claim);
/* The claims that are kept though their VMs are not there. */
json_t *claim_view_held(const struct manager *m);
/* What a VM starts without, as sentences: its claims that failed and never had a device. NULL:
 * nothing. */
json_t *claim_view_without(const struct manager *m, const char *vm_name, const char *vm_uuid);
/* Where the claim's GPU is, which is not at its address, as a sentence's part. */
void claim_say_away(const struct manager *m, const struct claim *claim, char *text, size_t size);
/* Is the claim bound, and its device not there, or on a GPU that can't be used? Says which. */
bool claim_lacks_device(const struct manager *m, const struct claim *claim, char *text,
                        size_t size);

#endif
