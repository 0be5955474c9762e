/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origin.h"

#include "base/str.h"
#include "test.h"

#define NAMES "gpu1.lan,gpu1"

static bool comes_in(struct origin from, bool must_mark)
{
    struct error err = {0};
    int result = origin_check(&from, NAMES, must_mark, &err);
    assert_true(result == 0 || (result == -REASON_PERMISSION && err.hint[0] != '\0'));
    return result == 0;
}

static void only_own_names_are_answered_over_tcp(void **state)
{
    (void)state;
    static const char *const own[] = {
        "localhost", "localhost:8080", "LOCALHOST", "127.0.0.1",     "127.0.0.1:80", "127.1.2.3",
        "[::1]",     "[::1]:8080",     "gpu1.lan",  "GPU1.lan:8080", "gpu1:65535",   "localhost:0"};
    static const char *const foreign[] = {
        NULL,
        "",
        ":80",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.",
        "0.0.0.0",
        "[::]",
        "[::1",
        "::1",
        "[::1]x",
        "[::ffff:127.0.0.1]",
        "gpu1.lan.evil.example",
        "gpu1.lan,gpu1",
        "gpu1.la",
        "2130706433",
        "0x7f.1",
        "127.1",
        "10.0.0.1",
        "user@localhost",
        "localhost@evil.example",
        "localhost:80@evil.example",
        "localhost:",
        "localhost:80:80",
        "localhost:65536",
        "localhost/x",
        " localhost",
    };
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        if (!comes_in((struct origin){.tcp = true, .host = own[i]}, false)) {
            fail_msg("%s is refused", own[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
        if (comes_in((struct origin){.tcp = true, .host = foreign[i]}, false)) {
            fail_msg("%s comes in", foreign[i] == NULL ? "no host" : foreign[i]);
        }
        assert_true(comes_in((struct origin){.host = foreign[i]}, true)); /* a Unix socket */
    }
}

static void pages_of_other_sites_are_kept_out(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "",
        "null",
        "http://evil.example",
        "https://localhost:8080",
        "http://localhost",
        "http://localhost:3000",
        "http://localhost:8080.evil.example",
        "http://localhost:8080/",
        "http://127.0.0.1:8080",
        "localhost:8080",
        "HTTP://localhost:8080",
    };
    for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
        for (int tcp = 0; tcp < 2; tcp++) {
            if (comes_in((struct origin){.tcp = tcp == 1,
                                         .host = "localhost:8080",
                                         .origin = foreign[i],
                                         .client = "1"},
                         true)) {
                fail_msg("a page of \"%s\" comes in", foreign[i]);
            }
        }
    }
    struct origin own = {
        .tcp = true, .host = "localhost:8080", .origin = "http://localhost:8080", .client = "1"};
    assert_true(comes_in(own, true));
    static const struct {
        const char *site;
        bool in;
    } sites[] = {{"same-origin", true}, {"none", true}, {"same-site", false},
                 {"cross-site", false}, {"", false},    {"x", false}};
    for (size_t i = 0; i < ARRAY_SIZE(sites); i++) {
        own.fetch_site = sites[i].site;
        if (comes_in(own, true) != sites[i].in) {
            fail_msg("Sec-Fetch-Site: %s", sites[i].site);
        }
    }
}

static void a_change_without_json_carries_our_mark_over_tcp(void **state)
{
    (void)state;
    struct origin from = {.tcp = true, .host = "localhost"};
    assert_true(comes_in(from, false));
    assert_false(comes_in(from, true));
    from.client = "";
    assert_true(comes_in(from, true));
    assert_true(comes_in((struct origin){.host = "localhost"}, true));
}

static void a_list_of_names_is_names_and_commas(void **state)
{
    (void)state;
    static const char *const good[] = {"", "a", "a,b", "gpu-1.lan,gpu_1"};
    static const char *const bad[] = {",",    "a,", ",a",    "a,,b", "a b",
                                      "a:80", "*",  "*.lan", "[::1]"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(origin_names_ok(good[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (origin_names_ok(bad[i])) {
            fail_msg("\"%s\" is a list of names", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_own_names_are_answered_over_tcp),
        cmocka_unit_test(pages_of_other_sites_are_kept_out),
        cmocka_unit_test(a_change_without_json_carries_our_mark_over_tcp),
        cmocka_unit_test(a_list_of_names_is_names_and_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
