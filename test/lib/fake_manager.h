/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A manager without hardware or store, for tests of the API and of the command line: one RTX PRO
 * 6000 cut into instances, one L40S with time-sliced vGPUs, two VMs. Claims are kept in memory;
 * a plan takes one step per poll. Link it instead of the manager.
 */
#ifndef TEST_LIB_FAKE_MANAGER_H
#define TEST_LIB_FAKE_MANAGER_H

#include "base/evloop.h"
#include "manager/manager.h"

struct manager *fake_manager_new(struct evloop *loop);
void fake_manager_free(struct manager *m);

#endif
