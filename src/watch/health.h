/* SPDX-License-Identifier: Apache-2.0 */
/* Health of GPUs. Loop thread only. */
#ifndef WATCH_HEALTH_H
#define WATCH_HEALTH_H

#include <stdint.h>

#include "base/str.h"
#include "port/gpu_port.h"

struct hardware_look;
struct manager;
struct txn;

/* A report of the driver that was reported as an event. */
struct gpu_reported {
    struct gpu_report report;
    uint64_t at_us;      /* monotonic */
    unsigned n_left_out; /* like it, since */
};

/* The driver's reports come from now on, or no longer once the worker has ended. */
void health_watch(struct manager *m);
void health_unwatch(struct manager *m);
void health_take_report(struct manager *m, const struct gpu_report *report);
/* Quarantines what the host as observed now shows to be broken. */
void health_note(struct manager *m, struct hardware_look *look);
/* Marks functions as stuck whose vGPU could not be deleted. */
void txn_note_plan_health(struct txn *txn, const struct plan *plan);
/* Nothing, if the GPU is quarantined already. */
void txn_quarantine(struct txn *txn, const struct pci_addr *addr, const char *kind,
                    const char *why);
/* "VMs: web1, web2; claims: a, b" */
void health_name_users(const struct manager *m, const struct pci_addr *addr, struct strbuf *text);
/* May a VM start with the claim's device? -UNAVAILABLE while its GPU is quarantined. */
int health_check_gpu_of(const struct manager *m, const struct claim *claim, const char *vm,
                        struct error *err);

#endif
