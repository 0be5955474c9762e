/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/gpu_problem_view.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Has another driver than NVIDIA's the board, or none? Not while it is passed through. The catalog,
 * and so the model, is of NVIDIA's boards only. */
static bool is_astray(const json_t *gpu)
{
    const json_t *driver = json_object_get(gpu, "driver");
    const char *name = json_is_string(driver) ? json_string_value(driver) : "";
    return driver != NULL && view_text(gpu, "model", NULL) != NULL && !str_eq(name, "nvidia") &&
           !str_eq(name, "vfio-pci");
}

static void print_way_back(const json_t *gpu, size_t width)
{
    const char *name = view_text(gpu, "driver", NULL);
    const char *address = view_text(gpu, "address", "-");
    if (!is_astray(gpu) || name == NULL) {
        return;
    }
    putchar('\n');
    prose_print(width,
                "What to do: take it from %s (echo %s > /sys/bus/pci/drivers/%s/unbind); then "
                "`cleave gpu mode %s idle` binds it to nvidia",
                name, address, name, address);
}

static void print_claims(const json_t *gpu, const json_t *claims, size_t width)
{
    const json_t *list = view_at(claims, "claims");
    const char *address = view_text(gpu, "address", "");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *claim = json_array_get(list, i);
        if (str_eq(view_text(claim, "assigned.gpu", ""), address)) {
            const char *vm = view_text(claim, "vm", NULL);
            prose_print_indented(width, 2, "claim %s%s%s", view_text(claim, "name", "-"),
                                 vm == NULL ? "" : " of VM ", vm == NULL ? "" : vm);
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
    print_way_back(gpu, width);
    if (!quarantined && json_array_size(stuck) == 0) {
        return;
    }
    if (quarantined) {
        putchar('\n');
        prose_print(width, "Quarantined: %s", view_text(gpu, "quarantine.reason", "-"));
        print_claims(gpu, claims, width);
    }
    for (size_t i = 0; i < json_array_size(stuck); i++) {
        const json_t *vf = json_array_get(stuck, i);
        putchar('\n');
        prose_print(width, "Virtual function %s is stuck: %s", view_text(vf, "address", "-"),
                    view_text(vf, "reason", "-"));
    }
    print_way_out(gpu, width);
}
