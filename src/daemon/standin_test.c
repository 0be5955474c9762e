/* SPDX-License-Identifier: Apache-2.0 */
/* A loop that stands is one in a callback: the clients of these tests speak from there. */
#include "daemon/standin.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/socket.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define SHORT_US 200000
#define LONG_US 60000000
#define HEALTH "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
#define HOOK                                                                                       \
    "POST /v1/hooks/qemu HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"                \
    "Content-Length: 2\r\n\r\n{}"

struct site {
    struct evloop *loop;
    struct standin *standin;
    int listen_fd;
    char dir[32], path[64];
    const char *request;
    char *answers[2];
};

static pthread_mutex_t ended_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended_changed = PTHREAD_COND_INITIALIZER;
static unsigned n_ended;

static void note_end(void)
{
    (void)pthread_mutex_lock(&ended_lock);
    n_ended++;
    (void)pthread_cond_broadcast(&ended_changed);
    (void)pthread_mutex_unlock(&ended_lock);
}

static void wait_for_end(void)
{
    (void)pthread_mutex_lock(&ended_lock);
    while (n_ended == 0) {
        (void)pthread_cond_wait(&ended_changed, &ended_lock);
    }
    (void)pthread_mutex_unlock(&ended_lock);
}

static void open_site_as(struct site *site, uint64_t finish_us, bool starting)
{
    *site = (struct site){.dir = "/tmp/standin.XXXXXX"};
    n_ended = 0;
    assert_non_null(mkdtemp(site->dir));
    str_print(site->path, sizeof(site->path), "%s/s", site->dir);
    assert_int_equal(socket_listen_unix(site->path, NULL, &site->listen_fd, NULL), 0);
    assert_int_equal(evloop_new(&site->loop), 0);
    assert_int_equal(evloop_add_signal(site->loop, SIGTERM, evloop_quit, site->loop), 0);
    const struct standin_config config = {.loop = site->loop,
                                          .state_dir = "/state",
                                          .sockets = {site->listen_fd},
                                          .n_sockets = 1,
                                          .starting = starting,
                                          .patience_us = SHORT_US,
                                          .finish_us = finish_us,
                                          .end = note_end};
    assert_int_equal(standin_new(&config, &site->standin, NULL), 0);
}

static void open_site(struct site *site, uint64_t finish_us)
{
    open_site_as(site, finish_us, false);
}

static void close_site(struct site *site)
{
    standin_finish(site->standin);
    evloop_free(site->loop);
    standin_free(site->standin);
    close(site->listen_fd);
    unlink(site->path);
    rmdir(site->dir);
    free(site->answers[0]);
    free(site->answers[1]);
}

static int dial(const struct site *site)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    STR_SET(addr.sun_path, site->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    return fd;
}

/* Waits for the whole answer. */
static char *ask(const struct site *site, const char *request)
{
    char buffer[4096];
    struct strbuf out = {0};
    int fd = dial(site);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (ssize_t n = recv(fd, buffer, sizeof(buffer), 0); n > 0;
         n = recv(fd, buffer, sizeof(buffer), 0)) {
        strbuf_addn(&out, buffer, (size_t)n);
    }
    close(fd);
    return strbuf_take(&out);
}

static void ask_from_the_loop(void *data)
{
    struct site *site = data;
    int silent = dial(site); /* holds up no other */
    site->answers[0] = ask(site, HEALTH);
    site->answers[1] = ask(site, HOOK);
    close(silent);
    evloop_stop(site->loop, 0);
}

static json_t *body_of(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    json_t *json = json_loads(body, 0, NULL);
    assert_non_null(json);
    return json;
}

static void a_loop_that_stands_is_answered_for(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, SHORT_US);
    evloop_post(site.loop, ask_from_the_loop, &site);
    assert_int_equal(evloop_run(site.loop), 0);
    assert_true(str_starts(site.answers[0], "HTTP/1.1 503 Service Unavailable\r\n"));
    CLEANUP_JSON json_t *health = body_of(site.answers[0]);
    assert_string_equal(json_string_value(json_object_get(health, "status")), "degraded");
    const json_t *problem = json_array_get(json_object_get(health, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "cleaved");
    assert_non_null(json_string_value(json_object_get(problem, "since")));
    assert_true(str_starts(site.answers[1], "HTTP/1.1 503 Service Unavailable\r\n"));
    CLEANUP_JSON json_t *refusal = body_of(site.answers[1]);
    assert_string_equal(json_string_value(json_object_get(refusal, "reason")), "unavailable");
    close_site(&site);
}

