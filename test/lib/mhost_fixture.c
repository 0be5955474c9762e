/* SPDX-License-Identifier: Apache-2.0 */
#include "mhost_fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "ledger/draft.h"
#include "state/config.h"
#include "state/state.h"
#include "store/memory.h"
#include "test.h"

int mhost_fixture_setup(void **state)
{
    struct mhost_fixture *f = xcalloc(1, sizeof(*f));
    mhost_furnish(&f->host);
    mhost_data_load(&f->data);
    mhost_open(&f->mhost, &f->data, &f->host, memory_store_new());
    *state = f;
    int r = mhost_start(&f->mhost);
    return r == 0 && mhost_settle(&f->mhost) ? 0
                                             : -1; /* no worker looks at what the test changes */
}

int mhost_fixture_setup_as(void **state,
                           void (*configure)(struct mhost *mhost, struct manager_config *config))
{
    int r = mhost_fixture_setup(state);
    struct mhost_fixture *f = *state;
    mhost_stop(&f->mhost);
    f->mhost.configure = configure;
    return r == 0 && mhost_start(&f->mhost) == 0 && mhost_settle(&f->mhost) ? 0 : -1;
}

int mhost_fixture_teardown(void **state)
{
    struct mhost_fixture *f = *state;
    mhost_close(&f->mhost);
    mhost_data_done(&f->data);
    free(f);
    return 0;
}

void mhost_assert_sound(struct mhost *mhost)
{
    char why[256] = "";
    if (!mhost_is_sound(mhost, why, sizeof(why))) {
        fail_msg("%s", why);
    }
}

void mhost_look(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_LIST_GPUS, &answer);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    assert_true(mhost_wait_stored(mhost)); /* what it showed */
}

size_t mhost_count_events(struct mhost *mhost, const char *kind, const char *subject,
                          char ret_message[ERROR_TEXT_SIZE])
{
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    size_t found = 0;
    assert_true(mhost_wait_stored(mhost));
    assert_int_equal(ledger_load_events(mhost->manager->ledger, 0, 1000, &events, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(events[i].kind, kind) &&
            (subject == NULL || str_eq(events[i].subject, subject))) {
            found++;
            if (ret_message != NULL) {
                str_copy(ret_message, ERROR_TEXT_SIZE, events[i].message);
            }
        }
    }
    return found;
}

/* ---- the store of a stopped manager ---- */

static void begin(struct mhost *mhost, struct draft *draft)
{
    struct ledger *ledger = NULL;
    assert_null(mhost->manager);
    assert_int_equal(ledger_open(mhost->store, &ledger, NULL), 0);
    draft_begin(draft, ledger);
}

static void commit(struct draft *draft)
{
    struct ledger *ledger = draft->ledger;
    assert_int_equal(draft_commit(draft, NULL), 0);
    ledger_free(ledger);
}

void mhost_store_claim(struct mhost *mhost, const struct claim *claim)
{
    struct draft draft;
    begin(mhost, &draft);
    draft_put_claim(&draft, claim);
    commit(&draft);
}

void mhost_store_plan(struct mhost *mhost, const struct plan *plan)
{
    struct draft draft;
    begin(mhost, &draft);
    draft_put_plan(&draft, plan);
    commit(&draft);
}

void mhost_lose_claim(struct mhost *mhost, const char *name)
{
    struct draft draft;
    begin(mhost, &draft);
    assert_non_null(draft_claim(&draft, name));
    draft_delete_claim(&draft, name);
    commit(&draft);
}

void mhost_lose_made(struct mhost *mhost)
{
    struct draft draft;
    CLEANUP_STRLIST struct strlist keys = {0};
    begin(mhost, &draft);
    draft_list_records(&draft, RECORD_MADE, &keys);
    assert_int_equal(keys.n, 1);
    draft_delete_record(&draft, RECORD_MADE, keys.items[0]);
    draft_delete_record(&draft, RECORD_HOST, "made");
    commit(&draft);
}

void mhost_lose_steps(struct mhost *mhost)
{
    struct draft draft;
    struct plan **plans = NULL;
    size_t n = 0;
    begin(mhost, &draft);
    assert_int_equal(ledger_load_plans(draft.ledger, 100, false, &plans, &n, NULL), 0);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        plans[i]->steps.n = 0;
        draft_put_plan(&draft, plans[i]);
        plan_free(plans[i]);
    }
    free(plans);
    commit(&draft);
}
