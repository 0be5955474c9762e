/* SPDX-License-Identifier: Apache-2.0 */
/* A driver that is loaded anew takes what it had made, as a reboot does, and nobody says so. */
#include "base/mem.h"
#include "base/str.h"
#include "lab.h"
#include "manager/state.h"
#include "store/memory.h"
#include "test.h"

struct fixture {
    struct lab_data data;
    struct fake_host host, before;
    struct lab lab;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    lab_furnish(&f->host);
    f->host.driver_load = 1;
    lab_data_load(&f->data);
    lab_open(&f->lab, &f->data, &f->host, memory_store_new());
    *state = f;
    assert_int_equal(lab_start(&f->lab), 0);
    assert_int_equal(lab_create(&f->lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\"}", NULL), 0);
    assert_true(lab_settle(&f->lab));
    f->before = f->host;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    lab_close(&f->lab);
    lab_data_done(&f->data);
    free(f);
    return 0;
}

static void look(struct lab *lab)
{
    struct answer answer = {0};
    manager_list_gpus(lab->manager, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    assert_true(lab_settle(lab));
}

static void reload(struct fake_host *host)
{
    fake_host_forget(host);
    host->driver_load++;
}

static size_t count_plans(struct lab *lab)
{
    struct plan **plans = NULL;
    size_t n = 0;
    assert_int_equal(lab->store->ops->load_plans(lab->store, 100, false, &plans, &n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        plan_free(plans[i]);
    }
    free(plans);
    return n;
}

static void a_driver_that_was_loaded_anew_between_two_looks_is_noticed(void **state)
{
    struct fixture *f = *state;
    reload(&f->host);
    assert_false(fake_host_same(&f->before, &f->host));
    look(&f->lab);
    assert_true(fake_host_same(&f->before, &f->host));
    assert_int_equal(count_plans(&f->lab), 2);
    look(&f->lab);
    assert_int_equal(count_plans(&f->lab), 2);
}

static void a_driver_that_was_loaded_anew_while_cleaved_was_away_is_noticed_once(void **state)
{
    struct fixture *f = *state;
    lab_stop(&f->lab);
    reload(&f->host);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lab_start(&f->lab), 0);
        assert_true(lab_settle(&f->lab));
        assert_true(fake_host_same(&f->before, &f->host));
        assert_int_equal(count_plans(&f->lab), 2);
        lab_stop(&f->lab);
    }
}

static void a_driver_that_is_not_loaded_yet_was_not_loaded_anew(void **state)
{
    struct fixture *f = *state;
    f->host.driver_load = 0;
    look(&f->lab);
    f->host.driver_load = 1;
    look(&f->lab);
    lab_stop(&f->lab);
    assert_int_equal(lab_start(&f->lab), 0);
    assert_true(lab_settle(&f->lab));
    assert_int_equal(count_plans(&f->lab), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_driver_that_was_loaded_anew_between_two_looks_is_noticed),
        TEST(a_driver_that_was_loaded_anew_while_cleaved_was_away_is_noticed_once),
        TEST(a_driver_that_is_not_loaded_yet_was_not_loaded_anew),
    };
#undef TEST
    return cmocka_run_group_tests_name("driver load", tests, NULL, NULL);
}
