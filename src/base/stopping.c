/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stopping.h"

struct error stopping_error(void)
{
    struct error err = {0};
    error_set(&err, REASON_UNAVAILABLE, STOPPING_SUBJECT, "cleaved is stopping");
    error_hint(&err, "try again when it runs again; it then continues the plan that was running");
    return err;
}
