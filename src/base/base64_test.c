/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <string.h>

#include "test.h"

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *text;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"ok", "b2s="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void the_vectors_of_the_standard_go_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        char text[16];
        char plain[16] = "";
        size_t len = 99;
        assert_true(base64_encode(vectors[i].plain, strlen(vectors[i].plain), text, sizeof(text)));
        assert_string_equal(text, vectors[i].text);
        assert_true(base64_decode(text, plain, sizeof(plain), &len));
        assert_int_equal(len, strlen(vectors[i].plain));
        assert_memory_equal(plain, vectors[i].plain, len);
    }
}

static void what_is_no_base64_or_has_no_room_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z", "Zg=", "Zg=a", "====", "Z===", "Zg==Zg==", "Zm9-", "Z\n=="};
    char out[16];
    size_t len = 0;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (base64_decode(bad[i], out, sizeof(out), &len)) {
            fail_msg("\"%s\" was read", bad[i]);
        }
    }
    assert_false(base64_decode("Zm9vYmFy", out, 5, &len));
    assert_true(base64_decode("Zm9vYmFy", out, 6, &len));
    assert_false(base64_encode("foobar", 6, out, 8));
    assert_true(base64_encode("foobar", 6, out, 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_standard_go_both_ways),
        cmocka_unit_test(what_is_no_base64_or_has_no_room_is_refused),
    };
    return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
