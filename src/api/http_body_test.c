/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_body.h"

#include <string.h>

#include "api/http_status.h"
#include "test.h"

#define TEXT(literal) literal, sizeof(literal) - 1
#define MORE 1

/* Feeds it in pieces of `step` bytes; returns the status, or MORE while it is not whole. */
static int feed(struct http_body *body, const char *text, size_t len, size_t step,
                struct strbuf *out, size_t *ret_used)
{
    struct error err = {0};
    size_t at = 0;
    int status = 0;
    while (at < len && status == 0 && body->state != HTTP_BODY_WHOLE) {
        size_t used = 0;
        status =
            http_body_take(body, text + at, step < len - at ? step : len - at, out, &used, &err);
        at += used;
    }
    *ret_used = at;
    assert_int_equal(status != 0, err.message[0] != '\0');
    return status != 0 ? status : body->state == HTTP_BODY_WHOLE ? 0 : MORE;
}

static void chunks_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        int status;
        const char *data; /* where it is whole */
        size_t behind;    /* bytes that are not the body's */
    } rows[] = {
        {TEXT("2\r\n{}\r\n0\r\n\r\n"), 0, "{}", 0},
        {TEXT("1\r\n{\r\n01\r\n}\r\n000\r\n\r\nGET"), 0, "{}", 3},
        {TEXT("A\r\n0123456789\r\n0\r\n\r\n"), 0, "0123456789", 0},
        {TEXT("2;a=b;c=\"d\"\r\n{}\r\n0;x\r\n\r\n"), 0, "{}", 0},
        {TEXT("2\r\n{}\r\n0\r\nX: y\r\nZ: \r\n\r\n"), 0, "{}", 0},
        {TEXT("0\r\n\r\n"), 0, "", 0},
        {TEXT("2\r\n{}\r\n0\r\n"), MORE, "", 0},
        {TEXT("2\r\n{"), MORE, "", 0},
        {TEXT("2\n{}\n0\n\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("2\r\n{}0\r\n\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("2\r\n{}\n0\r\n\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("2\r\n{}}\r\n0\r\n\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("-1\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("+2\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT(" 2\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("2 \r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("0x2\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("G\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT(";a\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("2;\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("2;a\0b\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("000000002\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("FFFFFFFFFFFFFFFFF\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("FFFFFFFF\r\n{}"), MORE, "", 0},
        {TEXT("0\r\n x\r\n\r\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("0\r\nX: a\nY"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("0\r\nX: a\r\n\n"), HTTP_BAD_REQUEST, "", 0},
        {TEXT("0\r\n\rx"), HTTP_BAD_REQUEST, "", 0},
    };
    const struct http_head head = {.framing = HTTP_BODY_CHUNKED};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (size_t step = 1; step <= rows[i].len; step++) {
            CLEANUP_STRBUF struct strbuf out = {0};
            struct http_body body = http_body_of(&head);
            size_t used = 0;
            int status = feed(&body, rows[i].text, rows[i].len, step, &out, &used);
            if (status != rows[i].status ||
                (status == 0 && (strcmp(strbuf_str(&out), rows[i].data) != 0 ||
                                 used != rows[i].len - rows[i].behind))) {
                fail_msg("row %zu in pieces of %zu: %d, \"%s\", %zu used", i, step, status,
                         strbuf_str(&out), used);
            }
        }
    }
}

static void a_body_has_the_stated_length_and_no_byte_more(void **state)
{
    (void)state;
    const struct http_head head = {.framing = HTTP_BODY_LENGTH, .length = 5};
    for (size_t step = 1; step < 10; step++) {
        CLEANUP_STRBUF struct strbuf out = {0};
        struct http_body body = http_body_of(&head);
        size_t used = 0;
        assert_int_equal(feed(&body, "abcdefgh", 4, step, &out, &used), MORE);
        assert_int_equal(feed(&body, "efgh", 4, step, &out, &used), 0);
        assert_int_equal(used, 1);
        assert_string_equal(out.text, "abcde");
    }
    const struct http_head none[] = {{.framing = HTTP_NO_BODY}, {.framing = HTTP_BODY_LENGTH}};
    for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
        assert_int_equal(http_body_of(&none[i]).state, HTTP_BODY_WHOLE);
    }
}

static void a_body_is_bounded(void **state)
{
    (void)state;
    static char block[64 * 1024];
    memset(block, 'x', sizeof(block));
    const struct http_head head = {.framing = HTTP_BODY_LENGTH, .length = HTTP_BODY_MAX_BYTES + 1};
    CLEANUP_STRBUF struct strbuf out = {0};
    struct http_body body = http_body_of(&head);
    size_t used = 0;
    for (size_t i = 0; i < HTTP_BODY_MAX_BYTES / sizeof(block); i++) {
        assert_int_equal(feed(&body, block, sizeof(block), sizeof(block), &out, &used), MORE);
    }
    assert_int_equal(feed(&body, block, 1, 1, &out, &used), HTTP_CONTENT_TOO_LARGE);
}

static void what_stands_next_to_the_data_is_bounded(void **state)
{
    (void)state;
    static char block[HTTP_BODY_MAX_EXTRA + 1];
    memset(block, 'x', sizeof(block));
    static const char *const before[] = {"2;", "0\r\nX: "};
    const struct http_head head = {.framing = HTTP_BODY_CHUNKED};
    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        CLEANUP_STRBUF struct strbuf out = {0};
        struct http_body body = http_body_of(&head);
        size_t used = 0;
        assert_int_equal(feed(&body, before[i], strlen(before[i]), 1, &out, &used), MORE);
        assert_int_equal(feed(&body, block, sizeof(block), 100, &out, &used), HTTP_BAD_REQUEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_read_strictly),
        cmocka_unit_test(a_body_has_the_stated_length_and_no_byte_more),
        cmocka_unit_test(a_body_is_bounded),
        cmocka_unit_test(what_stands_next_to_the_data_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
