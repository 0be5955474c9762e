/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger over a store in memory, or over SQLite's. */
#ifndef LEDGER_LEDGER_FIXTURE_H
#define LEDGER_LEDGER_FIXTURE_H

#include "ledger/ledger.h"

#include <stdio.h>
#include <unistd.h>

#include "base/evloop.h"
#include "base/json.h"
#include "base/str.h"
#include "each_store.h"
#include "ledger/draft.h"
#include "store/memory.h"
#include "store/sqlite.h"
#include "test.h"

struct fixture {
    struct store *store;
    struct ledger *ledger;
    char dir[64]; /* "" for the memory store */
};

static inline int open_fixture(struct fixture *f)
{
    return ledger_open(f->store, &f->ledger, NULL);
}

static inline int setup_memory(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->store = memory_store_new();
    *state = f;
    return open_fixture(f);
}

static inline int setup_sqlite(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    char path[96];
    STR_SET(f->dir, "/tmp/cleave-ledger-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(path, sizeof(path), "%s/cleave.db", f->dir);
    *state = f;
    assert_int_equal(sqlite_store_open(path, &f->store, NULL), 0);
    return open_fixture(f);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    ledger_free(f->ledger);
    f->store->ops->free(f->store);
    if (f->dir[0] != '\0') {
        fs_remove_tree(f->dir);
    }
    free(f);
    return 0;
}

/* As at the next start. */
static inline void open_again(struct fixture *f)
{
    ledger_free(f->ledger);
    assert_int_equal(open_fixture(f), 0);
}

static inline struct claim make_claim(const char *name)
{
    struct claim claim = {.spec = {.mode = CLAIM_TIME_SLICED, .start = NO_ID}, .created_us = 1000};
    claim.assigned = (struct assignment){
        .gi_id = NO_ID, .start = NO_ID, .size = NO_ID, .type_id = NO_ID, .placement_id = NO_ID};
    STR_SET(claim.name, name);
    STR_SET(claim.tenant, "default");
    STR_SET(claim.author, "root");
    STR_SET(claim.spec.type, "L40S-8Q");
    return claim;
}

static inline int put_claim(struct fixture *f, const struct claim *claim, struct error *err)
{
    struct draft draft;
    draft_begin(&draft, f->ledger);
    draft_put_claim(&draft, claim);
    return draft_commit(&draft, err);
}

static inline struct plan *make_plan(const char *id, enum plan_state state, size_t n_steps)
{
    struct plan *plan = plan_new();
    STR_SET(plan->id, id);
    STR_SET(plan->author, "root");
    STR_SET(plan->reason, "claim create web1");
    plan->state = state;
    plan->created_us = 5;
    struct pci_addr gpu = {.bus = 0x41};
    for (size_t i = 0; i < n_steps; i++) {
        *vec_push(&plan->steps) = step_make(STEP_GI_CREATE, &gpu);
    }
    vec_push(&plan->claims)->claim = make_claim("web1");
    return plan;
}

static inline void put_plan(struct fixture *f, const char *id, enum plan_state state,
                            size_t n_steps)
{
    CLEANUP(plan_freep) struct plan *plan = make_plan(id, state, n_steps);
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
}

#endif
