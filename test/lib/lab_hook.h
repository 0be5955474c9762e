/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's hook in a lab: what the fake guest port calls on its worker while it holds a VM's lock
 * asks the lab's manager on the loop, as the script does over HTTP, and waits a bounded while.
 */
#ifndef TEST_LIB_LAB_HOOK_H
#define TEST_LIB_LAB_HOOK_H

#include "lab.h"

/* From now on, for as long as the lab is open. A lab without a manager is a host without cleaved.
 */
void lab_set_hook(struct lab *lab);

#endif
