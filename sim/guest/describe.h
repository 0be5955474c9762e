/* SPDX-License-Identifier: Apache-2.0 */
/* From the simulated host's description of a device (sim/state/ctl.h, "describe") to what the guest
 * sees of it. */
#ifndef SIM_GUEST_DESCRIBE_H
#define SIM_GUEST_DESCRIBE_H

#include <jansson.h>

#include "base/error.h"
#include "sim/guest/argv.h"
#include "sim/guest/page.h"

/* Fills the page that names the device to the guest. */
int describe_page(const json_t *reply, const struct argv_vm *vm, struct guest_page *ret_page,
                  struct error *err);

/* Size of the shared memory for a framebuffer: 1 MiB per GiB, a power of two as PCI wants it. */
uint64_t describe_memory_bytes(uint64_t framebuffer_mib);

#endif
