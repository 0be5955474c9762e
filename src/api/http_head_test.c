/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_head.h"

#include <stdlib.h>
#include <string.h>

#include "api/http_status.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define WHOLE 0
#define MORE 1

#define TEXT(literal) literal, sizeof(literal) - 1

struct row {
    const char *name;
    const char *text;
    size_t len;
    int status; /* WHOLE, MORE, or what it is refused with */
};

/* Reads it in one piece, and byte by byte: both must say the same. */
static int find(const char *text, size_t len, size_t step, size_t *ret_head, struct error *err)
{
    size_t scanned = 0;
    *ret_head = 0;
    for (size_t end = step < len ? step : len;; end += step) {
        end = end < len ? end : len;
        int status = http_head_find(text, end, &scanned, ret_head, err);
        if (status != 0 || *ret_head != 0 || end == len) {
            return status;
        }
    }
}

static int read_head(const struct row *row, size_t step, struct http_head *head, char **ret_text)
{
    struct error err = {0};
    size_t len = 0;
    int status = find(row->text, row->len, step, &len, &err);
    if (status == 0 && len == 0) {
        return MORE;
    }
    if (status == 0) {
        *ret_text = xcalloc(len + 1, 1);
        memcpy(*ret_text, row->text, len);
        status = http_head_parse(*ret_text, len, head, &err);
    }
    if (status != 0 && err.message[0] == '\0') {
        fail_msg("%s: refused without a word", row->name);
    }
    return status;
}

static void check_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t step = 1; step <= rows[i].len; step = step == 1 ? rows[i].len : step + 1) {
            struct http_head head = {0};
            CLEANUP_FREE char *text = NULL;
            int status = read_head(&rows[i], step, &head, &text);
            if (status != rows[i].status) {
                fail_msg("%s: %d, not %d (in pieces of %zu)", rows[i].name, status, rows[i].status,
                         step);
            }
            if (step == rows[i].len) {
                break;
            }
        }
    }
}

#define HOST "Host: x\r\n"
#define GET "GET /v1/health HTTP/1.1\r\n"
#define POST "POST /v1/claims HTTP/1.1\r\n" HOST

