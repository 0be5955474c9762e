/* SPDX-License-Identifier: Apache-2.0 */
/* The server on real sockets, its clients in the same process, its loop turned by hand. */
#include "api/http.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define MAX_HELD 64
#define PATIENCE_US UINT64_C(20000000)
#define GET "GET /v1/now HTTP/1.1\r\nHost: x\r\n\r\n"
#define HOLD "GET /v1/hold HTTP/1.1\r\nHost: x\r\n\r\n"
#define HOLD_CHANGE "POST /v1/hold HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

struct site {
    struct evloop *loop;
    struct http *http;
    struct http_exchange *held[MAX_HELD]; /* "/v1/hold" waits until a test answers it */
    size_t n_held;
    size_t n_done; /* of what hung on exchanges */
    size_t n_handled;
    char last_body[64];
};

static struct http_response text_response(int status, const char *text)
{
    return (struct http_response){
        .status = status, .content_type = "text/plain", .body = xstrdup(text)};
}

static struct http_response refuse(int status, const struct error *err)
{
    return text_response(status, err->message);
}

static void on_done(void *data)
{
    struct site *site = data;
    site->n_done++;
}

static void handle(struct http_exchange *exchange, void *data)
{
    struct site *site = data;
    const struct http_request *request = http_exchange_request(exchange);
    site->n_handled++;
    STR_SET(site->last_body, request->body);
    http_exchange_attach(exchange, site, on_done);
    if (str_eq(request->target.segments[1], "hold")) {
        assert_true(site->n_held < MAX_HELD);
        site->held[site->n_held++] = exchange;
        return;
    }
    http_answer(exchange, text_response(200, "now"));
}

static void open_site(struct site *site, struct http_limits limits, unsigned idle_s)
{
    *site = (struct site){0};
    assert_int_equal(evloop_new(&site->loop), 0);
    const struct http_config config = {
        .loop = site->loop,
        .idle_s = idle_s,
        .limits = limits,
        .handle = handle,
        .refuse = refuse,
        .data = site,
    };
    site->http = http_new(&config);
    assert_non_null(site->http);
}

static void close_site(struct site *site)
{
    size_t handled = site->n_handled;
    http_free(site->http);
    evloop_free(site->loop);
    assert_int_equal(site->n_done, handled); /* nothing is left of any request */
}

static void turn(struct site *site, uint64_t timeout_us)
{
    assert_true(evloop_step(site->loop, timeout_us) >= 0);
}

/* Turns the loop until nothing is left to do now. */
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
    return fds[1];
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The bytes that have come so far; *ret_ended: no more will. */
static void hear(int fd, struct strbuf *out, bool *ret_ended)
{
    char buffer[4096];
    *ret_ended = false;
    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
        if (n > 0) {
            strbuf_addn(out, buffer, (size_t)n);
            continue;
        }
        *ret_ended = n == 0 || errno != EAGAIN;
        return;
    }
}

/* Turns the loop until the server has closed, and gives what it said. */
static char *hear_all(struct site *site, int fd)
{
    struct strbuf out = {0};
    bool ended = false;
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    for (hear(fd, &out, &ended); !ended; hear(fd, &out, &ended)) {
        assert_true(clock_monotonic_us() < until);
        turn(site, 100000);
    }
    close(fd);
    return strbuf_take(&out);
}

static void expect_status(struct site *site, int fd, const char *status)
{
    struct strbuf out = {0};
    bool ended = false;
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    for (hear(fd, &out, &ended); out.len == 0 && !ended; hear(fd, &out, &ended)) {
        assert_true(clock_monotonic_us() < until);
        turn(site, 100000);
    }
    CLEANUP_FREE char *start = xasprintf("HTTP/1.1 %s ", status);
    if (!str_starts(strbuf_str(&out), start)) {
        fail_msg("not %s but: %s", status, strbuf_str(&out));
    }
    strbuf_done(&out);
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        n++;
    }
    return n;
}

static const struct http_limits roomy = {.connections = 50, .kept_for_root = 5, .per_user = 20};

