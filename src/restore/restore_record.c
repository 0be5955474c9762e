/* SPDX-License-Identifier: Apache-2.0 */
#include "restore/restore_record.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "restore/restore_run.h"
#include "schema/schema.h"
#include "state/state.h"
#include "state/stored_operations.h"
#include "state/txn.h"

static const struct field record_fields[] = {
    FIELD_COUNT(struct restore_record, timeout_us, "timeoutUs", FACE_STORE, .required = true),
};
static const struct schema restore_record_schema = SCHEMA(restore_record, record_fields);

int restore_record_read(const json_t *body, struct restore_record *ret_record, struct error *err)
{
    const struct schema_input in = {body, "stored restoration", "", FACE_STORE};
    return schema_parse(&restore_record_schema, &in, ret_record, err);
}

static void put(struct txn *txn, const struct operation_view *view, enum boot_fate fate)
{
    const struct restore_record record = {.timeout_us = txn->manager->restore->timeout_us};
    CLEANUP_JSON json_t *body = schema_to_json(&restore_record_schema, &record, FACE_STORE);
    txn_put_operation(txn, view, body);
    boot_end_put(txn, fate);
}

/* On its way to the store: the run may be another one by then. */
struct storing {
    struct manager *manager;
    struct operation_view view;
    enum boot_fate fate;
};

static void stored(const struct error *err, void *data)
{
    CLEANUP_FREE struct storing *storing = data;
    if (err != NULL) {
        log_warning("can't store restoration %s: %s", storing->view.id, err->message);
    }
}

/* In the ledger's turn. */
static void store_in_turn(void *data)
{
    const struct storing *storing = data;
    struct txn txn;
    txn_begin(&txn, storing->manager);
    put(&txn, &storing->view, storing->fate);
    txn_commit_then(&txn, stored, data);
}

void restore_record_store(struct manager *m, const struct operation *operation, enum boot_fate fate)
{
    struct storing *storing = xcalloc(1, sizeof(*storing));
    storing->manager = m;
    storing->fate = fate;
    operation_describe(operation, &storing->view);
    ledger_take_turn(m->ledger, store_in_turn, storing);
}

void restore_record_put_cancel(struct txn *txn, const struct operation *operation)
{
    struct operation_view view;
    operation_describe(operation, &view);
    view.state = OPERATION_CANCELLING;
    view.cancel = true;
    put(txn, &view, BOOT_GIVEN_UP);
}
