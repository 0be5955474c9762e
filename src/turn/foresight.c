/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that a command makes one after the other: a dry run of the last is judged as its run will
 * be, behind the others. Each of those is planned on what the ones before it leave; one that is
 * refused is passed over, as the command does.
 */
#include "turn/foresight.h"

#include <string.h>

#include "base/str.h"
#include "state/state.h"
#include "turn/queue.h"

static void swap(struct foresight *foresight)
{
    struct manager *m = foresight->manager;
    struct outlook here = {.host = m->host, .claims = m->claims, .records = m->gpu_records};
    m->host = foresight->outlook.host;
    m->claims = foresight->outlook.claims;
    m->gpu_records = foresight->outlook.records;
    foresight->outlook = here;
}

static void foresee(struct foresight *foresight, struct change *change, foresee_fn *fn)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct error err = {0};
    struct manager *m = change->manager;
    if (fn(change, &plan, &err) != 0) {
        return;
    }
    const struct vm *vm = change->starts_vm ? host_find_vm(m->host, change->name) : NULL;
    char name[VM_NAME_SIZE] = "";
    char uuid[sizeof(vm->uuid)] = "";
    if (vm != NULL) {
        STR_SET(name, vm->name);
        STR_SET(uuid, vm->uuid);
    }
    swap(foresight); /* the outlook is the one to change */
    if (plan != NULL) {
        outlook_follow(&foresight->outlook, plan);
    }
    if (vm != NULL) {
        outlook_start(&foresight->outlook, name, uuid);
    }
    swap(foresight);
}

void foresight_begin(struct foresight *foresight, struct change *change, foresee_fn *fn)
{
    struct manager *m = change->manager;
    *foresight = (struct foresight){.manager = m};
    if (change->behind == NULL || !change->dry_run || m->host == NULL) {
        return;
    }
    char own[VM_NAME_SIZE];
    STR_SET(own, change->name);
    outlook_init(&foresight->outlook, m->host, &m->claims, &m->gpu_records);
    foresight->begun = true;
    swap(foresight);
    CLEANUP_FREE char *names = xstrdup(change->behind);
    char *rest = names;
    while (rest != NULL) {
        STR_SET(change->name, strsep(&rest, "/"));
        foresee(foresight, change, fn);
    }
    STR_SET(change->name, own);
}

void foresight_end(struct foresight *foresight)
{
    if (foresight->begun) {
        swap(foresight);
        outlook_done(&foresight->outlook);
    }
}
