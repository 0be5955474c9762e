/* SPDX-License-Identifier: Apache-2.0 */
/* Drains, over a host in memory. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "drain/drain_plan.h"
#include "drain/drain_run.h"
#include "mhost_fixture.h"
#include "state/state.h"
#include "test.h"

static const struct gpu_record *record(struct mhost *mhost, const char *bdf)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(bdf, &addr));
    return gpu_records_find_addr(&mhost->manager->gpu_records, &addr);
}

static void serve_one(struct mhost *mhost)
{
    assert_int_equal(
        mhost_create(mhost, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\"}", NULL), 0);
    assert_true(mhost_settle(mhost));
}

static void drain(struct mhost *mhost, const char *text, bool dry_run, struct answer *answer)
{
    struct error err = {0};
    CLEANUP_JSON json_t *body = NULL;
    assert_int_equal(json_read(text, strlen(text), "test", &body, &err), 0);
    mhost_ask(mhost, VERB_DRAIN_HOST, answer, .json = body, .dry_run = dry_run);
    assert_true(mhost_wait(mhost, answer));
}

static bool is_over(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_GET_DRAIN, &answer);
    assert_true(mhost_wait(mhost, &answer));
    bool over = answer.body != NULL && answer_text(&answer, "drain.finishedAt") != NULL;
    answer_done(&answer);
    return over;
}

static void wait_for_drain(struct mhost *mhost)
{
    for (int i = 0; i < 2000 && !is_over(mhost); i++) {
        mhost_look(mhost);
    }
    assert_true(is_over(mhost));
}

static void without_a_target_vms_are_stopped_or_stay(void **state)
{
    struct mhost_fixture *f = *state;
    char message[ERROR_TEXT_SIZE] = "";
    serve_one(&f->mhost);
    fake_host_vm(&f->host, "web1")->running = true;
    struct answer trial = {0};
    drain(&f->mhost, "{}", true, &trial);
    const json_t *vm =
        json_array_get(json_object_get(json_object_get(trial.body, "drain"), "vms"), 0);
    assert_string_equal(json_string_value(json_object_get(vm, "verdict")), "stay");
    assert_string_equal(json_string_value(json_object_get(vm, "why")), "no target was named");
    answer_done(&trial);
    assert_null(record(&f->mhost, MHOST_A100));
    struct answer answer = {0};
    drain(&f->mhost, "{\"stop\": true}", false, &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    wait_for_drain(&f->mhost);
    assert_false(fake_host_vm(&f->host, "web1")->running);
    assert_true(record(&f->mhost, MHOST_A100)->cordon.set);
    assert_int_equal(mhost_count_events(&f->mhost, "host-drained", NULL, message), 1);
    struct answer end = {0};
    mhost_ask(&f->mhost, VERB_UNDRAIN_HOST, &end);
    assert_true(mhost_wait(&f->mhost, &end));
    answer_done(&end);
    assert_false(record(&f->mhost, MHOST_A100)->cordon.set);
}

static bool stops_web1(void *data)
{
    const struct drain_run *d = ((const struct manager *)data)->drain_run;
    return d->drain->vms.n == 1 && d->drain->vms.items[0].step == DRAIN_STOPPING;
}

/* A drain of web1 alone, which does not end before web2 is in the state that is wanted. `seen`: a
 * look has seen that, too. */
static void drain_while(struct mhost_fixture *f, bool web2_runs, bool seen,
                        struct answer *ret_drain)
{
    struct answer answer = {0};
    struct fake_vm *web1 = fake_host_vm(&f->host, "web1");
    fake_lock();
    web1->running = web1->firm = true;
    fake_host_vm(&f->host, "web2")->running = false;
    fake_unlock();
    mhost_look(&f->mhost);
    drain(&f->mhost, "{\"stop\": true}", false, &answer);
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(mhost_wait_until(&f->mhost, stops_web1, f->mhost.manager));
    fake_lock();
    fake_host_vm(&f->host, "web2")->running = web2_runs;
    fake_unlock();
    if (seen) {
        mhost_look(&f->mhost);
    }
    fake_lock();
    web1->firm = false;
    fake_unlock();
    wait_for_drain(&f->mhost);
    assert_false(web1->running);
    *ret_drain = (struct answer){0};
    mhost_ask(&f->mhost, VERB_GET_DRAIN, ret_drain);
    assert_true(mhost_wait(&f->mhost, ret_drain));
}

