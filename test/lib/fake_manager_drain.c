/* SPDX-License-Identifier: Apache-2.0 */
/* A drain that is always the same, for tests of the API and of the command line. */
#include "base/json.h"
#include "base/str.h"
#include "manager/manager.h"
#include "model/drain.h"

static void answer(bool over, manager_reply_fn *reply, void *data)
{
    struct drain drain = {.author = "root",
                          .state = over ? DRAIN_INCOMPLETE : DRAIN_PLANNING,
                          .parallel = 1,
                          .n_targets = 1,
                          .created_us = 1700000000000000,
                          .finished_us = over ? 1700000060000000 : 0};
    STR_SET(drain.targets[0].destination, "qemu+ssh://b/system");
    struct drain_vm *moves = vec_push(&drain.vms);
    *moves = (struct drain_vm){.name = "web1",
                               .devices = "L40S-8Q",
                               .verdict = DRAIN_MIGRATE,
                               .step = over ? DRAIN_GONE : DRAIN_WAITING,
                               .estimate_ms = 4200,
                               .downtime_ms = over ? 180 : 0};
    struct drain_vm *stays = vec_push(&drain.vms);
    *stays = (struct drain_vm){.name = "web2",
                               .devices = "passthrough",
                               .verdict = DRAIN_STAY,
                               .step = over ? DRAIN_LEFT : DRAIN_WAITING,
                               .why = "a VM with a passed-through GPU can't migrate"};
    reply(json_pack("{s:o}", "drain", drain_to_json(&drain)), NULL, data);
    vec_done(&drain.vms);
}

void manager_drain_host(struct manager *m, const struct caller *caller, const json_t *body,
                        bool dry_run, manager_reply_fn *reply, void *data)
{
    (void)m;
    (void)caller;
    struct error err = {0};
    CLEANUP(drain_freep) struct drain *drain = NULL;
    if (drain_from_json(body, &drain, &err) != 0) {
        reply(NULL, &err, data);
        return;
    }
    (void)dry_run;
    answer(false, reply, data);
}

void manager_get_drain(struct manager *m, manager_reply_fn *reply, void *data)
{
    (void)m;
    answer(true, reply, data);
}

void manager_cancel_drain(struct manager *m, const struct caller *caller, bool dry_run,
                          manager_reply_fn *reply, void *data)
{
    (void)m;
    (void)caller;
    (void)dry_run;
    answer(true, reply, data);
}

void manager_undrain_host(struct manager *m, const struct caller *caller, bool dry_run,
                          manager_reply_fn *reply, void *data)
{
    (void)m;
    (void)caller;
    (void)dry_run;
    answer(true, reply, data);
}