static void a_waiting_request_whose_client_left_frees_its_slot(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    for (size_t i = 0; i < 10; i++) {
        int fd = dial(&site);
        say(fd, i % 2 == 0 ? HOLD : HOLD_CHANGE);
        settle(&site);
        close(fd);
        settle(&site);
        assert_int_equal(http_connections(site.http), 0);
    }
    assert_int_equal(http_waiting(site.http), 10);
    for (size_t i = 0; i < 10; i++) {
        assert_string_equal(http_exchange_request(site.held[i])->method,
                            i % 2 == 0 ? "GET" : "POST");
        http_answer(site.held[i], text_response(200, "late"));
    }
    assert_int_equal(http_waiting(site.http), 0);
    close_site(&site);
}

static void a_client_that_left_with_more_to_read_frees_its_slot_too(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    int fd = dial(&site);
    say(fd, HOLD HOLD HOLD);
    settle(&site);
    say(fd, HOLD);
    settle(&site);
    close(fd);
    settle(&site);
    assert_int_equal(http_connections(site.http), 0);
    assert_int_equal(http_waiting(site.http), 1);
    close_site(&site);
}

static void a_half_closed_client_gets_its_answers(void **state)
{
    (void)state;
    static const char *const requests[] = {GET, HOLD, HOLD GET, GET HOLD, HOLD_CHANGE};
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct site site;
        open_site(&site, roomy, 30);
        int fd = dial(&site);
        say(fd, requests[i]);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        settle(&site);
        for (size_t k = 0; k < site.n_held; k++) {
            assert_int_equal(http_connections(site.http), 1);
            http_answer(site.held[k], text_response(200, "held"));
        }
        CLEANUP_FREE char *answer = hear_all(&site, fd);
        assert_int_equal(count(answer, "HTTP/1.1 200 OK"), count(requests[i], " HTTP/1.1"));
        settle(&site);
        assert_int_equal(http_connections(site.http), 0);
        close_site(&site);
    }
}

static void a_request_that_ends_in_the_middle_is_refused(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /v1/now HT", "GET /v1/now HTTP/1.1\r\nHost: x\r\n",
        "POST /v1/now HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab",
        "POST /v1/now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct site site;
        open_site(&site, roomy, 30);
        int fd = dial(&site);
        say(fd, requests[i]);
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        CLEANUP_FREE char *answer = hear_all(&site, fd);
        assert_true(str_starts(answer, "HTTP/1.1 400 Bad Request\r\n"));
        assert_int_equal(site.n_handled, 0);
        close_site(&site);
    }
}

static void a_refusal_has_one_head_and_ends_the_connection(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /v1/now HTTP/1.1\r\n\r\n" GET, "GET /v1/%zz HTTP/1.1\r\nHost: x\r\n\r\n" GET,
        "POST /v1/now HTTP/1.1\r\nHost: x\r\nContent-Length: banana\r\n\r\n" GET,
        "POST /v1/now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nbanana\r\n" GET,
        "POST /v1/now HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n" GET};
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        struct site site;
        open_site(&site, roomy, 30);
        int fd = dial(&site);
        say(fd, requests[i]);
        CLEANUP_FREE char *answer = hear_all(&site, fd);
        assert_true(str_starts(answer, "HTTP/1.1 4"));
        assert_int_equal(count(answer, "HTTP/1.1 "), 1);
        assert_int_equal(count(answer, "\r\nConnection: close\r\n"), 1);
        assert_int_equal(site.n_handled, 0);
        close_site(&site);
    }
}

static void whole_bodies_reach_the_handler(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    int fd = dial(&site);
    say(fd, "POST /v1/now HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
    settle(&site);
    assert_int_equal(site.n_handled, 0);
    say(fd, "lo" GET "POST /v1/now HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nbye\r\n0\r\n\r\n");
    settle(&site);
    assert_int_equal(site.n_handled, 3);
    assert_string_equal(site.last_body, "bye");
    close(fd);
    close_site(&site);
}

static void slow_heads_and_bodies_are_cut_off_and_answered(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *answer;
    } rows[] = {
        {"", ""},
        {"G", "HTTP/1.1 408"},
        {"GET /v1/now HTTP/1.1\r\nX: ", "HTTP/1.1 408"},
        {"POST /v1/now HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel", "HTTP/1.1 408"},
    };
    struct site site;
    open_site(&site, roomy, 1);
    int fds[ARRAY_SIZE(rows)];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        fds[i] = dial(&site);
        say(fds[i], rows[i].text);
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *answer = hear_all(&site, fds[i]);
        assert_true(str_starts(answer, rows[i].answer));
    }
    close_site(&site);
}

