/* SPDX-License-Identifier: Apache-2.0 */
#include "data.h"

#include "base/log.h"

struct mhost_data fault_data;

int fault_data_load(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_NONE);
    mhost_data_load(&fault_data);
    return 0;
}

int fault_data_unload(void **state)
{
    (void)state;
    mhost_data_done(&fault_data);
    return 0;
}
