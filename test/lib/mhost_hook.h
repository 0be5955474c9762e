/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's hook in a memory host: what the fake guest port calls on its worker while it holds a
 * VM's lock asks the memory host's manager on the loop, as the script does over HTTP, and waits a
 * bounded while.
 */
#ifndef TEST_LIB_MHOST_HOOK_H
#define TEST_LIB_MHOST_HOOK_H

#include "mhost.h"

/* From now on, for as long as the memory host is open. A memory host without a manager is a host
 * without cleaved.
 */
void mhost_set_hook(struct mhost *mhost);

#endif