static void bytes_that_drip_do_not_win_time_for_a_head(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 1);
    int fd = dial(&site);
    say(fd, "GET /v1/now HTTP/1.1\r\nX: ");
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    uint64_t next = 0;
    for (;;) { /* a byte every 10 ms, until the server has no ear for it */
        uint64_t now = clock_monotonic_us();
        assert_true(now < until);
        if (now >= next && send(fd, "a", 1, MSG_NOSIGNAL) != 1) {
            break;
        }
        next = now >= next ? now + 10000 : next;
        turn(&site, 5000);
    }
    CLEANUP_FREE char *answer = hear_all(&site, fd);
    assert_true(str_starts(answer, "HTTP/1.1 408"));
    close_site(&site);
}

static void when_all_slots_wait_root_still_comes_in(void **state)
{
    (void)state;
    struct site site;
    /* socketpair() makes this process the user: cleaved's own, which counts as root. */
    open_site(&site, (struct http_limits){.connections = 8, .kept_for_root = 2, .per_user = 4}, 30);
    int fds[8];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dial(&site);
        say(fds[i], i < 4 ? HOLD_CHANGE : HOLD);
        settle(&site);
    }
    for (size_t i = 0; i < 4; i++) { /* each takes the place of what only reads */
        int fd = dial(&site);
        say(fd, HOLD_CHANGE);
        settle(&site);
        expect_status(&site, fds[4 + i], "503");
        close(fds[4 + i]);
        fds[4 + i] = fd;
    }
    int late = dial(&site);
    expect_status(&site, late, "503");
    close(late);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    settle(&site);
    assert_int_equal(http_connections(site.http), 0);
    close_site(&site);
}

static void slow_and_idle_connections_make_room_for_a_request(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, (struct http_limits){.connections = 8, .kept_for_root = 2, .per_user = 4}, 30);
    int fds[40];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dial(&site);
        say(fds[i], i % 2 == 0 ? "" : "GET /v1/now HTTP/1.1\r\nX: ");
        int quick = dial(&site);
        say(quick, GET);
        expect_status(&site, quick, "200");
        close(quick);
        settle(&site);
        assert_true(http_connections(site.http) <= ARRAY_SIZE(fds));
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    close_site(&site);
}

static void who_makes_room_before_a_first_request_is_answered(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, (struct http_limits){.connections = 2, .kept_for_root = 0, .per_user = 2}, 30);
    int used = dial(&site);
    say(used, GET);
    expect_status(&site, used, "200");
    int fresh = dial(&site);
    int next = dial(&site);
    CLEANUP_FREE char *nothing = hear_all(&site, used);
    assert_string_equal(nothing, "");
    int last = dial(&site);
    say(fresh, GET); /* it does not know yet */
    expect_status(&site, fresh, "503");
    close(fresh);
    close(next);
    close(last);
    close_site(&site);
}

static void unfinished_bodies_have_a_common_bound(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    CLEANUP_FREE char *most = xcalloc(1, HTTP_MAX_BODY + 1);
    memset(most, ' ', HTTP_MAX_BODY - 1);
    int fds[40];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dial(&site);
        CLEANUP_FREE char *head = xasprintf(
            "POST /v1/now HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", HTTP_MAX_BODY);
        say(fds[i], head);
        for (size_t at = 0; at < HTTP_MAX_BODY - 1;) {
            ssize_t n = send(fds[i], most + at, HTTP_MAX_BODY - 1 - at, MSG_NOSIGNAL);
            assert_true(n > 0 || errno == EAGAIN);
            at += n > 0 ? (size_t)n : 0;
            settle(&site);
        }
    }
    /* The first ones, which took longest, were turned away; the last is served as soon as it ends.
     */
    expect_status(&site, fds[0], "503");
    expect_status(&site, fds[20], "503");
    say(fds[39], " ");
    expect_status(&site, fds[39], "200");
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    close_site(&site);
}

