/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/later.h"

#include "base/mem.h"
#include "ledger/ledger.h"

struct later {
    struct ledger *ledger;
    struct later_call call; /* its `done` NULL: it was called */
};

static void work(void *data)
{
    struct later *later = data;
    later->call.work(later->call.data);
}

static void ended(void *data)
{
    struct later *later = data;
    if (later->call.ended != NULL) {
        later->call.ended(later->call.data);
    }
}

/* Once: what follows may begin the next change. */
static void follow(struct later *later)
{
    struct ledger *ledger = later->ledger;
    evloop_fn *done = TAKE_PTR(later->call.done);
    if (done != NULL) {
        ledger->under_way = NULL;
        ledger->turns.storing = false;
        turns_call(&ledger->turns, done, later->call.data);
        turns_go_on(&ledger->turns);
    }
}

static void done(void *data)
{
    CLEANUP_FREE struct later *later = data;
    follow(later);
}

bool later_settle(struct ledger *ledger)
{
    ledger_settle(ledger);
    if (ledger->under_way == NULL) {
        return false;
    }
    follow(ledger->under_way);
    return true;
}

void later_begin(struct ledger *ledger, const struct later_call *call)
{
    struct later *later = xcalloc(1, sizeof(*later));
    *later = (struct later){.ledger = ledger, .call = *call};
    ledger->turns.storing = true;
    ledger->under_way = later;
    struct aside_call aside = {.work = work, .ended = ended, .done = done, .data = later};
    aside_begin(ledger->aside, &aside);
}

/* ---- reading ---- */

/* In the ledger's turn. */
static void read_in_turn(void *data)
{
    CLEANUP_FREE struct later *reading = data;
    if (reading->ledger->aside != NULL) {
        later_begin(reading->ledger, &reading->call);
    } else {
        reading->call.work(reading->call.data);
        reading->call.done(reading->call.data);
    }
}

void later_read(struct ledger *ledger, evloop_fn *work_fn, evloop_fn *done_fn, void *data)
{
    struct later *reading = xcalloc(1, sizeof(*reading));
    *reading =
        (struct later){.ledger = ledger, .call = {.work = work_fn, .done = done_fn, .data = data}};
    ledger_take_turn(ledger, read_in_turn, reading);
}
