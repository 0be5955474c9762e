/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/plan_licences.h"

#include "base/json.h"
#include "base/str.h"
#include "licence/judge.h"
#include "model/plan.h"
#include "state/licence_book.h"
#include "state/state.h"
#include "state/txn.h"
#include "turn/change.h"

/* Pools and holders before a plan, and what lacks after it. */
struct judged {
    struct licence_room room;
    struct licence_lacks lacks;
};

static bool comes(const struct plan_claim *entry)
{
    return (entry->verb == PLAN_BIND || entry->verb == PLAN_DEALLOCATE) &&
           !plan_claim_is_old(entry);
}

/* The claims that stay as they are. */
static void add_others(const struct manager *m, const struct plan *plan,
                       struct licence_holders *after)
{
    for (vec_each(&m->claims, claim)) {
        bool stays = claim_holds(claim);
        for (size_t i = 0; stays && i < plan->claims.n; i++) {
            const struct plan_claim *entry = &plan->claims.items[i];
            bool goes = entry->verb == PLAN_RELEASE || entry->verb == PLAN_BIND ||
                        entry->verb == PLAN_DEALLOCATE;
            stays = !goes || !str_eq(entry->claim.name, claim->name);
        }
        if (stays && licence_holders_add(after, claim, false)) {
            after->items[after->n - 1].index = NO_ID;
        }
    }
}

/* An on-demand claim is judged as though its VM were on. */
static void judge(const struct manager *m, const struct plan *plan, struct judged *ret_judged)
{
    struct licence_holders after = {0};
    struct licence_tally tally;
    licence_book_count(m, false, &ret_judged->room);
    add_others(m, plan, &after);
    for (size_t i = 0; i < plan->claims.n; i++) {
        const struct plan_claim *entry = &plan->claims.items[i];
        bool counts = entry->verb == PLAN_BIND || comes(entry);
        if (counts && licence_holders_add(&after, &entry->claim, false)) {
            after.items[after.n - 1].index = comes(entry) ? (uint32_t)i : NO_ID;
        }
    }
    licence_tally(&after, &ret_judged->room.pools, ret_judged->room.now_us, &tally);
    licence_judge(&ret_judged->room, &after, &tally, &ret_judged->lacks);
    vec_done(&after);
}

static bool any_comes(const struct plan *plan)
{
    for (vec_each(&plan->claims, entry)) {
        if (comes(entry)) {
            return true;
        }
    }
    return false;
}

static const char *claim_of(const struct plan *plan, const struct licence_lack *lack)
{
    return lack->index == NO_ID ? "" : plan->claims.items[lack->index].claim.name;
}

static int refuse(const struct plan *plan, const struct licence_lack *lack, struct error *err)
{
    error_set(err, REASON_NO_LICENCE, SUBJECT("licence", licence_name(lack->product)),
              "claim \"%s\" needs a licence of %s: %s", claim_of(plan, lack),
              licence_name(lack->product), lack->why);
    error_hint(err,
               "`cleave licence list` shows the pools, `cleave licence pool set --help` how one is "
               "changed");
    return -REASON_NO_LICENCE;
}

static void warn(const struct licence_lack *lack, struct plan *plan)
{
    struct plan_warning warning = {0};
    STR_SET(warning.claim, claim_of(plan, lack));
    (void)str_print(warning.text, sizeof(warning.text), "licences of %s: %s",
                    licence_name(lack->product), lack->why);
    for (vec_each(&plan->warnings, said)) {
        if (str_eq(said->claim, warning.claim) && str_eq(said->text, warning.text)) {
            return;
        }
    }
    *vec_push(&plan->warnings) = warning;
}

int plan_licences_check(const struct manager *m, const struct change *change, struct plan *plan,
                        struct error *err)
{
    struct judged judged = {0};
    int r = 0;
    if (m->ledger->records[RECORD_LICENCE_POOL].n == 0 || !any_comes(plan)) {
        return 0;
    }
    judge(m, plan, &judged);
    for (size_t i = 0; r == 0 && i < judged.lacks.n; i++) {
        const struct licence_lack *lack = &judged.lacks.items[i];
        bool refused = change != NULL && change->needs_licences && lack->policy == LICENCE_REFUSE;
        if (refused) {
            r = refuse(plan, lack, err);
        } else {
            warn(lack, plan);
        }
    }
    licence_room_done(&judged.room);
    return r;
}

void plan_licences_reserve(struct txn *txn, const struct plan *plan)
{
    const struct manager *m = txn->manager;
    struct judged judged = {0};
    if (m->ledger->records[RECORD_LICENCE_POOL].n == 0 || !any_comes(plan)) {
        return;
    }
    judge(m, plan, &judged);
    for (size_t i = 0; i < judged.lacks.n; i++) {
        const struct licence_lack *lack = &judged.lacks.items[i];
        struct licence_pool pool = judged.room.pools.items[lack->product];
        pool.said_exceeded = true;
        CLEANUP_JSON json_t *document = licence_pool_to_stored_json(&pool);
        txn_put_record(txn, RECORD_LICENCE_POOL, licence_name(lack->product), document);
        txn_event(txn, EVENT_LICENCE_EXCEEDED, SUBJECT("licence", licence_name(lack->product)),
                  plan->author, "claim \"%s\": %s", claim_of(plan, lack), lack->why);
    }
    licence_room_done(&judged.room);
}
