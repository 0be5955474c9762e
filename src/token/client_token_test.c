/* SPDX-License-Identifier: Apache-2.0 */
#include "token/client_token.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"
#include "token/token_fixture.h"

#define CLAIMS "{\"iss\":\"NLS Service Instance\",\"nbf\":1700000000,\"exp\":1900000000}"
#define S_US UINT64_C(1000000)

/* No row's message may have a byte of the token in it: each claim and signature has this. */
#define MARKER "marker"

static const struct {
    const char *name, *header, *claims, *signature;
    const char *refusal; /* "" none */
    uint64_t not_before_s, expires_s;
} rows[] = {
    {"as NVIDIA's are", FIXTURE_HEADER, CLAIMS, FIXTURE_SIGNATURE, "", 1700000000, 1900000000},
    {"without dates", FIXTURE_HEADER, "{\"x\":\"marker\"}", "AA", "", 0, 0},
    {"dates with fractions", FIXTURE_HEADER, "{\"nbf\":1.5,\"exp\":1900000000.75}", "AA", "", 1,
     1900000000},
    {"null dates", FIXTURE_HEADER, "{\"nbf\":null,\"exp\":null}", "AA", "", 0, 0},
    {"no signature", FIXTURE_HEADER, CLAIMS, "", "signature", 0, 0},
    {"a signature of a foreign alphabet", FIXTURE_HEADER, CLAIMS, "marker+/=", "signature", 0, 0},
    {"a signature with a hole", FIXTURE_HEADER, CLAIMS, "AA\nAA", "signature", 0, 0},
    {"a signature of half a byte", FIXTURE_HEADER, CLAIMS, "A", "signature", 0, 0},
    {"a fourth part", FIXTURE_HEADER, CLAIMS, "AA.marker", "three parts", 0, 0},
    {"an unsigned one", "{\"alg\":\"none\"}", CLAIMS, "AA", "algorithm", 0, 0},
    {"an unsigned one, written otherwise", "{\"alg\":\"NoNe\"}", CLAIMS, "AA", "algorithm", 0, 0},
    {"no algorithm", "{\"typ\":\"marker\"}", CLAIMS, "AA", "algorithm", 0, 0},
    {"an algorithm of a wrong type", "{\"alg\":1}", CLAIMS, "AA", "algorithm", 0, 0},
    {"a list for a header", "[\"marker\"]", CLAIMS, "AA", "algorithm", 0, 0},
    {"a header that breaks off", "{\"alg\":\"RS256\",\"marker", CLAIMS, "AA", "algorithm", 0, 0},
    {"claims that break off", FIXTURE_HEADER, "{\"exp\":\"marker", "AA", "claims", 0, 0},
    {"claims twice", FIXTURE_HEADER, "{\"marker\":1,\"marker\":2}", "AA", "claims", 0, 0},
    {"a list for claims", FIXTURE_HEADER, "[]", "AA", "claims", 0, 0},
    {"a date in words", FIXTURE_HEADER, "{\"exp\":\"marker\"}", "AA", "dates", 0, 0},
    {"a date before 1970", FIXTURE_HEADER, "{\"exp\":-1}", "AA", "dates", 0, 0},
    {"a date after 9999", FIXTURE_HEADER, "{\"exp\":1e300}", "AA", "dates", 0, 0},
    {"an end before its beginning", FIXTURE_HEADER, "{\"nbf\":1900000000,\"exp\":1800000000}", "AA",
     "ends before it begins", 0, 0},
    {"a beginning in words", FIXTURE_HEADER, "{\"nbf\":[1]}", "AA", "dates", 0, 0},
};

static void assert_keeps_secret(const char *name, const struct error *err)
{
    if (strstr(err->message, MARKER) != NULL || strstr(err->hint, MARKER) != NULL ||
        strstr(err->subject, MARKER) != NULL || strstr(err->message, "ey") != NULL) {
        fail_msg("%s: the message tells of the token: %s", name, err->message);
    }
}

