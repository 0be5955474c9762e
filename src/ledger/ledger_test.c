/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger over both stores: what a draft stores is what it has, at once and when it is opened
 * again. */
#include "ledger_fixture.h"

static void claims_come_back_by_name_with_all_they_hold(void **state)
{
    struct fixture *f = *state;
    struct claim b = make_claim("b");
    b.state = CLAIM_BOUND;
    b.assigned.set = true;
    b.assigned.gpu = (struct pci_addr){.domain = 0x10000, .bus = 0x41};
    b.assigned.device = (struct pci_addr){.bus = 0x41, .function = 4};
    b.assigned.gi_id = 3;
    STR_SET(b.assigned.profile, "2g.10gb");
    struct claim a = make_claim("a");
    assert_int_equal(put_claim(f, &b, NULL), 0);
    assert_int_equal(put_claim(f, &a, NULL), 0);
    for (int i = 0; i < 2; i++) {
        const struct claims *claims = &f->ledger->claims;
        assert_int_equal(claims->n, 2);
        assert_string_equal(claims->items[0].name, "a");
        const struct claim *back = &claims->items[1];
        assert_string_equal(back->name, "b");
        assert_int_equal(back->state, CLAIM_BOUND);
        assert_int_equal(back->version, 1);
        assert_int_equal(back->created_us, 1000);
        assert_true(back->assigned.set);
        assert_int_equal(back->assigned.gpu.domain, 0x10000);
        assert_int_equal(back->assigned.gi_id, 3);
        assert_int_equal(back->assigned.start, NO_ID);
        assert_string_equal(back->assigned.profile, "2g.10gb");
        open_again(f);
    }
}

static void a_draft_shows_what_will_be_and_the_ledger_what_is(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make_claim("a");
    struct claim other = make_claim("b");
    struct draft draft;
    assert_int_equal(put_claim(f, &claim, NULL), 0);
    STR_SET(claim.spec.type, "L40S-12Q");
    draft_begin(&draft, f->ledger);
    draft_put_claim(&draft, &claim);
    draft_put_claim(&draft, &other);
    draft_delete_claim(&draft, "b");
    assert_string_equal(draft_claim(&draft, "a")->spec.type, "L40S-12Q");
    assert_null(draft_claim(&draft, "b"));
    assert_string_equal(f->ledger->claims.items[0].spec.type, "L40S-8Q");
    assert_int_equal(draft_commit(&draft, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(f->ledger->claims.n, 1);
        assert_string_equal(f->ledger->claims.items[0].spec.type, "L40S-12Q");
        assert_int_equal(f->ledger->claims.items[0].version, 2);
        open_again(f);
    }
}

static void a_dropped_draft_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make_claim("a");
    struct draft draft;
    uint64_t changes = f->ledger->changes;
    draft_begin(&draft, f->ledger);
    draft_put_claim(&draft, &claim);
    draft_drop(&draft);
    assert_int_equal(f->ledger->claims.n, 0);
    assert_int_equal(f->ledger->changes, changes);
}

/* Another writer, which this ledger knows nothing of. */
static void a_claim_that_another_writer_changed_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct error err = {0};
    struct claim claim = make_claim("a");
    assert_int_equal(put_claim(f, &claim, NULL), 0);
    CLEANUP(batch_done) struct batch batch = {0};
    batch_put(&batch, RECORD_CLAIM, "a", xstrdup("{}"), VERSION_ANY);
    assert_int_equal(f->store->ops->commit(f->store, &batch, NULL), 0);

    struct draft draft;
    struct event event = {.kind = "claim-created", .subject = "claim/a"};
    CLEANUP(plan_freep) struct plan *plan = make_plan("p1", PLAN_RUNNING, 1);
    draft_begin(&draft, f->ledger);
    draft_put_event(&draft, &event);
    draft_put_plan(&draft, plan);
    draft_put_claim(&draft, &claim);
    assert_int_equal(draft_commit(&draft, &err), -REASON_CONFLICT);
    assert_int_equal(f->ledger->claims.items[0].version, 1);
    assert_int_equal(f->ledger->last_event, 0);
    assert_int_equal(f->ledger->operations.kinds[OPERATION_KIND_PLAN].n, 0);
}