static void a_request_line_is_three_words(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", TEXT(GET HOST "\r\n"), WHOLE},
        {"not whole", TEXT(GET HOST), MORE},
        {"nothing", TEXT("\r"), MORE},
        {"an empty line before", TEXT("\r\n" GET HOST "\r\n"), WHOLE},
        {"two empty lines before", TEXT("\r\n\r\n" GET HOST "\r\n"), HTTP_BAD_REQUEST},
        {"HTTP/1.0 without a Host", TEXT("GET / HTTP/1.0\r\n\r\n"), WHOLE},
        {"HTTP/1.2", TEXT("GET / HTTP/1.2\r\n" HOST "\r\n"), WHOLE},
        {"HTTP/0.9", TEXT("GET /v1/health\r\n\r\n"), HTTP_BAD_REQUEST},
        {"HTTP/2", TEXT("PRI * HTTP/2.0\r\n\r\n"), HTTP_VERSION_NOT_SUPPORTED},
        {"HTTP/9.9", TEXT("GET / HTTP/9.9\r\n" HOST "\r\n"), HTTP_VERSION_NOT_SUPPORTED},
        {"HTTP/11", TEXT("GET / HTTP/11\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"HTTP/1.10", TEXT("GET / HTTP/1.10\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"http/1.1", TEXT("GET / http/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"two blanks", TEXT("GET  / HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"two blanks behind", TEXT("GET /  HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a blank at the end", TEXT("GET / HTTP/1.1 \r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a blank in front", TEXT(" GET / HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a tab", TEXT("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"four words", TEXT("GET / x HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a method that is no token", TEXT("G(T / HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a method of percents", TEXT("%s%n / HTTP/1.1\r\n" HOST "\r\n"), WHOLE},
        {"a long method", TEXT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" HOST "\r\n"),
         HTTP_NOT_IMPLEMENTED},
        {"a target that is no ASCII", TEXT("GET /\xff HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"TLS", TEXT("\x16\x03\x01\x02"), HTTP_BAD_REQUEST},
        {"JSON", TEXT("{"), HTTP_BAD_REQUEST},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void every_line_ends_with_crlf_and_holds_no_control_character(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"NUL in the target", TEXT("GET /v1/health\0x HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"NUL in a value", TEXT(GET HOST "X: a\0b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"NUL in a name", TEXT(GET HOST "X\0: a\r\n\r\n"), HTTP_BAD_REQUEST},
        {"NUL at the end", TEXT(GET HOST "\0\r\n\r\n"), HTTP_BAD_REQUEST},
        {"bare CR", TEXT("GET / HTTP/1.1\rHost: x\r\r"), HTTP_BAD_REQUEST},
        {"bare CR in a value", TEXT(GET HOST "X: a\rb\r\n\r\n"), HTTP_BAD_REQUEST},
        {"bare LF", TEXT("GET / HTTP/1.1\nHost: x\n\n"), HTTP_BAD_REQUEST},
        {"bare LF at the end", TEXT(GET HOST "\n"), HTTP_BAD_REQUEST},
        {"ESC", TEXT("\x1b[31m / HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"DEL", TEXT(GET HOST "X: a\x7f\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a tab in a value", TEXT(GET HOST "X: a\tb\r\n\r\n"), WHOLE},
        {"Latin-1 in a value", TEXT(GET HOST "X: \xe4\r\n\r\n"), WHOLE},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void header_fields_are_read_strictly(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a folded field", TEXT(GET HOST "X: a\r\n b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a first line that is folded", TEXT(GET " Host: x\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a blank before the colon", TEXT(GET HOST "X : a\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a blank in a name", TEXT(GET HOST "X Y: a\r\n\r\n"), HTTP_BAD_REQUEST},
        {"no colon", TEXT(GET HOST "banana\r\n\r\n"), HTTP_BAD_REQUEST},
        {"no name", TEXT(GET HOST ": a\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a name that is no token", TEXT(GET HOST "X\xff: a\r\n\r\n"), HTTP_BAD_REQUEST},
        {"an empty value", TEXT(GET HOST "X:\r\n\r\n"), WHOLE},
        {"a field twice", TEXT(GET HOST "X: a\r\nX: b\r\n\r\n"), WHOLE},
        {"no Host", TEXT(GET "\r\n"), HTTP_BAD_REQUEST},
        {"two Hosts", TEXT(GET "Host: a\r\nHost: b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"the same Host twice", TEXT(GET "Host: a\r\nhost: a\r\n\r\n"), HTTP_BAD_REQUEST},
        {"two Hosts in 1.0", TEXT("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"a Host with a blank", TEXT(GET "Host: a b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a Host with a user", TEXT(GET "Host: a@b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a Host with a path", TEXT(GET "Host: a/b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"an empty Host", TEXT(GET "Host:\r\n\r\n"), WHOLE},
        {"IPv6", TEXT(GET "Host: [::1]:8080\r\n\r\n"), WHOLE},
        {"two Origins", TEXT(GET HOST "Origin: a\r\nOrigin: b\r\n\r\n"), HTTP_BAD_REQUEST},
        {"two Content-Types", TEXT(POST "Content-Type: a\r\nContent-Type: a\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"an encoded body", TEXT(POST "Content-Encoding: gzip\r\n\r\n"),
         HTTP_UNSUPPORTED_MEDIA_TYPE},
        {"Expect", TEXT(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n"), WHOLE},
        {"another Expect", TEXT(POST "Expect: banana\r\n\r\n"), HTTP_EXPECTATION_FAILED},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void what_is_unclear_about_the_length_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"both", TEXT(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"both, turned", TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"twice", TEXT(POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n"), HTTP_BAD_REQUEST},
        {"twice the same", TEXT(POST "Content-Length: 2\r\ncontent-length: 2\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"a list", TEXT(POST "Content-Length: 2, 2\r\n\r\n"), HTTP_BAD_REQUEST},
        {"a sign", TEXT(POST "Content-Length: +2\r\n\r\n"), HTTP_BAD_REQUEST},
        {"negative", TEXT(POST "Content-Length: -1\r\n\r\n"), HTTP_BAD_REQUEST},
        {"hexadecimal", TEXT(POST "Content-Length: 0x2\r\n\r\n"), HTTP_BAD_REQUEST},
        {"empty", TEXT(POST "Content-Length: \r\n\r\n"), HTTP_BAD_REQUEST},
        {"a blank inside", TEXT(POST "Content-Length: 1 2\r\n\r\n"), HTTP_BAD_REQUEST},
        {"zero", TEXT(POST "Content-Length: 0\r\n\r\n"), WHOLE},
        {"2^64+2", TEXT(POST "Content-Length: 18446744073709551618\r\n\r\n"), WHOLE},
        {"chunked", TEXT(POST "Transfer-Encoding: chunked\r\n\r\n"), WHOLE},
        {"Chunked", TEXT(POST "transfer-encoding:\tChunked \r\n\r\n"), WHOLE},
        {"a blank before the colon", TEXT(POST "Transfer-Encoding : chunked\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"chunked twice",
         TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"xchunked", TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n"), HTTP_BAD_REQUEST},
        {"no coding", TEXT(POST "Transfer-Encoding:\r\n\r\n"), HTTP_BAD_REQUEST},
        {"chunked is not last", TEXT(POST "Transfer-Encoding: chunked, identity\r\n\r\n"),
         HTTP_BAD_REQUEST},
        {"gzip first", TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), HTTP_NOT_IMPLEMENTED},
        {"chunked in 1.0", TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
         HTTP_BAD_REQUEST},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void a_head_is_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        const char *unit;
        size_t times;
        const char *after;
        int status;
    } rows[] = {
        {"GET /", "a", 2000, " HTTP/1.1\r\n" HOST "\r\n", WHOLE},
        {"GET /", "a", 2048, " HTTP/1.1\r\n" HOST "\r\n", HTTP_URI_TOO_LONG},
        {"GET /", "a", 1000000, "", HTTP_URI_TOO_LONG},
        {"", "A", 10000, " / HTTP/1.1\r\n" HOST "\r\n", HTTP_NOT_IMPLEMENTED},
        {GET HOST "X: ", "y", 15000, "\r\n\r\n", WHOLE},
        {GET HOST "X: ", "y", 17000, "\r\n\r\n", HTTP_HEAD_TOO_LARGE},
        {GET HOST, "X: y\r\n", 99, "\r\n", WHOLE},
        {GET HOST, "X: y\r\n", 100, "\r\n", HTTP_HEAD_TOO_LARGE},
        {GET HOST, "X: y\r\n", 100000, "", HTTP_HEAD_TOO_LARGE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_STRBUF struct strbuf text = {0};
        strbuf_add(&text, rows[i].before);
        for (size_t k = 0; k < rows[i].times; k++) {
            strbuf_add(&text, rows[i].unit);
        }
        strbuf_add(&text, rows[i].after);
        struct http_head head = {0};
        CLEANUP_FREE char *copy = NULL;
        struct row row = {"long", text.text, text.len, 0};
        int status = read_head(&row, text.len, &head, &copy);
        if (status != rows[i].status) {
            fail_msg("row %zu: %d, not %d", i, status, rows[i].status);
        }
    }
}

static void what_was_said_is_understood(void **state)
{
    (void)state;
    struct http_head head = {0};
    CLEANUP_FREE char *text = NULL;
    struct row row = {"all",
                      TEXT("PUT HTTP://LocalHost:80/v1/gpus?x=y HTTP/1.1\r\nhOST: other\r\n"
                           "Content-Length:  007\t\r\nCONNECTION: a, Close\r\n\r\nrest"),
                      WHOLE};
    assert_int_equal(read_head(&row, row.len, &head, &text), WHOLE);
    assert_string_equal(head.method, "PUT");
    assert_string_equal(head.target, "/v1/gpus?x=y");
    assert_string_equal(http_head_field(&head, "Host"), "LocalHost:80");
    assert_string_equal(http_head_field(&head, "content-length"), "007");
    assert_null(http_head_field(&head, "Content"));
    assert_int_equal(head.framing, HTTP_BODY_LENGTH);
    assert_int_equal(head.length, 7);
    assert_false(head.keep_alive);
    assert_false(head.expects_continue);
}

static void an_absolute_target_names_a_host(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"with a path", TEXT("GET http://x/v1 HTTP/1.1\r\n" HOST "\r\n"), WHOLE},
        {"without a path", TEXT("GET http://x HTTP/1.1\r\n" HOST "\r\n"), WHOLE},
        {"without a Host field", TEXT("GET http://x/ HTTP/1.1\r\n\r\n"), HTTP_BAD_REQUEST},
        {"no host", TEXT("GET http:///v1 HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a user", TEXT("GET http://a@x/v1 HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a query at once", TEXT("GET http://x?a HTTP/1.1\r\n" HOST "\r\n"), HTTP_BAD_REQUEST},
        {"a host that is none", TEXT("GET http://x\\y/v1 HTTP/1.1\r\n" HOST "\r\n"),
         HTTP_BAD_REQUEST},
    };
    check_rows(rows, ARRAY_SIZE(rows));
}

static void a_connection_stays_open_unless_one_side_says_otherwise(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        bool keep;
    } rows[] = {
        {{"1.1", TEXT(GET HOST "\r\n"), WHOLE}, true},
        {{"1.0", TEXT("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), WHOLE}, false},
        {{"close", TEXT(GET HOST "Connection: close\r\n\r\n"), WHOLE}, false},
        {{"in a list", TEXT(GET HOST "Connection: x ,close ,y\r\n\r\n"), WHOLE}, false},
        {{"second field", TEXT(GET HOST "Connection: x\r\nConnection: close\r\n\r\n"), WHOLE},
         false},
        {{"closed", TEXT(GET HOST "Connection: closed, xclose\r\n\r\n"), WHOLE}, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_head head = {0};
        CLEANUP_FREE char *text = NULL;
        assert_int_equal(read_head(&rows[i].row, rows[i].row.len, &head, &text), WHOLE);
        if (head.keep_alive != rows[i].keep) {
            fail_msg("%s", rows[i].row.name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_line_is_three_words),
        cmocka_unit_test(every_line_ends_with_crlf_and_holds_no_control_character),
        cmocka_unit_test(header_fields_are_read_strictly),
        cmocka_unit_test(what_is_unclear_about_the_length_is_refused),
        cmocka_unit_test(a_head_is_bounded),
        cmocka_unit_test(what_was_said_is_understood),
        cmocka_unit_test(an_absolute_target_names_a_host),
        cmocka_unit_test(a_connection_stays_open_unless_one_side_says_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
