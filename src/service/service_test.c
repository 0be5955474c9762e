/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include "base/str.h"
#include "test.h"

struct manager {
    enum verb_id called;
    unsigned calls;
};

static void note(struct manager *m, const struct request *request)
{
    m->called = request->verb;
    m->calls++;
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

/* What a caller with these roles gets from a verb. */
static struct said call(struct manager *m, enum verb_id id, unsigned roles)
{
    verb_fn *functions[VERB_COUNT];
    for (enum verb_id i = 0; i < VERB_COUNT; i++) {
        functions[i] = note;
    }
    const struct service service = {.manager = m, .functions = functions};
    const struct caller caller = {.author = "anna", .roles = roles};
    struct said said = {0};
    service_call(&service, id, &(struct request){.caller = &caller, .reply = hear, .data = &said});
    return said;
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
    assert_string_equal(said.err.hint, "it takes the role \"tenant\"");
}

static void only_root_may_speak_as_libvirts_hook(void **state)
{
    (void)state;
    struct manager m = {0};
    struct said said = call(&m, VERB_RUN_HOOK, ROLES_CONNECTED);
    assert_false(said.answered);
    assert_string_equal(said.err.message, "only libvirt's hook may ask this, as root");
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
        bool reads = str_eq(verb->method, "GET");
        bool peer = str_starts(verb->path, "/v1/incoming"); /* another cleaved */
        assert_int_equal(verb->permission == ROLE_VIEWER, reads && !peer);
        assert_int_equal(verb->id, id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verb_is_called_by_who_has_its_role),
        cmocka_unit_test(a_refusal_names_the_caller_the_verb_and_the_role),
        cmocka_unit_test(only_root_may_speak_as_libvirts_hook),
        cmocka_unit_test(all_who_connect_may_call_all_else),
        cmocka_unit_test(what_only_reads_takes_no_more_than_a_viewer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