static void the_journal_rewrites_one_step(void **state)
{
    struct fixture *f = *state;
    CLEANUP(plan_freep) struct plan *plan = make_plan("p1", PLAN_RUNNING, 3);
    assert_int_equal(draft_store_plan(f->ledger, plan, NULL), 0);
    struct step step = plan->steps.items[1];
    struct draft draft;
    step.state = STEP_DONE;
    step.assigned_gi_id = 7;
    draft_begin(&draft, f->ledger);
    draft_put_step(&draft, "p1", 1, &step);
    assert_int_equal(draft.batch.n, 1);
    assert_int_equal(draft_commit(&draft, NULL), 0);
    draft_begin(&draft, f->ledger);
    draft_put_step(&draft, "p2", 1, &step);
    assert_int_equal(draft_commit(&draft, NULL), -REASON_NOT_FOUND);

    CLEANUP(plan_freep) struct plan *back = NULL;
    assert_int_equal(ledger_load_plan(f->ledger, "p1", &back, NULL), 0);
    assert_int_equal(back->steps.n, 3);
    assert_int_equal(back->steps.items[0].state, STEP_PLANNED);
    assert_int_equal(back->steps.items[1].state, STEP_DONE);
    assert_int_equal(back->steps.items[1].assigned_gi_id, 7);
    assert_string_equal(back->reason, "claim create web1");
    assert_int_equal(back->claims.n, 1);
    assert_string_equal(back->claims.items[0].claim.name, "web1");
    CLEANUP(plan_freep) struct plan *none = plan_copy(plan);
    plan_free(none);
    assert_int_equal(ledger_load_plan(f->ledger, "p2", &none, NULL), 0);
    assert_null(none);
}

static void unfinished_plans_are_found(void **state)
{
    struct fixture *f = *state;
    static const enum plan_state states[] = {PLAN_DONE, PLAN_RUNNING, PLAN_UNDONE, PLAN_UNDOING};
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        char id[8];
        snprintf(id, sizeof(id), "p%zu", i);
        put_plan(f, id, states[i], 2);
    }
    struct plan **plans = NULL;
    size_t n = 0;
    open_again(f);
    assert_int_equal(ledger_load_plans(f->ledger, 10, true, &plans, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_string_equal(plans[0]->id, "p3"); /* newest first */
    assert_string_equal(plans[1]->id, "p1");
    assert_int_equal(plans[1]->steps.n, 2);
    plan_free(plans[0]);
    plan_free(plans[1]);
    free(plans);

    assert_int_equal(ledger_load_plans(f->ledger, 1, false, &plans, &n, NULL), 0);
    assert_int_equal(n, 1);
    plan_free(plans[0]);
    free(plans);
}

static void a_plan_that_ends_keeps_its_place_and_may_have_fewer_steps(void **state)
{
    struct fixture *f = *state;
    put_plan(f, "p1", PLAN_RUNNING, 3);
    put_plan(f, "p2", PLAN_RUNNING, 1);
    put_plan(f, "p1", PLAN_DONE, 2);
    struct plan **plans = NULL;
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ledger_load_plans(f->ledger, 10, false, &plans, &n, NULL), 0);
        assert_int_equal(n, 2);
        assert_string_equal(plans[1]->id, "p1");
        assert_int_equal(plans[1]->state, PLAN_DONE);
        assert_int_equal(plans[1]->steps.n, 2);
        plan_free(plans[0]);
        plan_free(plans[1]);
        free(plans);
        open_again(f);
    }
}

