/* SPDX-License-Identifier: Apache-2.0 */
#include "lab_fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "ledger/draft.h"
#include "state/config.h"
#include "state/state.h"
#include "store/memory.h"
#include "test.h"

int lab_fixture_setup(void **state)
{
    struct lab_fixture *f = xcalloc(1, sizeof(*f));
    lab_furnish(&f->host);
    lab_data_load(&f->data);
    lab_open(&f->lab, &f->data, &f->host, memory_store_new());
    *state = f;
    int r = lab_start(&f->lab);
    return r == 0 && lab_settle(&f->lab) ? 0 : -1; /* no worker looks at what the test changes */
}

int lab_fixture_setup_as(void **state,
                         void (*configure)(struct lab *lab, struct manager_config *config))
{
    int r = lab_fixture_setup(state);
    struct lab_fixture *f = *state;
    lab_stop(&f->lab);
    f->lab.configure = configure;
    return r == 0 && lab_start(&f->lab) == 0 && lab_settle(&f->lab) ? 0 : -1;
}

int lab_fixture_teardown(void **state)
{
    struct lab_fixture *f = *state;
    lab_close(&f->lab);
    lab_data_done(&f->data);
    free(f);
    return 0;
}

void lab_assert_sound(struct lab *lab)
{
    char why[256] = "";
    if (!lab_is_sound(lab, why, sizeof(why))) {
        fail_msg("%s", why);
    }
}

void lab_look(struct lab *lab)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_LIST_GPUS, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    assert_true(lab_wait_stored(lab)); /* what it showed */
}

size_t lab_count_events(struct lab *lab, const char *kind, const char *subject,
                        char ret_message[ERROR_TEXT_SIZE])
{
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    size_t found = 0;
    assert_true(lab_wait_stored(lab));
    assert_int_equal(ledger_load_events(lab->manager->ledger, 0, 1000, &events, &n, NULL), 0);
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

static void begin(struct lab *lab, struct draft *draft)
{
    struct ledger *ledger = NULL;
    assert_null(lab->manager);
    assert_int_equal(ledger_open(lab->store, &ledger, NULL), 0);
    draft_begin(draft, ledger);
}

static void commit(struct draft *draft)
{
    struct ledger *ledger = draft->ledger;
    assert_int_equal(draft_commit(draft, NULL), 0);
    ledger_free(ledger);
}

void lab_store_claim(struct lab *lab, const struct claim *claim)
{
    struct draft draft;
    begin(lab, &draft);
    draft_put_claim(&draft, claim);
    commit(&draft);
}

void lab_lose_claim(struct lab *lab, const char *name)
{
    struct draft draft;
    begin(lab, &draft);
    assert_non_null(draft_claim(&draft, name));
    draft_delete_claim(&draft, name);
    commit(&draft);
}

void lab_lose_made(struct lab *lab)
{
    struct draft draft;
    CLEANUP_STRLIST struct strlist keys = {0};
    begin(lab, &draft);
    draft_list_records(&draft, RECORD_MADE, &keys);
    assert_int_equal(keys.n, 1);
    draft_delete_record(&draft, RECORD_MADE, keys.items[0]);
    draft_delete_record(&draft, RECORD_HOST, "made");
    commit(&draft);
}

void lab_lose_steps(struct lab *lab)
{
    struct draft draft;
    struct plan **plans = NULL;
    size_t n = 0;
    begin(lab, &draft);
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
