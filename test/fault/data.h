/* SPDX-License-Identifier: Apache-2.0 */
/* What all hosts of a fault test know, loaded once for its group of tests. The log is silent
 * meanwhile, for the failures are wanted. */
#ifndef TEST_FAULT_DATA_H
#define TEST_FAULT_DATA_H

#include "mhost.h"

extern struct mhost_data fault_data;

/* Setup and teardown of a group. */
int fault_data_load(void **state);
int fault_data_unload(void **state);

#endif
