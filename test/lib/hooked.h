/* SPDX-License-Identifier: Apache-2.0 */
/* libvirt's hook against a host in memory whose VMs are locked while their hooks run, as libvirt's
 * are: a wait for the guests' side that should not be would never end. All but a hook that a VM's
 * start calls is done in the loop's own thread. */
#ifndef TEST_LIB_HOOKED_H
#define TEST_LIB_HOOKED_H

#include "mhost_fixture.h"

#define ON_DEMAND(name, vm)                                                                        \
    "{\"name\": \"" name "\", \"type\": \"A100-2-10C\", \"vm\": \"" vm                             \
    "\", \"hold\": \"on-demand\"}"
#define WHOLE(name, vm)                                                                            \
    "{\"name\": \"" name "\", \"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S                   \
    "\", \"vm\": \"" vm "\", \"hold\": \"on-demand\"}"

/* mhost_fixture_setup() with a libvirt that calls the hook. */
int hooked_setup(void **state);

/* Makes a claim, and waits until all is done. */
void hooked_create(struct mhost *mhost, const char *claim);
/* The result of `cleave vm start` and `cleave vm stop`: 0 or -reason. */
int hooked_start(struct mhost *mhost, const char *vm);
int hooked_stop(struct mhost *mhost, const char *vm);

/* Asks as libvirt's hook does, and does not wait for the answer. */
void hooked_begin(struct mhost *mhost, const char *vm, const char *operation, reply_fn *reply,
                  void *data);
/* The same, waited for: 0 or -reason; ret_err may be NULL. */
int hooked_ask(struct mhost *mhost, const char *vm, const char *operation, struct error *ret_err);

/* Looks at the VMs, and waits until what follows from it is done. */
void hooked_look(struct mhost *mhost);

#endif
