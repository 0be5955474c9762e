/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a VM that is about to start have what its definition names? Judged while libvirt waits for
 * the answer, by what was seen last: nothing here asks libvirt. Private to src/vm; loop thread
 * only.
 */
#ifndef VM_START_CHECK_H
#define VM_START_CHECK_H

#include <stdbool.h>

#include "base/error.h"

struct manager;
struct missing_devices;
struct vm;

struct start_check {
    const struct manager *manager;
    const struct vm *vm; /* as libvirt described it */
    bool out_of_time;    /* what another VM gives back is waited for no longer */
};

/* Has the VM a claim, or a device in its definition? */
bool start_check_concerns_us(const struct start_check *check);
/* 0: it may start, once it has *ret_needs (power.h), to which it adds; `release`: another VM is
 * giving a device back. A plan that changes the VM's definition is an error, too: it waits for
 * libvirt, which waits for us. */
int start_check_judge(const struct start_check *check, struct missing_devices *ret_needs,
                      struct error *err);
/* A device of `needs` could not be made: where a saved VM has what is in its way, the hint says so,
 * since none comes back when it is waited for. */
void start_check_explain(const struct start_check *check, const struct missing_devices *needs,
                         struct error *err);

#endif
