/* SPDX-License-Identifier: Apache-2.0 */
#include "state/stored_operations.h"

#include "base/json.h"
#include "state/listeners.h"
#include "state/state.h"
#include "state/txn.h"

void txn_put_operation(struct txn *txn, const struct operation_view *view, const json_t *body)
{
    draft_put_operation(&txn->draft, view, body);
}

/* ---- at a start ---- */

/* Does the kind's document say what the record says? */
static int check_found(const struct manager *m, const struct operation_view *view,
                       struct error *err)
{
    const struct operation *operation = operations_find(&m->operations, view->id);
    if (operation == NULL || operation->kind->id != view->kind) {
        return error_set(err, REASON_INTERNAL, "store", "its id is another one in its body");
    }
    return operation_is_over(operation) == operation_state_is_over(view->state)
               ? 0
               : error_set(
                     err, REASON_INTERNAL, "store", "its state is \"%s\", and by its body \"%s\"",
                     operation_state_name(view->state), operation_state_name(operation->state));
}

static int load_entry(struct manager *m, const struct operation_entry *entry, struct error *err)
{
    const struct operation_kind *kind = m->listeners->kinds[entry->kind];
    struct operation_view view;
    CLEANUP_JSON json_t *body = NULL;
    int r = ledger_load_operation(m->ledger, entry, &view, &body, err);
    if (r == 0 && (kind->found(m, &view, body, err) != 0 || check_found(m, &view, err) != 0)) {
        r = ledger_damaged(m->ledger, entry, err);
    }
    return r;
}

static int load_kind(struct manager *m, enum operation_kind_id kind, struct error *err)
{
    const struct operation_entries *entries = &m->ledger->operations.kinds[kind];
    size_t over = 0;
    for (vec_each(entries, entry)) {
        over += entry->over;
    }
    size_t skipped =
        over > operation_limits[kind].listed ? over - operation_limits[kind].listed : 0;
    int r = 0;
    for (vec_each(entries, entry)) {
        bool skips = entry->over && skipped > 0;
        skipped -= skips;
        r = r != 0 || skips ? r : load_entry(m, entry, err);
    }
    return r;
}

int stored_operations_load(struct manager *m, struct error *err)
{
    int r = 0;
    for (enum operation_kind_id kind = 0; r == 0 && kind < OPERATION_KIND_COUNT; kind++) {
        r = m->listeners->kinds[kind] != NULL ? load_kind(m, kind, err) : 0;
    }
    return r;
}

/* ---- later ---- */

static const struct operation_entry *find_entry(const struct ledger *ledger, const char *id)
{
    const struct operation_entry *found = NULL;
    for (enum operation_kind_id kind = 0; found == NULL && kind < OPERATION_KIND_COUNT; kind++) {
        found = operation_log_find(&ledger->operations, kind, id);
    }
    return found;
}

int stored_operations_view(const struct manager *m, const char *id, bool *ret_found,
                           struct operation_view *ret_view, struct error *err)
{
    const struct operation_entry *entry = find_entry(m->ledger, id);
    CLEANUP_JSON json_t *body = NULL;
    *ret_found = entry != NULL;
    if (entry == NULL) {
        return 0;
    }
    struct operations alone = {0};
    int r = ledger_load_operation(m->ledger, entry, ret_view, &body, err);
    if (r == 0) {
        operation_describe(operation_of_view(&alone, m->listeners->kinds[entry->kind], ret_view),
                           ret_view);
    }
    operations_close(&alone);
    return r;
}
