/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what cleave made (model/made.h): filled once from the journal of an older cleaved.
 */
#include "base/log.h"
#include "base/str.h"
#include "exec/made.h"
#include "manager/state.h"

#define MADE_KEY "made"   /* in RECORD_HOST: the record is complete */
#define MAX_JOURNAL 10000 /* plans of an older cleaved, newest first */

/* ---- of an older cleaved ---- */

static int mark_whole(struct store *store, struct error *err)
{
    CLEANUP_JSON json_t *document = json_pack("{s:b}", "complete", true);
    return store->ops->put_record(store, RECORD_HOST, MADE_KEY, document, err);
}

/* An older cleaved kept some plans only: what its claims hold it made, too. */
static int follow_claims(const struct manager *m, struct error *err)
{
    int r = 0;
    for (vec_each(&m->claims, claim)) {
        struct step step = step_make(STEP_VGPU_CREATE, &claim->got.gpu);
        step.device = claim->got.device;
        STR_SET(step.mdev_uuid, claim->got.mdev_uuid);
        STR_SET(step.type, claim->spec.type);
        STR_SET(step.claim, claim->name);
        bool bound = claim->state == CLAIM_BOUND && claim->got.set && claim_has_vgpu(claim);
        r = r == 0 && bound ? made_note(m->config.store, &step, err) : r;
    }
    return r;
}

static int follow_journal(struct manager *m, struct plan **plans, size_t n, struct error *err)
{
    struct store *store = m->config.store;
    int r = store->ops->begin(store, err);
    r = r != 0 ? r : follow_claims(m, err);
    for (size_t i = n; i > 0; i--) { /* oldest first */
        for (vec_each(&plans[i - 1]->steps, step)) {
            bool stands = step->state == STEP_DONE || step->state == STEP_STUCK;
            r = r == 0 && stands ? made_note(store, step, err) : r;
        }
    }
    r = r != 0 ? r : mark_whole(store, err);
    if (r != 0) {
        store->ops->rollback(store);
        return r;
    }
    return store->ops->commit(store, err);
}

static int fill(struct manager *m, struct error *err)
{
    struct store *store = m->config.store;
    CLEANUP_JSON json_t *documents = NULL;
    int r = store->ops->load_records(store, RECORD_HOST, &documents, err);
    if (r != 0 || json_object_get(documents, MADE_KEY) != NULL) {
        return r;
    }
    struct plan **plans = NULL;
    size_t n = 0;
    r = store->ops->load_plans(store, MAX_JOURNAL, false, &plans, &n, err);
    bool any = n > 0 || m->claims.n > 0;
    m->made_unmarked = r == 0 && !any; /* the first plan brings the mark */
    r = r == 0 && any ? follow_journal(m, plans, n, err) : r;
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    free(plans);
    return r;
}

void manager_fill_made(struct manager *m)
{
    struct error err = {0};
    m->made_known = fill(m, &err) == 0;
    if (!m->made_known) {
        log_warning("what cleave made is not known: %s; the next start reads it again",
                    err.message);
    }
}

void txn_mark_made(struct txn *txn)
{
    if (txn->manager->made_unmarked && txn->result == 0) {
        txn->result = mark_whole(txn->manager->config.store, &txn->err);
        txn->noted_made = true;
    }
}

void txn_forget_made(struct txn *txn)
{
    CLEANUP_JSON json_t *documents = NULL;
    struct store *store = txn->manager->config.store;
    const char *key = NULL;
    json_t *document = NULL;
    if (txn->result == 0) {
        txn->result = store->ops->load_records(store, RECORD_MADE, &documents, &txn->err);
    }
    json_object_foreach(documents, key, document)
    {
        if (txn->result == 0) {
            txn->result = store->ops->delete_record(store, RECORD_MADE, key, &txn->err);
        }
    }
}
