/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/verbs.h"

int cmd_layout_check(int argc UNUSED, char **argv UNUSED)
{
    fprintf(stderr, "cleave: this build has no layout check\n");
    return reason_exit_status(REASON_UNSUPPORTED);
}
