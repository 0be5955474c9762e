/* SPDX-License-Identifier: Apache-2.0 */
/* A migration that this host leads as an operation: its row of functions. */
#include "migration/outgoing_operation.h"

#include "base/str.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_run.h"

static int refuse(const struct migration *migration, struct error *err)
{
    int r = error_set(err, REASON_CONFLICT, SUBJECT("migration", migration->id),
                      "the migration of VM \"%s\" is %s: it can't be cancelled any more",
                      migration->request.vm, migration_state_name(migration->state));
    if (migration->state == MIGRATION_SWITCHING) {
        error_hint(err,
                   "the VM is on %s already; migrate it back from there. If that host is lost for "
                   "good: `cleave migration resolve %s --dry-run --target`, or `--source`",
                   migration->target, migration->id);
    } else if (!migration_is_over(migration)) {
        error_hint(err, "the VM is on %s already; migrate it back from there", migration->target);
    }
    return r;
}

static int migration_refuse_cancel(const struct operation *operation, struct error *err)
{
    const struct outgoing *outgoing = operation->data;
    const struct migration *migration = outgoing->migration;
    bool can = migration->state == MIGRATION_CHECKING || migration->state == MIGRATION_PREPARING ||
               migration->state == MIGRATION_ABORTING ||
               (migration->state == MIGRATION_MOVING && !migration->moved);
    return can ? 0 : refuse(migration, err);
}

static int migration_cancel(struct operation *operation, struct error *err)
{
    struct outgoing *outgoing = operation->data;
    outgoing->migration->cancel = true;
    int r = outgoing_store(outgoing, err);
    outgoing->migration->cancel = r == 0;
    return r;
}

static void migration_describe(const struct operation *operation, struct operation_view *view)
{
    const struct outgoing *outgoing = operation->data;
    const struct migration *migration = outgoing->migration;
    const char *target =
        migration->target[0] != '\0' ? migration->target : migration->request.destination;
    STR_SET(view->host, target);
    str_print(view->text, sizeof(view->text), "migrating VM \"%s\" to %s", migration->request.vm,
              target);
    STR_SET(view->progress.unit, "bytes");
    STR_SET(view->progress.text, migration_state_name(migration->state));
    view->progress.done = migration->progress.processed_bytes.value;
    view->progress.total = migration->progress.total_bytes.value;
    STR_SET(view->problem, migration->problem);
    STR_SET(view->hint, migration->hint);
}

const struct operation_kind migration_kind = {.id = OPERATION_KIND_MIGRATION,
                                              .url = "/v1/migrations/",
                                              .url_has_id = true,
                                              .advance = outgoing_advance,
                                              .refuse_cancel = migration_refuse_cancel,
                                              .cancel = migration_cancel,
                                              .describe = migration_describe};