static void the_oldest_plans_that_have_ended_go(void **state)
{
    struct fixture *f = *state;
    put_plan(f, "running", PLAN_RUNNING, 1);
    for (unsigned i = 0; i < 1010; i++) {
        char id[16];
        snprintf(id, sizeof(id), "p%u", i);
        put_plan(f, id, PLAN_DONE, 1);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(f->ledger->operations.kinds[OPERATION_KIND_PLAN].n, 1001);
        assert_string_equal(f->ledger->operations.kinds[OPERATION_KIND_PLAN].items[0].id,
                            "running");
        assert_string_equal(f->ledger->operations.kinds[OPERATION_KIND_PLAN].items[1].id, "p10");
        open_again(f);
    }
    CLEANUP(records_done) struct records steps = {0};
    struct store_range range = {.kind = RECORD_STEP, .ids_only = true};
    assert_int_equal(f->store->ops->load(f->store, &range, &steps, NULL), 0);
    assert_int_equal(steps.n, 1001);
}

/* A store that failed may have kept what it was given: two plans would share their steps. */
static void a_number_that_may_be_stored_is_no_other_plans(void **state)
{
    struct fixture *f = *state;
    const struct operation_entries *plans = &f->ledger->operations.kinds[OPERATION_KIND_PLAN];
    CLEANUP(plan_freep) struct plan *plan = make_plan("p1", PLAN_RUNNING, 1);
    struct draft draft;
    draft_begin(&draft, f->ledger);
    draft_put_plan(&draft, plan);
    draft_drop(&draft);
    put_plan(f, "p2", PLAN_RUNNING, 1);
    assert_int_equal(plans->items[0].number, 2);
    draft_begin(&draft, f->ledger);
    plan->id[1] = '3';
    draft_put_plan(&draft, plan);
    draft_drop(&draft);
    put_plan(f, "p3", PLAN_DONE, 1); /* the same one, again */
    assert_int_equal(plans->items[1].number, 3);
}

static void the_oldest_of_each_kind_go(void **state)
{
    struct fixture *f = *state;
    CLEANUP_JSON json_t *body = json_object();
    struct draft draft;
    for (unsigned i = 0; i < 25; i++) {
        struct operation_view view = {.kind = OPERATION_KIND_DRAIN,
                                      .subject = "host",
                                      .state = i == 0 ? OPERATION_RUNNING : OPERATION_DONE};
        snprintf(view.id, sizeof(view.id), "d%u", i);
        draft_begin(&draft, f->ledger);
        draft_put_operation(&draft, &view, body);
        assert_int_equal(draft_commit(&draft, NULL), 0);
    }
    put_plan(f, "p1", PLAN_DONE, 1);
    for (int i = 0; i < 2; i++) {
        const struct operation_entries *drains = &f->ledger->operations.kinds[OPERATION_KIND_DRAIN];
        assert_int_equal(drains->n, 21);
        assert_string_equal(drains->items[0].id, "d0");
        assert_string_equal(drains->items[1].id, "d5");
        assert_int_equal(f->ledger->operations.kinds[OPERATION_KIND_PLAN].n, 1);
        open_again(f);
    }
}