static void a_client_that_does_not_take_its_answer_holds_up_no_other(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    int slow = dial(&site);
    say(slow, HOLD);
    settle(&site);
    char *large = xcalloc(1, 4 * HTTP_MAX_BODY + 1);
    memset(large, 'x', 4 * HTTP_MAX_BODY);
    http_answer(site.held[0],
                (struct http_response){.status = 200, .content_type = "text/plain", .body = large});
    settle(&site);
    int quick = dial(&site);
    say(quick, GET);
    expect_status(&site, quick, "200");
    assert_int_equal(shutdown(slow, SHUT_WR), 0);
    CLEANUP_FREE char *answer = hear_all(&site, slow);
    assert_true(strlen(answer) > 4 * HTTP_MAX_BODY);
    close(quick);
    close_site(&site);
}

static void what_waits_when_the_server_ends_is_answered(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    int fd = dial(&site);
    say(fd, HOLD GET);
    settle(&site);
    close_site(&site);
    struct strbuf out = {0};
    bool ended = false;
    hear(fd, &out, &ended);
    assert_true(ended && str_starts(strbuf_str(&out), "HTTP/1.1 503"));
    assert_int_equal(count(out.text, "HTTP/1.1 "), 1);
    strbuf_done(&out);
    close(fd);
}

static int dial_tcp(struct site *site)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    http_serve_connection(site->http, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    close(listener);
    return fd;
}

/* A TCP client whose request waits. */
static int hold_tcp(struct site *site)
{
    size_t before = site->n_held;
    int fd = dial_tcp(site);
    say(fd, HOLD);
    while (site->n_held == before) {
        turn(site, 100000);
    }
    return fd;
}

static void turn_until_connections(struct site *site, size_t n)
{
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    while (http_connections(site->http) != n) {
        assert_true(clock_monotonic_us() < until);
        turn(site, 100000);
    }
}

static void a_tcp_client_that_left_frees_its_slot_and_a_half_closed_one_is_answered(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, roomy, 30);
    int half = hold_tcp(&site);
    int left = hold_tcp(&site);
    int half_then_left = hold_tcp(&site);
    assert_int_equal(shutdown(half, SHUT_WR), 0);
    assert_int_equal(shutdown(half_then_left, SHUT_WR), 0);
    settle(&site);
    assert_int_equal(http_connections(site.http), 3);
    close(left);
    turn_until_connections(&site, 2);
    close(half_then_left);
    turn_until_connections(&site, 1);
    http_answer(site.held[0], text_response(200, "held"));
    CLEANUP_FREE char *answer = hear_all(&site, half);
    assert_true(str_starts(answer, "HTTP/1.1 200"));
    turn_until_connections(&site, 0);
    close_site(&site);
}

static void half_closed_tcp_clients_make_room(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, (struct http_limits){.connections = 8, .kept_for_root = 2, .per_user = 2}, 30);
    int fds[4];
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) { /* TCP has two slots here */
        fds[i] = hold_tcp(&site);
        assert_int_equal(shutdown(fds[i], SHUT_WR), 0);
        settle(&site);
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        if (i < 2) {
            expect_status(&site, fds[i], "503");
        }
        close(fds[i]);
    }
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiting_request_whose_client_left_frees_its_slot),
        cmocka_unit_test(a_client_that_left_with_more_to_read_frees_its_slot_too),
        cmocka_unit_test(a_half_closed_client_gets_its_answers),
        cmocka_unit_test(a_request_that_ends_in_the_middle_is_refused),
        cmocka_unit_test(a_refusal_has_one_head_and_ends_the_connection),
        cmocka_unit_test(whole_bodies_reach_the_handler),
        cmocka_unit_test(slow_heads_and_bodies_are_cut_off_and_answered),
        cmocka_unit_test(bytes_that_drip_do_not_win_time_for_a_head),
        cmocka_unit_test(when_all_slots_wait_root_still_comes_in),
        cmocka_unit_test(slow_and_idle_connections_make_room_for_a_request),
        cmocka_unit_test(who_makes_room_before_a_first_request_is_answered),
        cmocka_unit_test(unfinished_bodies_have_a_common_bound),
        cmocka_unit_test(a_client_that_does_not_take_its_answer_holds_up_no_other),
        cmocka_unit_test(what_waits_when_the_server_ends_is_answered),
        cmocka_unit_test(a_tcp_client_that_left_frees_its_slot_and_a_half_closed_one_is_answered),
        cmocka_unit_test(half_closed_tcp_clients_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
