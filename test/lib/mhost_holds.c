/* SPDX-License-Identifier: Apache-2.0 */
/* Do the manager's holds and what is under way agree? */
#include <stdio.h>

#include "base/str.h"
#include "mhost.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "turn/queue.h"

static bool is_parked(const struct manager *m, const char *plan)
{
    for (vec_each(&m->parked, parked)) {
        if (str_eq(parked->plan->id, plan)) {
            return true;
        }
    }
    return false;
}

static bool is_running(const struct manager *m, const char *plan)
{
    return m->running != NULL && str_eq(m->running->id, plan);
}

static bool is_moving(const struct manager *m, const char *migration)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (str_eq((*outgoing)->migration->id, migration)) {
            return !(*outgoing)->dry_run && !migration_is_over((*outgoing)->migration);
        }
    }
    return false;
}

static bool is_coming(const struct manager *m, const char *migration)
{
    const struct incoming_vm *incoming_vm = incoming_vm_find(m, migration);
    return incoming_vm != NULL && !incoming_is_over(incoming_vm->incoming);
}

/* A definition is made and deleted on no line, in less time than a test looks. */
static bool is_on_a_line(const struct manager *m, const char *operation)
{
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        for (vec_each(&m->vm_lines[i].changes, change)) {
            if (str_eq((*change)->operation, operation)) {
                return true;
            }
        }
    }
    return m->n_vm_lines == 0 || m->n_late_calls > 0;
}

static bool is_under_way(const struct manager *m, const struct hold *hold)
{
    switch (hold->kind) {
    case HOLD_OUTGOING:
        return is_moving(m, hold->operation);
    case HOLD_INCOMING:
        return is_coming(m, hold->operation);
    case HOLD_PLAN:
        return is_running(m, hold->operation);
    case HOLD_LATE_PLAN:
        return is_parked(m, hold->operation);
    case HOLD_START:
    case HOLD_CHANGE:
    case HOLD_KIND_COUNT:
        break;
    }
    return is_on_a_line(m, hold->operation);
}

static bool has_hold(const struct manager *m, const char *operation)
{
    for (vec_each(&m->holds, hold)) {
        if (hold->until == 0 && str_eq(hold->operation, operation)) {
            return true;
        }
    }
    return false;
}

static const char *find_without(const struct manager *m)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        const char *id = (*outgoing)->migration->id;
        if (is_moving(m, id) && !has_hold(m, id)) {
            return id;
        }
    }
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        const char *id = (*incoming_vm)->incoming->id;
        if (is_coming(m, id) && !has_hold(m, id)) {
            return id;
        }
    }
    for (vec_each(&m->parked, parked)) {
        if (!has_hold(m, parked->plan->id)) {
            return parked->plan->id;
        }
    }
    return m->running != NULL && !has_hold(m, m->running->id) ? m->running->id : NULL;
}

bool mhost_holds_agree(struct mhost *mhost, char *why, size_t size)
{
    const struct manager *m = mhost->manager;
    for (vec_each(&m->holds, hold)) {
        if (hold->until == 0 && !is_under_way(m, hold)) {
            snprintf(why, size, "operation %s is over and holds something (kind %d)",
                     hold->operation, (int)hold->kind);
            return false;
        }
    }
    const char *without = find_without(m);
    if (without != NULL) {
        snprintf(why, size, "operation %s is under way and holds nothing", without);
    }
    return without == NULL;
}