static void events_are_numbered_without_gaps(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 1; i <= 5; i++) {
        struct event event = {.time_us = i,
                              .kind = "gpu-changed",
                              .subject = "gpu/0000:41:00.0",
                              .message = "a \"b\""};
        assert_int_equal(draft_store_event(f->ledger, &event, NULL), 0);
        open_again(f);
    }
    CLEANUP_FREE struct event *events = NULL;
    size_t n = 0;
    assert_int_equal(ledger_load_events(f->ledger, 2, 2, &events, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(events[0].seq, 3);
    assert_int_equal(events[1].seq, 4);
    assert_int_equal(events[1].time_us, 4);
    assert_string_equal(events[0].kind, "gpu-changed");
    assert_string_equal(events[0].message, "a \"b\"");
}

static void records_are_replaced_and_deleted_by_kind_and_id(void **state)
{
    struct fixture *f = *state;
    CLEANUP_JSON json_t *one = json_pack("{s:i}", "n", 1);
    CLEANUP_JSON json_t *two = json_pack("{s:i}", "n", 2);
    CLEANUP_STRLIST struct strlist ids = {0};
    struct ledger *l = f->ledger;
    assert_int_equal(draft_store_record(l, RECORD_MADE, "b", one, NULL), 0);
    assert_int_equal(draft_store_record(l, RECORD_MADE, "a", one, NULL), 0);
    assert_int_equal(draft_store_record(l, RECORD_MADE, "b", two, NULL), 0);
    assert_int_equal(draft_store_record(l, RECORD_HOST, "b", one, NULL), 0);
    struct draft draft;
    draft_begin(&draft, l);
    draft_delete_record(&draft, RECORD_MADE, "a");
    draft_delete_record(&draft, RECORD_MADE, "never");
    draft_put_record(&draft, RECORD_MADE, "c", one);
    draft_list_records(&draft, RECORD_MADE, &ids);
    assert_int_equal(ids.n, 2);
    assert_string_equal(ids.items[0], "b");
    assert_string_equal(ids.items[1], "c");
    assert_null(draft_record(&draft, RECORD_MADE, "a"));
    assert_int_equal(draft_commit(&draft, NULL), 0);
    for (int i = 0; i < 2; i++) {
        CLEANUP_JSON json_t *records = NULL;
        assert_int_equal(ledger_records(f->ledger, RECORD_MADE, &records, NULL), 0);
        assert_int_equal(json_object_size(records), 2);
        assert_true(json_equal(json_object_get(records, "b"), two));
        open_again(f);
    }
}

static void a_gpu_whose_uuid_is_learnt_keeps_its_record(void **state)
{
    struct fixture *f = *state;
    struct gpu_record record = {.addr = {.bus = 0x41}};
    struct draft draft;
    draft_begin(&draft, f->ledger);
    draft_put_gpu_record(&draft, &record);
    assert_int_equal(draft_commit(&draft, NULL), 0);
    STR_SET(record.uuid, "GPU-c0ffee00-0000-4000-8000-000000000001");
    draft_begin(&draft, f->ledger);
    draft_put_gpu_record(&draft, &record);
    assert_int_equal(draft_gpu_records(&draft)->n, 1);
    assert_int_equal(draft_commit(&draft, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(f->ledger->gpu_records.n, 1);
        assert_string_equal(f->ledger->gpu_records.items[0].uuid, record.uuid);
        open_again(f);
    }
}

static void each_change_has_another_number(void **state)
{
    struct fixture *f = *state;
    CLEANUP_JSON json_t *one = json_pack("{s:i}", "n", 1);
    struct event event = {.kind = "x", .subject = "y/z", .message = "text"};
    uint64_t at[4] = {f->ledger->changes};
    put_plan(f, "p1", PLAN_RUNNING, 2);
    at[1] = f->ledger->changes;
    assert_int_equal(draft_store_event(f->ledger, &event, NULL), 0);
    at[2] = f->ledger->changes;
    assert_int_equal(draft_store_record(f->ledger, RECORD_HOST, "h", one, NULL), 0);
    at[3] = f->ledger->changes;
    for (size_t i = 1; i < ARRAY_SIZE(at); i++) {
        assert_true(at[i] > at[i - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OVER_BOTH(claims_come_back_by_name_with_all_they_hold),
        OVER_BOTH(a_draft_shows_what_will_be_and_the_ledger_what_is),
        OVER_BOTH(a_dropped_draft_changes_nothing),
        OVER_BOTH(a_claim_that_another_writer_changed_is_a_conflict),
        OVER_BOTH(the_journal_rewrites_one_step),
        OVER_BOTH(unfinished_plans_are_found),
        OVER_BOTH(a_plan_that_ends_keeps_its_place_and_may_have_fewer_steps),
        OVER(the_oldest_plans_that_have_ended_go, memory),
        OVER_BOTH(a_number_that_may_be_stored_is_no_other_plans),
        OVER_BOTH(the_oldest_of_each_kind_go),
        OVER_BOTH(events_are_numbered_without_gaps),
        OVER_BOTH(records_are_replaced_and_deleted_by_kind_and_id),
        OVER_BOTH(a_gpu_whose_uuid_is_learnt_keeps_its_record),
        OVER_BOTH(each_change_has_another_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
