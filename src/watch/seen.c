/* SPDX-License-Identifier: Apache-2.0 */
/* Which board is where: remembered over restarts of cleaved, and followed in the claims whose GPU's
 * UUID is not known. */
#include "watch/seen.h"

#include "base/log.h"
#include "base/str.h"
#include "plan/places.h"
#include "state/listeners.h"
#include "state/notes.h"
#include "state/state.h"
#include "state/txn.h"

#define SEEN_KEY "boards" /* in RECORD_HOST */

int seen_load_boards(struct manager *m, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    int r = ledger_records(m->ledger, RECORD_HOST, &documents, err);
    const json_t *document = r == 0 ? json_object_get(documents, SEEN_KEY) : NULL;
    return document == NULL ? r : seen_boards_from_stored_json(document, &m->seen_boards, err);
}

/* A store that fails is asked again at the next look; until then it is known here. */
static void seen_stored(const struct error *err, void *data)
{
    struct manager *m = data;
    m->seen_storing = false;
    if (err != NULL) {
        m->seen_unstored = true;
        log_warning("can't store which GPU is at which address: %s", err->message);
    }
}

static void put_seen(void *data)
{
    struct manager *m = data;
    struct draft draft;
    CLEANUP_JSON json_t *document = seen_boards_to_json(&m->seen_boards);
    m->seen_unstored = false;
    draft_begin(&draft, m->ledger);
    draft_put_record(&draft, RECORD_HOST, SEEN_KEY, document);
    draft_commit_then(&draft, seen_stored, m);
}

void seen_note_boards(struct manager *m, struct host *now)
{
    bool changed = seen_boards_look(&m->seen_boards, now, &m->claims);
    m->seen_unstored = m->seen_unstored || changed;
    if (m->seen_unstored && !m->seen_storing) {
        m->seen_storing = true;
        ledger_take_turn(m->ledger, put_seen, m);
    }
}

void claim_say_unknown_board(const struct manager *m, const struct claim *claim, char *text,
                             size_t size)
{
    char bdf[BDF_SIZE];
    const struct claim *rival = places_rival(m->host, &m->claims, claim);
    pci_addr_format(&claim->assigned.gpu, bdf);
    if (rival != NULL) {
        str_print(text, size,
                  "the UUID of its GPU was never known, and claim \"%s\" now has the board at %s",
                  rival->name, bdf);
    } else {
        str_print(text, size,
                  "the UUID of its GPU was never known, and boards were moved since, so another "
                  "board may be at %s now",
                  bdf);
    }
}

static void judge(struct txn *txn, const struct claim *claim, const struct assignment *got)
{
    struct claim next = *claim;
    next.assigned = *got;
    txn_put_claim(txn, &next);
    if (got->board == CLAIM_BOARD_ELSEWHERE) {
        char text[ERROR_TEXT_SIZE];
        claim_say_unknown_board(txn->manager, claim, text, sizeof(text));
        txn_event(txn, EVENT_CLAIM_DISPLACED, SUBJECT("claim", claim->name), "cleaved",
                  "%s: it is held until it is deleted", text);
    }
}

void seen_follow_boards(struct manager *m, struct hardware_look *look)
{
    if (!look->late) {
        seen_judge_boards(m);
    }
}

static void judged(const struct error *err, void *data)
{
    (void)data;
    if (err != NULL) {
        log_warning("can't store which GPUs claims have: %s", err->message);
    }
}

void seen_judge_boards(struct manager *m)
{
    struct assignment got;
    bool any = false;
    for (vec_each(&m->claims, claim)) {
        any = any || places_judge(m->host, &m->claims, m->seen_boards.moved, claim, &got);
    }
    if (!any || !m->boot_checked || m->running != NULL || m->ended != NULL || !notes_may_store(m)) {
        return;
    }
    struct txn txn;
    txn_begin(&txn, m);
    for (vec_each(&m->claims, claim)) {
        if (places_judge(m->host, &m->claims, m->seen_boards.moved, claim, &got)) {
            judge(&txn, claim, &got);
        }
    }
    txn_commit_then(&txn, judged, NULL);
}
