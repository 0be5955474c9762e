/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for their turn, and answers that are not taken. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define PATIENCE_US UINT64_C(20000000)
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define WORK_US                                                                                    \
    2000 /* of a request for a list: more than one turn of the loop has for requests               \
          */
#define BIG (HTTP_MAX_UNSENT / 4) /* more than the kernel takes for a client that reads nothing */

struct site {
    struct evloop *loop;
    struct http *http;
    int listen_fd;
    char order[256]; /* first letter of what was asked for, in the order of handling */
};

static struct http_response text_response(int status, char *text)
{
    return (struct http_response){.status = status, .content_type = "text/plain", .body = text};
}

static struct http_response refuse(int status, const struct error *err)
{
    return text_response(status, xstrdup(err->message));
}

static bool is_urgent(const struct http_request *request, void *data UNUSED)
{
    return str_eq(request->target.segments[0], "health");
}

static char *big_text(void)
{
    char *text = xcalloc(1, BIG + 1);
    memset(text, 'x', BIG);
    return text;
}

static void handle(struct http_exchange *exchange, void *data)
{
    struct site *site = data;
    const char *what = http_exchange_request(exchange)->target.segments[0];
    size_t n = strlen(site->order);
    assert_true(n + 1 < sizeof(site->order));
    site->order[n] = what[0];
    for (uint64_t until = clock_monotonic_us() + WORK_US;
         str_eq(what, "list") && clock_monotonic_us() < until;) {
    }
    http_answer(exchange, text_response(200, str_eq(what, "big") ? big_text() : xstrdup(what)));
}