static void a_token_is_checked_part_by_part(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *text = token_fixture(rows[i].header, rows[i].claims, rows[i].signature);
        CLEANUP_CLIENT_TOKEN struct client_token token = {0};
        struct error err = {0};
        int r = client_token_parse(text, strlen(text), "x.tok", &token, &err);
        bool refused = rows[i].refusal[0] != '\0';
        assert_keeps_secret(rows[i].name, &err);
        if ((r != 0) != refused || strstr(err.message, rows[i].refusal) == NULL) {
            fail_msg("%s: %d, %s", rows[i].name, r, err.message);
        }
        if (!refused) {
            assert_string_equal(token.text.bytes, text);
            assert_int_equal(token.not_before_us, rows[i].not_before_s * S_US);
            assert_int_equal(token.expires_us, rows[i].expires_s * S_US);
        }
    }
}

static void what_stands_around_it_is_left_out_and_what_is_too_long_refused(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = token_fixture(FIXTURE_HEADER, CLAIMS, FIXTURE_SIGNATURE);
    CLEANUP_FREE char *around = xasprintf("\r\n \t%s\r\n\n", text);
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    struct error err = {0};
    assert_int_equal(client_token_parse(around, strlen(around), "x", &token, &err), 0);
    assert_string_equal(token.text.bytes, text);
    assert_int_equal(client_token_parse("", 0, "x", &token, &err), -REASON_INVALID);
    assert_int_equal(client_token_parse(" \n", 2, "x", &token, &err), -REASON_INVALID);
    assert_int_equal(client_token_parse("a\0.b.c", 6, "x", &token, &err), -REASON_INVALID);
    CLEANUP_FREE char *much = xcalloc(CLIENT_TOKEN_MAX_BYTES + 2, 1);
    memset(much, 'A', CLIENT_TOKEN_MAX_BYTES + 1);
    assert_int_equal(client_token_parse(much, CLIENT_TOKEN_MAX_BYTES + 1, "x", &token, &err),
                     -REASON_INVALID);
    assert_non_null(strstr(err.message, "64 KiB"));
}

/* Cut off anywhere, it is no token, until most of its signature is there. */
static void a_token_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = token_fixture(FIXTURE_HEADER, CLAIMS, "AA");
    for (size_t len = 0; len < strlen(text); len++) {
        CLEANUP_CLIENT_TOKEN struct client_token token = {0};
        assert_int_equal(client_token_parse(text, len, "x", &token, NULL), -REASON_INVALID);
    }
}

static void an_expired_token_is_refused_by_its_date(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = token_fixture(FIXTURE_HEADER, CLAIMS, "AA");
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    struct error err = {0};
    assert_int_equal(client_token_parse(text, strlen(text), "x", &token, NULL), 0);
    assert_int_equal(client_token_check(&token, 1899999999 * S_US, "x", &err), 0);
    assert_int_equal(client_token_check(&token, 1900000000 * S_US, "x", &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "expired on 2030-03-17"));
    token.expires_us = 0;
    assert_int_equal(client_token_check(&token, 1900000000 * S_US, "x", &err), 0);
}

static void a_token_is_read_from_a_file(void **state)
{
    (void)state;
    CLEANUP_FREE char *text = token_fixture(FIXTURE_HEADER, CLAIMS, FIXTURE_SIGNATURE);
    CLEANUP_CLIENT_TOKEN struct client_token token = {0};
    struct error err = {0};
    char path[] = "/tmp/cleave-token-XXXXXX";
    CLEANUP_CLOSE int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(client_token_read(path, &token, &err), 0);
    assert_string_equal(token.text.bytes, text);
    assert_int_equal(ftruncate(fd, CLIENT_TOKEN_MAX_BYTES * 4), 0);
    assert_int_equal(client_token_read(path, &token, &err), -REASON_INVALID);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(client_token_read(path, &token, &err), -REASON_NOT_FOUND);
    assert_int_equal(client_token_read("/tmp", &token, &err) < 0, true);
    assert_int_equal(client_token_read(text, &token, &err), -REASON_INVALID);
    assert_keeps_secret("the token for its file", &err);
    assert_null(strstr(err.subject, "ey"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_checked_part_by_part),
        cmocka_unit_test(what_stands_around_it_is_left_out_and_what_is_too_long_refused),
        cmocka_unit_test(a_token_that_is_cut_off_is_refused),
        cmocka_unit_test(an_expired_token_is_refused_by_its_date),
        cmocka_unit_test(a_token_is_read_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