/* The state is read before the loop runs, and its disk may hang. */
static void a_start_that_hangs_is_answered_for(void **state)
{
    (void)state;
    struct site site;
    open_site_as(&site, SHORT_US, true);
    CLEANUP_FREE char *answer = ask(&site, HEALTH);
    assert_true(str_starts(answer, "HTTP/1.1 503 Service Unavailable\r\n"));
    CLEANUP_JSON json_t *health = body_of(answer);
    const json_t *problem = json_array_get(json_object_get(health, "problems"), 0);
    assert_string_equal(json_string_value(json_object_get(problem, "what")), "store");
    assert_non_null(strstr(json_string_value(json_object_get(problem, "text")),
                           "it has been opening the state in /state since"));
    (void)kill(getpid(), SIGTERM); /* blocked here, as in cleaved */
    wait_for_end();
    close_site(&site);
}

static void leave_a_start(void *data)
{
    struct site *site = data;
    evloop_stop(site->loop, 0);
}

static void a_start_that_is_over_has_its_clients(void **state)
{
    (void)state;
    struct site site;
    open_site_as(&site, LONG_US, true);
    CLEANUP_FREE char *answer = ask(&site, HEALTH);
    standin_started(site.standin);
    evloop_post(site.loop, leave_a_start, &site);
    assert_int_equal(evloop_run(site.loop), 0);
    bool left_alone = false;
    for (int i = 0; i < 5 && !left_alone; i++) {
        int fd = dial(&site);
        for (uint64_t until = clock_monotonic_us() + (uint64_t)3 * SHORT_US;
             clock_monotonic_us() < until;) {
            assert_true(evloop_step(site.loop, 10000) >= 0);
        }
        int served = accept4(site.listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        left_alone = served >= 0;
        close(served);
        close(fd);
    }
    assert_true(left_alone);
    close_site(&site);
}

/* Then the loop's own server answers, and the stand-in keeps its hands off. */
static void a_loop_that_turns_has_its_clients(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, SHORT_US);
    evloop_post(site.loop, ask_from_the_loop, &site);
    assert_int_equal(evloop_run(site.loop), 0);
    bool left_alone = false;
    /* One that comes just when the loop turns again may still be answered for. */
    for (int i = 0; i < 5 && !left_alone; i++) {
        char byte = 0;
        int fd = dial(&site);
        for (uint64_t until = clock_monotonic_us() + (uint64_t)3 * SHORT_US;
             clock_monotonic_us() < until;) {
            assert_true(evloop_step(site.loop, 10000) >= 0);
        }
        int served = accept4(site.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        left_alone = served >= 0 && recv(fd, &byte, 1, MSG_DONTWAIT) == -1;
        close(served);
        close(fd);
    }
    assert_true(left_alone);
    close_site(&site);
}

static void stand_until_the_end(void *data)
{
    struct site *site = data;
    (void)kill(getpid(), SIGTERM); /* blocked here, as in cleaved */
    wait_for_end();
    evloop_stop(site->loop, 1);
}

static void the_end_is_not_held_up(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, SHORT_US);
    evloop_post(site.loop, stand_until_the_end, &site);
    (void)evloop_run(site.loop);
    assert_int_equal(n_ended, 1);
    close_site(&site);
}

static void ask_for_the_end_and_turn(void *data)
{
    struct site *site = data;
    (void)kill(getpid(), SIGTERM);
    free(ask(site, HEALTH)); /* it stands, and then not any more */
}

static void a_loop_that_turns_in_time_ends_as_always(void **state)
{
    (void)state;
    struct site site;
    open_site(&site, LONG_US);
    evloop_post(site.loop, ask_for_the_end_and_turn, &site);
    assert_int_equal(evloop_run(site.loop), 0);
    assert_int_equal(n_ended, 0);
    close_site(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_that_stands_is_answered_for),
        cmocka_unit_test(a_start_that_hangs_is_answered_for),
        cmocka_unit_test(a_start_that_is_over_has_its_clients),
        cmocka_unit_test(a_loop_that_turns_has_its_clients),
        cmocka_unit_test(the_end_is_not_held_up),
        cmocka_unit_test(a_loop_that_turns_in_time_ends_as_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
