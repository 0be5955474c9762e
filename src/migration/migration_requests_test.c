/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to move a VM, over a host in memory. */
#include "base/json.h"
#include "mhost_fixture.h"
#include "test.h"

static void who_is_not_root_moves_a_vm_to_no_socket_of_this_host(void **state)
{
    struct mhost_fixture *f = *state;
    static const struct {
        const char *destination, *peer;
        enum reason reason;
    } rows[] = {
        {"qemu+ext://h/system?command=/x", "ssh:h", REASON_INVALID},
        {"qemu+unix:///system", "ssh:h", REASON_PERMISSION},
        {"qemu+ssh://h/system", "http://169.254.169.254", REASON_PERMISSION},
        {"qemu+tcp://127.0.0.1:6379/system", "ssh:h", REASON_PERMISSION},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct answer answer = {0};
        CLEANUP_JSON json_t *body = json_pack("{s:s, s:s, s:s}", "vm", "web1", "destination",
                                              rows[i].destination, "peer", rows[i].peer);
        mhost_ask(&f->mhost, VERB_MIGRATE_VM, &answer, .json = body, .dry_run = true);
        assert_true(mhost_wait(&f->mhost, &answer));
        if (answer.err.reason != rows[i].reason) {
            fail_msg("%s, %s: %s", rows[i].destination, rows[i].peer, answer.err.message);
        }
        answer_done(&answer);
    }
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(who_is_not_root_moves_a_vm_to_no_socket_of_this_host),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
