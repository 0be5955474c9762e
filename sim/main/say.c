/* SPDX-License-Identifier: Apache-2.0 */
/* What people read on standard error. */
#include <stdio.h>

#include "sim/main/verbs.h"

int say_error(const struct error *err)
{
    fprintf(stderr, "cleave-sim: %s%s%s\n", err->subject, err->subject[0] != '\0' ? ": " : "",
            err->message);
    if (err->hint[0] != '\0') {
        fprintf(stderr, "  %s\n", err->hint);
    }
    return reason_exit_status(err->reason);
}
