/* SPDX-License-Identifier: Apache-2.0 */
/* A migration that this host leads as an operation: its row of functions. */
#include "migration/outgoing_operation.h"

#include "base/str.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_run.h"
#include "model/operation_views.h"

static int refuse(const struct migration *migration, struct error *err)
{
    int r = error_set(err, REASON_CONFLICT, SUBJECT("migration", migration->id),
                      "the migration of VM \"%s\" is %s: it can't be cancelled any more",
                      migration->request.vm, migration_state_name(migration->state));
    if (migration->state == MIGRATION_SWITCHING) {
        error_hint(err,
                   "the VM is on %s already; migrate it back from that host. If that host is lost "
                   "for good: `cleave migration resolve %s --dry-run --target`, or `--source`",
                   migration->target, migration->id);
    } else if (!migration_is_over(migration)) {
        error_hint(err, "the VM is on %s already; migrate it back from that host",
                   migration->target);
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

static int migration_put_cancel(const struct operation *operation, const char *author,
                                struct txn *txn, struct error *err)
{
    const struct outgoing *outgoing = operation->data;
    struct migration next = *outgoing->migration;
    (void)author;
    (void)err;
    next.cancel = true;
    txn_put_migration(txn, &next);
    return 0;
}

static void migration_cancelled(struct operation *operation, const char *author)
{
    struct outgoing *outgoing = operation->data;
    (void)author;
    outgoing->migration->cancel = true;
}

static void outgoing_describe(const struct operation *operation, struct operation_view *view)
{
    const struct outgoing *outgoing = operation->data;
    migration_describe(outgoing->migration, view);
}

static int outgoing_found(struct manager *m, const struct operation_view *view, const json_t *body,
                          struct error *err)
{
    struct migration *migration = NULL;
    (void)view; /* of the body */
    int r = migration_from_stored_json(body, &migration, err);
    if (r == 0) {
        const struct operation_start start = {.kind = &migration_kind, .resumed = true};
        struct outgoing *outgoing = outgoing_new(m, migration, &start);
        outgoing->finished = migration_is_over(migration);
        outgoing_hold(outgoing);
    }
    return r;
}

const struct operation_kind migration_kind = {.id = OPERATION_KIND_MIGRATION,
                                              .url = "/v1/migrations/",
                                              .url_has_id = true,
                                              .found = outgoing_found,
                                              .advance = outgoing_advance,
                                              .refuse_cancel = migration_refuse_cancel,
                                              .put_cancel = migration_put_cancel,
                                              .cancelled = migration_cancelled,
                                              .forget = outgoing_forget,
                                              .describe = outgoing_describe};
