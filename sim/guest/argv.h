/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewrites an emulator's command line: each assigned host device that the simulated host has
 * becomes shared memory. Everything else passes through untouched, in order.
 */
#ifndef SIM_GUEST_ARGV_H
#define SIM_GUEST_ARGV_H

#include "base/error.h"
#include "base/fs.h"
#include "sim/guest/device_arg.h"

#define ARGV_MAX_DEVICES 16

/* Which VM the command line is for; "" where it doesn't say. */
struct argv_vm {
    char name[64];
    char uuid[40];
    bool incoming; /* it comes from elsewhere, or from a file: its memory is not new */
};

/* Opens a device for the VM. Sets ret_memory->path or ->placeholder, or neither if the host has no
 * such device and the argument shall stay as it is. */
typedef int argv_open_fn(void *data, const char *device, const struct argv_vm *vm,
                         struct device_memory *ret_memory, struct error *err);

/* Is any host device assigned at all? */
bool argv_assigns(char *const *argv);

/* `argv` ends with NULL and so does `ret_argv`, which strlist_done() frees. The first refusal ends
 * it and is returned. */
int argv_rewrite(char *const *argv, argv_open_fn *open, void *data, struct strlist *ret_argv,
                 struct error *err);

#endif