static void open_site(struct site *site, unsigned idle_s)
{
    *site = (struct site){0};
    assert_int_equal(evloop_new(&site->loop), 0);
    const struct http_config config = {.loop = site->loop,
                                       .idle_s = idle_s,
                                       .limits = {.connections = 200, .per_user = 100},
                                       .handle = handle,
                                       .refuse = refuse,
                                       .urgent = is_urgent,
                                       .data = site};
    site->http = http_new(&config);
    assert_non_null(site->http);
    site->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(site->listen_fd, (const struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(site->listen_fd, 200), 0);
}

static void close_site(struct site *site)
{
    http_free(site->http);
    evloop_free(site->loop);
    close(site->listen_fd);
}

/* As root, or the test's own user. */
static int dial(struct site *site)
{
    int fds[2] = {-1, -1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    http_serve_connection(site->http, fds[0]);
    return fds[1];
}

/* As another. */
static int dial_tcp(struct site *site)
{
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof(addr);
    int small = 65536;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    assert_int_equal(getsockname(site->listen_fd, (struct sockaddr *)&addr, &len), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&addr, len), 0);
    int served = accept4(site->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(served >= 0);
    http_serve_connection(site->http, served);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void turn(struct site *site)
{
    assert_true(evloop_step(site->loop, 100000) >= 0);
}

static void settle(struct site *site)
{
    while (evloop_step(site->loop, 0) > 0) {
    }
}

static size_t count(const char *text, char letter)
{
    size_t n = 0;
    for (const char *at = strchr(text, letter); at != NULL; at = strchr(at + 1, letter)) {
        n++;
    }
    return n;
}

static void turn_until_handled(struct site *site, char letter, size_t n)
{
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    while (count(site->order, letter) < n) {
        assert_true(clock_monotonic_us() < until);
        turn(site);
    }
}

#define LISTERS 8
#define EACH 10

/* A user who asks for many lists at once, in one go or on many connections, holds up another's
 * request by a few of them at most. */
static void many_lists_of_one_user_hold_up_no_other(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, 30);
    int fds[LISTERS];
    for (size_t i = 0; i < LISTERS; i++) {
        fds[i] = dial_tcp(&site);
        for (size_t k = 0; k < EACH; k++) {
            say(fds[i], GET("/list"));
        }
    }
    turn_until_handled(&site, 'l', 2 * LISTERS);
    int fd = dial(&site);
    say(fd, GET("/health") GET("/own"));
    size_t before = count(site.order, 'l');
    turn_until_handled(&site, 'o', 1);
    /* Each turn may have had the descriptors of all others first. */
    assert_in_range(count(site.order, 'l') - before, 0, 2 * LISTERS);
    assert_int_equal(strchr(site.order, 'h') < strchr(site.order, 'o'), true);
    turn_until_handled(&site, 'l', LISTERS * EACH);
    for (size_t i = 0; i < LISTERS; i++) {
        close(fds[i]);
    }
    close(fd);
    close_site(&site);
}

static void what_is_urgent_goes_before_lists_of_the_same_user(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, 30);
    int lister[3];
    for (size_t i = 0; i < ARRAY_SIZE(lister); i++) {
        lister[i] = dial_tcp(&site);
        say(lister[i], GET("/list") GET("/list") GET("/list"));
    }
    turn_until_handled(&site, 'l', 2);
    int fd = dial_tcp(&site);
    say(fd, GET("/health"));
    size_t before = count(site.order, 'l');
    turn_until_handled(&site, 'h', 1);
    assert_in_range(count(site.order, 'l') - before, 0, 5);
    for (size_t i = 0; i < ARRAY_SIZE(lister); i++) {
        close(lister[i]);
    }
    close(fd);
    close_site(&site);
}

static void what_was_not_begun_is_dropped_with_its_client(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, 30);
    int fd = dial(&site);
    say(fd, GET("/own") GET("/own"));
    close(fd);
    int tcp = dial_tcp(&site);
    struct linger reset = {.l_onoff = 1};
    assert_int_equal(setsockopt(tcp, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
    say(tcp, GET("/own"));
    close(tcp);
    settle(&site);
    assert_string_equal(site.order, "");
    assert_int_equal(http_connections(site.http), 0);
    close_site(&site);
}

static void what_was_not_begun_at_the_end_is_refused(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, 30);
    int fd = dial(&site);
    say(fd, GET("/own"));
    turn(&site); /* it is read */
    http_flush(site.http);
    char answer[64] = "";
    assert_true(recv(fd, answer, sizeof(answer) - 1, 0) > 0);
    assert_true(str_starts(answer, "HTTP/1.1 503 "));
    assert_string_equal(site.order, "");
    close(fd);
    close_site(&site);
}

static bool is_closed(int fd)
{
    char buffer[65536];
    ssize_t n = 0;
    do {
        n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    } while (n > 0);
    return n == 0 || errno != EAGAIN;
}

static void answers_that_are_not_taken_have_a_common_bound(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, 30);
    int fds[12];
    int own = dial(&site);
    say(own, GET("/big"));
    turn_until_handled(&site, 'b', 1);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = dial_tcp(&site);
        say(fds[i], GET("/big"));
        turn_until_handled(&site, 'b', i + 2);
        settle(&site);
    }
    size_t kept = http_connections(site.http);
    assert_in_range(kept, 4, 6);  /* what the kernel took of each is not counted */
    assert_false(is_closed(own)); /* the user with most loses some, the longest first */
    assert_true(is_closed(fds[0]));
    assert_false(is_closed(fds[ARRAY_SIZE(fds) - 1]));
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    close(own);
    close_site(&site);
}

static void an_answer_that_is_taken_in_drips_is_cut_off(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, 1);
    int fd = dial(&site);
    say(fd, GET("/big"));
    uint64_t until = clock_monotonic_us() + PATIENCE_US;
    char buffer[4096]; /* small enough to need longer than the whole may take */
    uint64_t next_us = 0;
    while (http_connections(site.http) > 0) {
        assert_true(clock_monotonic_us() < until);
        if (clock_monotonic_us() >= next_us) {
            (void)!recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
            next_us = clock_monotonic_us() + 10000;
        }
        assert_true(evloop_step(site.loop, 10000) >= 0);
    }
    close(fd);
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_lists_of_one_user_hold_up_no_other),
        cmocka_unit_test(what_is_urgent_goes_before_lists_of_the_same_user),
        cmocka_unit_test(what_was_not_begun_is_dropped_with_its_client),
        cmocka_unit_test(what_was_not_begun_at_the_end_is_refused),
        cmocka_unit_test(answers_that_are_not_taken_have_a_common_bound),
        cmocka_unit_test(an_answer_that_is_taken_in_drips_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
