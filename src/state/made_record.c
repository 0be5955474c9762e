/* SPDX-License-Identifier: Apache-2.0 */
/* The record of what cleave made (model/made.h): filled once from the journal of an older cleaved.
 */
#include "state/made_record.h"

#include "base/log.h"
#include "base/str.h"
#include "exec/made.h"
#include "state/state.h"

#define MADE_KEY "made"   /* in RECORD_HOST: the record is complete */
#define MAX_JOURNAL 10000 /* plans of an older cleaved, newest first */

/* ---- of an older cleaved ---- */

static void mark_whole(struct draft *draft)
{
    CLEANUP_JSON json_t *document = json_pack("{s:b}", "complete", true);
    draft_put_record(draft, RECORD_HOST, MADE_KEY, document);
}

int made_record_check_mark(const json_t *document, struct error *err)
{
    return json_is_true(json_object_get(document, "complete"))
               ? 0
               : error_set(err, REASON_INTERNAL, "store", "it has no \"complete\"");
}

/* An older cleaved kept some plans only: what its claims hold it made, too. */
static void follow_claims(const struct manager *m, struct draft *draft)
{
    for (vec_each(&m->claims, claim)) {
        struct step step = step_make(STEP_VGPU_CREATE, &claim->assigned.gpu);
        step.device = claim->assigned.device;
        STR_SET(step.mdev_uuid, claim->assigned.mdev_uuid);
        STR_SET(step.type, claim->spec.type);
        STR_SET(step.claim, claim->name);
        if (claim->state == CLAIM_BOUND && claim->assigned.set && claim_has_vgpu(claim)) {
            made_note(draft, &step);
        }
    }
}

static int follow_journal(struct manager *m, struct plan **plans, size_t n, struct error *err)
{
    struct draft draft;
    draft_begin(&draft, m->ledger);
    follow_claims(m, &draft);
    for (size_t i = n; i > 0; i--) { /* oldest first */
        for (vec_each(&plans[i - 1]->steps, step)) {
            if (step->state == STEP_DONE || step->state == STEP_STUCK) {
                made_note(&draft, step);
            }
        }
    }
    mark_whole(&draft);
    return draft_commit(&draft, err);
}

static int fill(struct manager *m, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    int r = ledger_records(m->ledger, RECORD_HOST, &documents, err);
    if (r != 0 || json_object_get(documents, MADE_KEY) != NULL) {
        return r;
    }
    struct plan **plans = NULL;
    size_t n = 0;
    r = ledger_load_plans(m->ledger, MAX_JOURNAL, false, &plans, &n, err);
    bool any = n > 0 || m->claims.n > 0;
    m->made_unmarked = r == 0 && !any; /* the first plan brings the mark */
    r = r == 0 && any ? follow_journal(m, plans, n, err) : r;
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    free(plans);
    return r;
}

void made_record_fill(struct manager *m)
{
    struct error err = {0};
    m->made_known = fill(m, &err) == 0;
    if (!m->made_known) {
        log_warning(
            "the record of what cleave made can't be read: %s; the next start reads it again",
            err.message);
    }
}

bool made_record_mark(const struct manager *m, struct draft *draft)
{
    if (m->made_unmarked) {
        mark_whole(draft);
    }
    return m->made_unmarked;
}

void made_record_forget(struct draft *draft)
{
    CLEANUP_STRLIST struct strlist keys = {0};
    draft_list_records(draft, RECORD_MADE, &keys);
    for (vec_each(&keys, key)) {
        draft_delete_record(draft, RECORD_MADE, *key);
    }
}
