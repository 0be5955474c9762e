/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/peer/link.h"

#include "base/str.h"
#include "lib/client.h"
#include "test.h"

static void the_loopback_has_no_speed(void **state)
{
    (void)state;
    assert_false(link_speed_to("qemu+ssh://127.0.0.1/system").known);
    assert_false(link_speed_to("qemu+unix:///system").known);
}

static void addresses_of_a_cleaved_are_read_strictly(void **state)
{
    (void)state;
    static const char *const good[] = {"unix:/run/x", "http://h:1", "ssh:h", "ssh:root@h:22",
                                       "ssh:[fe80::1]:22"};
    static const char *const bad[] = {"",          "h",       "unix:x",    "http://",
                                      "https://h", "ssh:",    "ssh:-oX=y", "ssh:h:x",
                                      "ssh:h:0x1", "ssh:h;x", "ssh:h x",   "ssh:h:99999"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        CLEANUP(client_freep) struct client *client = NULL;
        struct error err = {0};
        if (client_new_address(good[i], &client, &err) != 0) {
            fail_msg("%s: %s", good[i], err.message);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(client_freep) struct client *client = NULL;
        if (client_new_address(bad[i], &client, NULL) != -REASON_INVALID) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loopback_has_no_speed),
        cmocka_unit_test(addresses_of_a_cleaved_are_read_strictly),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
