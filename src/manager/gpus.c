/* SPDX-License-Identifier: Apache-2.0 */
/* A GPU's mode, changed by hand. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "manager/state.h"

static void run_mode(struct change *change)
{
    struct error err = {0};
    struct plan *plan = NULL;
    struct planner planner = manager_planner(change->manager);
    if (planner_mode(&planner, change->name, change->mode, &plan, &err) != 0) {
        change_refuse(change, &err);
        return;
    }
    STR_SET(plan->author, change->caller.author);
    snprintf(plan->reason, sizeof(plan->reason), "gpu mode %.80s %s", change->name,
             gpu_mode_name(change->mode));
    change_carry_out(change, plan);
}

void manager_set_gpu_mode(struct manager *m, const struct caller *caller, const char *gpu,
                          const json_t *body, bool dry_run, manager_reply_fn *reply, void *data)
{
    const char *modes[GPU_MODE_COUNT + 1] = {NULL};
    for (size_t i = 0; i < GPU_MODE_COUNT; i++) {
        modes[i] = gpu_mode_name((enum gpu_mode)i);
    }
    struct error err = {0};
    struct reader r;
    reader_init(&r, body, "request body", "", &err);
    int mode = reader_choice(&r, "mode", modes);
    if (reader_end(&r) != 0) {
        reply(NULL, &err, data);
        return;
    }
    struct request request = {caller, dry_run, reply, data};
    struct change *change = change_new(m, run_mode, &request, gpu);
    change->mode = (enum gpu_mode)mode;
    change_enqueue(change);
}
