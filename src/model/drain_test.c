/* SPDX-License-Identifier: Apache-2.0 */
#include "model/drain.h"

#include "base/json.h"
#include "base/str.h"
#include "test.h"

static struct drain *parse(const char *text, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    struct drain *drain = NULL;
    assert_int_equal(json_read(text, strlen(text), "test", &json, err), 0);
    (void)drain_from_json(json, &drain, err);
    return drain;
}

static void a_request_is_read_strictly(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP(drain_freep)
    struct drain *drain = parse(
        "{\"to\": [{\"destination\": \"qemu+ssh://b/system\"}, {\"destination\": \"qemu:///x\", "
        "\"peer\": \"unix:/p\"}], \"stop\": true, \"parallel\": 2}",
        &err);
    assert_non_null(drain);
    assert_int_equal(drain->n_targets, 2);
    assert_string_equal(drain->targets[1].peer, "unix:/p");
    assert_true(drain->stop);
    assert_int_equal(drain->parallel, 2);
    static const char *const bad[] = {"{\"too\": []}", "{\"to\": [{}]}", "{\"parallel\": 0}",
                                      "{\"parallel\": 9}", "{\"to\": [1]}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        err = (struct error){0};
        assert_null(parse(bad[i], &err));
        assert_int_equal(err.reason, REASON_INVALID);
    }
}

static void a_drain_survives_the_store(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP(drain_freep)
    struct drain *drain =
        parse("{\"to\": [{\"destination\": \"qemu+ssh://b/system\"}], \"reason\": \"fans\"}", &err);
    assert_non_null(drain);
    STR_SET(drain->author, "root");
    drain->state = DRAIN_RUNNING;
    drain->created_us = 1700000000000000;
    struct drain_vm *vm = vec_push(&drain->vms);
    *vm = (struct drain_vm){.verdict = DRAIN_MIGRATE, .step = DRAIN_MOVING, .target = 0};
    STR_SET(vm->name, "v1");
    STR_SET(vm->migration, "m1");
    CLEANUP_JSON json_t *json = drain_to_stored_json(drain);
    assert_non_null(json);
    CLEANUP(drain_freep) struct drain *again = NULL;
    assert_int_equal(drain_from_stored_json(json, &again, &err), 0);
    assert_int_equal(again->state, DRAIN_RUNNING);
    assert_int_equal(again->created_us, drain->created_us);
    assert_string_equal(again->reason, "fans");
    assert_int_equal(again->vms.n, 1);
    assert_int_equal(again->vms.items[0].step, DRAIN_MOVING);
    assert_string_equal(again->vms.items[0].migration, "m1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_strictly),
        cmocka_unit_test(a_drain_survives_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
