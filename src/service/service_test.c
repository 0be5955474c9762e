/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include "base/json.h"
#include "base/str.h"
#include "model/body.h"
#include "test.h"

struct manager {
    enum verb_id called;
    unsigned calls;
    struct stop_body stop; /* of the call */
};

static void note(struct manager *m, const struct request *request)
{
    m->called = request->verb;
    m->calls++;
    if (request->verb == VERB_STOP_VM) {
        m->stop = *(const struct stop_body *)request->body;
    }
    request_answer(request, json_object());
}

struct said {
    bool answered;
    struct error err;
};

static void hear(json_t *body, const struct error *err, void *data)
{
    struct said *said = data;
    said->answered = body != NULL;
    json_decref(body);
    if (err != NULL) {
        said->err = *err;
    }
}

static struct said call_with(struct manager *m, enum verb_id id, const struct request *request)
{
    verb_fn *functions[VERB_COUNT];
    for (enum verb_id i = 0; i < VERB_COUNT; i++) {
        functions[i] = note;
    }
    const struct service service = {.manager = m, .functions = functions};
    struct said said = {0};
    struct request whole = *request;
    whole.reply = hear;
    whole.data = &said;
    service_call(&service, id, &whole);
    return said;
}

/* What a caller with these roles gets from a verb, with a body where it takes one. */
static struct said call(struct manager *m, enum verb_id id, unsigned roles)
{
    const struct caller caller = {.author = "anna", .roles = roles};
    struct stop_body body = {0};
    return call_with(m, id, &(struct request){.caller = &caller, .body = &body});
}

static struct said stop(struct manager *m, const char *text, struct stop_body *body)
{
    static const struct caller caller = {.author = "anna", .roles = ROLES_CONNECTED};
    CLEANUP_JSON json_t *json = NULL;
    if (text != NULL) {
        assert_int_equal(json_read(text, strlen(text), "test", &json, NULL), 0);
    }
    return call_with(m, VERB_STOP_VM,
                     &(struct request){.caller = &caller, .json = json, .body = body});
}

static void a_verb_is_called_by_who_has_its_role(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        for (unsigned role = ROLE_VIEWER; role <= ROLE_ROOT; role <<= 1) {
            struct manager m = {0};
            struct said said = call(&m, id, role);
            bool may = verb_of(id)->permission == role;
            assert_int_equal(said.answered, may);
            assert_int_equal(m.calls, may);
            assert_int_equal(m.called, may ? id : 0);
            assert_int_equal(said.err.reason, may ? REASON_NONE : REASON_PERMISSION);
        }
    }
}

static void a_refusal_names_the_caller_the_verb_and_the_role(void **state)
{
    (void)state;
    struct manager m = {0};
    struct said said = call(&m, VERB_CREATE_CLAIM, ROLE_VIEWER);
    assert_string_equal(said.err.message, "anna may not call createClaim");
    assert_string_equal(said.err.hint, "this needs the role \"tenant\"");
}

static void only_root_may_speak_as_libvirts_hook(void **state)
{
    (void)state;
    struct manager m = {0};
    struct said said = call(&m, VERB_RUN_HOOK, ROLES_CONNECTED);
    assert_false(said.answered);
    assert_string_equal(said.err.message, "only libvirt's hook may send this request, as root");
    assert_true(call(&m, VERB_RUN_HOOK, ROLES_ALL).answered);
}

static void all_who_connect_may_call_all_else(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        struct manager m = {0};
        assert_int_equal(call(&m, id, ROLES_CONNECTED).answered, id != VERB_RUN_HOOK);
    }
}

static void what_only_reads_takes_no_more_than_a_viewer(void **state)
{
    (void)state;
    for (enum verb_id id = 0; id < VERB_COUNT; id++) {
        const struct verb *verb = verb_of(id);
        bool reads = str_eq(verb->method, "GET") || id == VERB_ADVISE_NEED; /* has a body */
        bool peer = str_starts(verb->path, "/v1/incoming");                 /* another cleaved */
        assert_int_equal(verb->permission == ROLE_VIEWER, reads && !peer);
        assert_int_equal(verb->id, id);
    }
}

static void a_body_is_read_for_the_function(void **state)
{
    (void)state;
    struct manager m = {0};
    assert_true(stop(&m, "{\"force\": true, \"timeoutSeconds\": 7}", NULL).answered);
    assert_true(m.stop.force);
    assert_int_equal(m.stop.timeout_s, 7);
}

static void a_body_that_is_left_out_has_its_fallbacks(void **state)
{
    (void)state;
    struct manager m = {0};
    assert_true(stop(&m, NULL, NULL).answered);
    assert_false(m.stop.force);
    assert_int_equal(m.stop.timeout_s, 120);
}

static void what_is_wrong_in_a_body_is_said_and_nothing_is_called(void **state)
{
    (void)state;
    struct manager m = {0};
    struct said said = stop(&m, "{\"timeoutSeconds\": 0}", NULL);
    assert_false(said.answered);
    assert_int_equal(m.calls, 0);
    assert_int_equal(said.err.reason, REASON_INVALID);
    assert_non_null(strstr(said.err.message, "timeoutSeconds"));
    assert_int_equal(stop(&m, "{\"strength\": true}", NULL).err.reason, REASON_INVALID);
}

static void a_struct_of_the_callers_is_passed_on(void **state)
{
    (void)state;
    struct manager m = {0};
    struct stop_body body = {.timeout_s = 3};
    assert_true(stop(&m, NULL, &body).answered);
    assert_int_equal(m.stop.timeout_s, 3);
}

static void all_that_is_read_is_freed(void **state)
{
    (void)state;
    struct manager m = {0};
    const struct caller caller = {.author = "anna", .roles = ROLES_CONNECTED};
    CLEANUP_JSON json_t *json =
        json_pack("{s:s, s:[{s:s}, {s:s}]}", "name", "lab", "claims", "name", "a", "name", "b");
    const struct request request = {.caller = &caller, .json = json};
    assert_true(call_with(&m, VERB_APPLY_SITE, &request).answered);
    json_object_set_new(json_array_get(json_object_get(json, "claims"), 1), "name",
                        json_string("a"));
    struct said said = call_with(&m, VERB_APPLY_SITE, &request);
    assert_string_equal(said.err.message, "claim \"a\" is listed twice");
    assert_string_equal(said.err.subject, "claims[1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verb_is_called_by_who_has_its_role),
        cmocka_unit_test(a_refusal_names_the_caller_the_verb_and_the_role),
        cmocka_unit_test(only_root_may_speak_as_libvirts_hook),
        cmocka_unit_test(all_who_connect_may_call_all_else),
        cmocka_unit_test(what_only_reads_takes_no_more_than_a_viewer),
        cmocka_unit_test(a_body_is_read_for_the_function),
        cmocka_unit_test(a_body_that_is_left_out_has_its_fallbacks),
        cmocka_unit_test(what_is_wrong_in_a_body_is_said_and_nothing_is_called),
        cmocka_unit_test(a_struct_of_the_callers_is_passed_on),
        cmocka_unit_test(all_that_is_read_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
