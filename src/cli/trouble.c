/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trouble.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/view.h"

static void print_claims(const json_t *gpu, const json_t *claims)
{
    const json_t *list = view_at(claims, "claims");
    const char *address = view_text(gpu, "address", "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *claim = json_array_get(list, i);
        if (str_eq(view_text(claim, "got.gpu", ""), address)) {
            const char *vm = view_text(claim, "vm", NULL);
            printf("  claim %s%s%s\n", view_text(claim, "name", "-"), vm == NULL ? "" : " of VM ",
                   vm == NULL ? "" : vm);
        }
    }
}

void trouble_print(const json_t *gpu, const json_t *claims)
{
    const json_t *stuck = view_at(gpu, "stuckVirtualFunctions");
    bool quarantined = view_at(gpu, "quarantine") != NULL;
    if (!quarantined && json_array_size(stuck) == 0) {
        return;
    }
    if (quarantined) {
        printf("\nQuarantined: %s\n", view_text(gpu, "quarantine.reason", "-"));
        print_claims(gpu, claims);
    }
    for (size_t i = 0; i < json_array_size(stuck); i++) {
        const json_t *vf = json_array_get(stuck, i);
        printf("\nVirtual function %s is stuck: %s\n", view_text(vf, "address", "-"),
               view_text(vf, "reason", "-"));
    }
    printf("The way out: stop its VMs, then `cleave gpu recover %s`\n",
           view_text(gpu, "address", "-"));
}
