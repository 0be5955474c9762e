/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that go on, on real sockets, with the loop turned by hand. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define GET "GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n"
#define PIECE ((size_t)64 * 1024)
#define ROUND_US UINT64_C(3000000)

struct site {
    struct evloop *loop;
    struct http *http;
    struct conn *conn; /* of the latest stream */
    size_t left_to_say;
    size_t n_said;
    size_t n_begun, n_left;
    bool late; /* answers wait for begin() */
    struct http_exchange *waits;
};

static struct http_response refuse(int status, const struct error *err)
{
    return (struct http_response){
        .status = status, .content_type = "text/plain", .body = xstrdup(err->message)};
}

static void more(struct strbuf *out, void *data)
{
    struct site *site = data;
    size_t n = site->left_to_say < PIECE ? site->left_to_say : PIECE;
    site->left_to_say -= n;
    site->n_said += n;
    for (size_t i = 0; i < n; i++) {
        strbuf_addn(out, "x", 1);
    }
}

static void left(void *data)
{
    struct site *site = data;
    site->n_left++;
    site->conn = NULL;
}

static void begin(struct site *site, struct http_exchange *exchange)
{
    const struct http_stream stream = {
        .content_type = "text/event-stream", .more = more, .left = left, .data = site};
    site->conn = http_answer_stream(exchange, &stream);
    site->n_begun += site->conn != NULL;
}

static void handle(struct http_exchange *exchange, void *data)
{
    struct site *site = data;
    if (site->late) {
        site->waits = exchange;
    } else {
        begin(site, exchange);
    }
}

static int open_site(void **state)
{
    struct site *site = xcalloc(1, sizeof(*site));
    assert_int_equal(evloop_new(&site->loop), 0);
    const struct http_config config = {
        .loop = site->loop, .idle_s = 1, .handle = handle, .refuse = refuse, .data = site};
    site->http = http_new(&config);
    assert_non_null(site->http);
    *state = site;
    return 0;
}

static int close_site(void **state)
{
    struct site *site = *state;
    http_free(site->http);
    evloop_free(site->loop);
    assert_int_equal(site->n_left, site->n_begun);
    free(site);
    return 0;
}

static void settle(struct site *site)
{
    while (evloop_step(site->loop, 0) > 0) {
    }
}

static int dial(struct site *site)
{
    int fds[2] = {-1, -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    http_serve_connection(site->http, fds[0]);
    assert_int_equal(send(fds[1], GET, strlen(GET), MSG_NOSIGNAL), (ssize_t)strlen(GET));
    settle(site);
    return fds[1];
}

/* All that is there; *ret_ended: and that is all. */
static char *hear(struct site *site, int fd, bool *ret_ended)
{
    CLEANUP_STRBUF struct strbuf got = {0};
    char bytes[4096];
    *ret_ended = false;
    settle(site);
    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n > 0) {
            strbuf_addn(&got, bytes, (size_t)n);
            settle(site);
            continue;
        }
        *ret_ended = n == 0 || errno != EAGAIN;
        return strbuf_take(&got);
    }
}

static void assert_hears(struct site *site, int fd, size_t bytes)
{
    bool ended = false;
    CLEANUP_FREE char *text = hear(site, fd, &ended);
    char *body = strstr(text, "\r\n\r\n");
    size_t heard = body != NULL ? strlen(body + 4) : strlen(text);
    assert_int_equal(heard, bytes);
    assert_false(ended);
}

static void pieces_come_when_they_are_there(void **state)
{
    struct site *site = *state;
    site->left_to_say = 5;
    int fd = dial(site);
    bool ended = false;
    CLEANUP_FREE char *text = hear(site, fd, &ended);
    assert_true(str_starts(text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
    assert_null(strstr(text, "Content-Length"));
    assert_true(str_ends(text, "\r\n\r\nxxxxx"));
    assert_false(ended);
    site->left_to_say = 1000000; /* more than any buffer takes at once */
    http_stream_wake(site->conn);
    assert_hears(site, fd, 1000000);
    close(fd);
}

static void one_who_takes_nothing_costs_one_piece_and_is_cut(void **state)
{
    struct site *site = *state;
    site->left_to_say = 100 * 1000 * 1000;
    int fd = dial(site);
    for (int i = 0; i < 100; i++) {
        http_stream_wake(site->conn);
        settle(site);
    }
    assert_true(site->n_said < 1000000); /* the kernel's buffers, and a piece */
    while (site->n_left == 0) {
        assert_true(evloop_step(site->loop, ROUND_US) >= 0);
    }
    close(fd);
}

static void one_who_leaves_is_noticed_at_once(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    assert_int_equal(site->n_begun, 1);
    close(fd);
    settle(site);
    assert_int_equal(site->n_left, 1);
}

static void silence_is_broken_by_comments(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    assert_hears(site, fd, 0);
    bool ended = false;
    CLEANUP_FREE char *text = xstrdup("");
    while (text[0] == '\0' && !ended) {
        assert_true(evloop_step(site->loop, ROUND_US) >= 0);
        free(text);
        text = hear(site, fd, &ended);
    }
    assert_string_equal(text, ":\n\n");
    assert_false(ended);
    site->left_to_say = 3;
    http_stream_wake(site->conn);
    assert_hears(site, fd, 3);
    close(fd);
}

static void one_who_ended_its_own_side_goes_on_reading(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    assert_hears(site, fd, 0);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    settle(site);
    assert_int_equal(site->n_left, 0);
    site->left_to_say = 9;
    http_stream_wake(site->conn);
    assert_hears(site, fd, 9);
    close(fd);
    settle(site);
    assert_int_equal(site->n_left, 1);
}

static void what_is_sent_behind_the_request_is_not_read(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    assert_int_equal(send(fd, GET, strlen(GET), MSG_NOSIGNAL), (ssize_t)strlen(GET));
    settle(site);
    assert_int_equal(site->n_begun, 1);
    close(fd);
}

static void a_client_that_has_left_gets_no_stream(void **state)
{
    struct site *site = *state;
    site->late = true;
    int fd = dial(site);
    assert_non_null(site->waits);
    close(fd);
    settle(site);
    begin(site, site->waits);
    assert_int_equal(site->n_begun, 0);
    assert_null(site->conn);
}

static void the_end_of_the_server_ends_streams(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    http_flush(site->http);
    settle(site);
    close_site(state);
    assert_int_equal(open_site(state), 0);
    char byte = 0;
    ssize_t n = 1;
    while (n > 0) {
        n = recv(fd, &byte, 1, 0);
    }
    assert_int_equal(n, 0);
    close(fd);
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, open_site, close_site)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(pieces_come_when_they_are_there),
        STREAM_TEST(one_who_takes_nothing_costs_one_piece_and_is_cut),
        STREAM_TEST(one_who_leaves_is_noticed_at_once),
        STREAM_TEST(silence_is_broken_by_comments),
        STREAM_TEST(one_who_ended_its_own_side_goes_on_reading),
        STREAM_TEST(what_is_sent_behind_the_request_is_not_read),
        STREAM_TEST(a_client_that_has_left_gets_no_stream),
        STREAM_TEST(the_end_of_the_server_ends_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
