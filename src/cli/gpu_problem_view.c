/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gpu_problem_view.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/prose.h"
#include "cli/view.h"

static void print_claims(const json_t *gpu, const json_t *claims)
{
    const json_t *list = view_at(claims, "claims");
    const char *address = view_text(gpu, "address", "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *claim = json_array_get(list, i);
        if (str_eq(view_text(claim, "assigned.gpu", ""), address)) {
            const char *vm = view_text(claim, "vm", NULL);
            printf("  claim %s%s%s\n", view_text(claim, "name", "-"), vm == NULL ? "" : " of VM ",
                   vm == NULL ? "" : vm);
        }
    }
}

static void print_way_out(const json_t *gpu, size_t width)
{
    const char *address = view_text(gpu, "address", "-");
    if (str_eq(view_text(gpu, "quarantine.kind", ""), "reset-failed")) {
        prose_print(width,
                    "What to do: its reset failed, so reboot the host, or power it off and on; "
                    "`cleave gpu recover %s` tries the reset again. If the GPU is gone for good, "
                    "`cleave claim delete` deletes its claims",
                    address);
    } else {
        prose_print(width, "What to do: stop its VMs, then `cleave gpu recover %s`", address);
    }
}

void gpu_problem_view_print(const json_t *gpu, const json_t *claims, size_t width)
{
    const json_t *stuck = view_at(gpu, "stuckVirtualFunctions");
    bool quarantined = view_at(gpu, "quarantine") != NULL;
    if (!quarantined && json_array_size(stuck) == 0) {
        return;
    }
    if (quarantined) {
        putchar('\n');
        prose_print(width, "Quarantined: %s", view_text(gpu, "quarantine.reason", "-"));
        print_claims(gpu, claims);
    }
    for (size_t i = 0; i < json_array_size(stuck); i++) {
        const json_t *vf = json_array_get(stuck, i);
        putchar('\n');
        prose_print(width, "Virtual function %s is stuck: %s", view_text(vf, "address", "-"),
                    view_text(vf, "reason", "-"));
    }
    print_way_out(gpu, width);
}