static void a_drain_is_done_only_if_no_vm_runs(void **state)
{
    struct mhost_fixture *f = *state;
    static const struct {
        bool web2_runs, seen;
        const char *state, *event;
        size_t n_events;
    } rows[] = {{false, true, "done", "host-drained", 1},
                {true, true, "incomplete", "host-not-drained", 1},
                {false, false, "done", "host-drained", 2},
                {true, false, "incomplete", "host-not-drained", 2}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct answer answer;
        drain_while(f, rows[i].web2_runs, rows[i].seen, &answer);
        assert_string_equal(answer_text(&answer, "drain.state"), rows[i].state);
        assert_int_equal(mhost_count_events(&f->mhost, rows[i].event, NULL, NULL),
                         rows[i].n_events);
        const json_t *vms = json_object_get(json_object_get(answer.body, "drain"), "vms");
        assert_int_equal(json_array_size(vms), rows[i].web2_runs ? 2 : 1);
        const json_t *web2 = json_array_get(vms, 1);
        if (rows[i].web2_runs) {
            assert_string_equal(json_string_value(json_object_get(web2, "vm")), "web2");
            assert_string_equal(json_string_value(json_object_get(web2, "step")), "left");
            assert_non_null(json_string_value(json_object_get(web2, "why")));
        }
        answer_done(&answer);
    }
}

static void more_vms_than_a_drain_can_list_are_not_left_out_in_silence(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    CLEANUP(drain_freep) struct drain *drain = xcalloc(1, sizeof(*drain));
    struct manager m = {.host = host};
    struct drain_run d = {.manager = &m, .drain = drain};
    for (size_t i = 0; i < DRAIN_MAX_VMS; i++) {
        struct vm *vm = vec_push(&host->vms);
        vm->state = VM_RUNNING;
        str_print(vm->name, sizeof(vm->name), "vm%zu", i);
    }
    assert_true(drain_collect(&d));
    assert_true(drain_collect(&d)); /* each once */
    assert_int_equal(drain->vms.n, DRAIN_MAX_VMS);
    *vec_push(&host->vms) = (struct vm){.name = "off", .state = VM_SHUT_OFF};
    assert_true(drain_collect(&d));
    *vec_push(&host->vms) = (struct vm){.name = "on", .state = VM_RUNNING};
    assert_false(drain_collect(&d));
    assert_int_equal(drain->vms.n, DRAIN_MAX_VMS);
}

/* By UUID: a claim follows a renamed VM only once a look has shown the new name. */
static void a_vm_s_devices_are_those_of_its_claims(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    CLEANUP(drain_freep) struct drain *drain = xcalloc(1, sizeof(*drain));
    struct claim claims[] = {{.vm = "old", .vm_uuid = "A-1", .spec = {.type = "L40S-8Q"}},
                             {.vm = "new", .vm_uuid = "b-2", .spec = {.type = "L40S-4Q"}},
                             {.vm = "new", .spec = {.type = "L40S-2Q"}},
                             {.spec = {.type = "L40S-1Q"}}};
    struct manager m = {.host = host, .claims = {.items = claims, .n = ARRAY_SIZE(claims)}};
    struct drain_run d = {.manager = &m, .drain = drain};
    *vec_push(&host->vms) = (struct vm){.name = "new", .uuid = "a-1", .state = VM_RUNNING};
    assert_true(drain_collect(&d));
    assert_string_equal(drain->vms.items[0].devices, "L40S-8Q, L40S-2Q");
}

static void who_is_not_root_drains_to_no_socket_of_this_host(void **state)
{
    struct mhost_fixture *f = *state;
    static const struct {
        const char *body;
        enum reason reason;
    } rows[] = {
        {"{\"to\": [{\"destination\": \"qemu+ssh://h/system?command=/x\"}]}", REASON_INVALID},
        {"{\"to\": [{\"destination\": \"qemu+ssh://h/system\"}, {\"destination\": "
         "\"qemu+unix:///system?socket=/x\"}]}",
         REASON_PERMISSION},
        {"{\"to\": [{\"destination\": \"qemu+ssh://h/system\", \"peer\": \"unix:/x\"}]}",
         REASON_PERMISSION},
        {"{\"to\": [{\"destination\": \"qemu+ssh://h/system\", \"migrateUri\": \"exec:/x\"}]}",
         REASON_INVALID},
        {"{\"to\": [{\"destination\": \"qemu+ssh://h/system\"}]}", REASON_NONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct answer answer = {0};
        drain(&f->mhost, rows[i].body, true, &answer);
        if (answer.err.reason != rows[i].reason) {
            fail_msg("%s: %s", rows[i].body, answer.err.message);
        }
        answer_done(&answer);
    }
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(without_a_target_vms_are_stopped_or_stay),
        TEST(a_drain_is_done_only_if_no_vm_runs),
        cmocka_unit_test(more_vms_than_a_drain_can_list_are_not_left_out_in_silence),
        cmocka_unit_test(a_vm_s_devices_are_those_of_its_claims),
        TEST(who_is_not_root_drains_to_no_socket_of_this_host),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
