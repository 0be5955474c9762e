/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "lib/local_socket.h"
#include "lib/reply.h"
#include "test.h"

static void names_are_escaped(void **state)
{
    (void)state;
    char *path = client_path("/v1/gpus/", "0000:41:00.0", "/mode");
    assert_string_equal(path, "/v1/gpus/0000:41:00.0/mode");
    free(path);
    path = client_path("/v1/claims/", "a/b ?%\xc3\xa4", "");
    assert_string_equal(path, "/v1/claims/a%2Fb%20%3F%25%C3%A4");
    free(path);
}

static void a_problem_becomes_the_error_it_was(void **state)
{
    (void)state;
    static const char text[] =
        "{\"type\":\"about:blank\",\"status\":422,\"reason\":\"rule-violated\","
        "\"detail\":\"no\",\"subject\":\"claim/a\",\"rule\":\"r1\","
        "\"hint\":\"do\"}";
    json_t *json = reply_parse(text, strlen(text));
    assert_non_null(json);
    struct error err = {0};
    assert_int_equal(reply_problem(json, 422, &err), -REASON_RULE);
    assert_string_equal(err.message, "no");
    assert_string_equal(err.subject, "claim/a");
    assert_string_equal(err.rule, "r1");
    assert_string_equal(err.hint, "do");
    json_decref(json);
}

static void an_unknown_problem_is_internal(void **state)
{
    (void)state;
    json_t *json = reply_parse("{}", 2);
    struct error err = {0};
    assert_int_equal(reply_problem(json, 500, &err), -REASON_INTERNAL);
    assert_non_null(strstr(err.message, "500"));
    json_decref(json);
}

static void what_is_no_object_is_no_reply(void **state)
{
    (void)state;
    assert_null(reply_parse("[1]", 3));
    assert_null(reply_parse("<html>", 6));
    assert_null(reply_parse("", 0));
}

static void a_missing_daemon_is_named(void **state)
{
    (void)state;
    struct client *client = client_new("/nonexistent/cleaved.sock");
    json_t *json = NULL;
    struct error err = {0};
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err),
                     -REASON_UNAVAILABLE);
    assert_string_equal(err.message, "cleaved does not answer on /nonexistent/cleaved.sock");
    assert_non_null(strstr(err.hint, "--socket"));
    assert_true(client_found_none(client));
    client_free(client);
}

/* ---- a queue that is full ---- */

#define MAX_QUEUED 8

struct crowd {
    struct sockaddr_un address;
    int listen_fd;
    int queued[MAX_QUEUED];
    size_t n;
    char dir[64];
};

static void crowd_init(struct crowd *crowd)
{
    *crowd = (struct crowd){.address = {.sun_family = AF_UNIX}, .dir = "/tmp/cleave-test-XXXXXX"};
    assert_non_null(mkdtemp(crowd->dir));
    (void)snprintf(crowd->address.sun_path, sizeof(crowd->address.sun_path), "%s/s", crowd->dir);
    crowd->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(crowd->listen_fd, (const struct sockaddr *)&crowd->address, sizeof(crowd->address)),
        0);
    assert_int_equal(listen(crowd->listen_fd, 0), 0);
    int full = 0;
    while (full != EAGAIN) {
        assert_true(crowd->n < MAX_QUEUED);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        full = connect(fd, (const struct sockaddr *)&crowd->address, sizeof(crowd->address)) == 0
                   ? 0
                   : errno;
        crowd->queued[crowd->n++] = fd;
    }
}

static void crowd_done(struct crowd *crowd)
{
    for (size_t i = 0; i < crowd->n; i++) {
        (void)close(crowd->queued[i]);
    }
    if (crowd->listen_fd >= 0) {
        (void)close(crowd->listen_fd);
    }
    assert_int_equal(fs_remove_tree(crowd->dir), 0);
}

static void a_busy_daemon_is_not_a_missing_one(void **state)
{
    (void)state;
    struct crowd crowd;
    crowd_init(&crowd);
    struct client *client = client_new(crowd.address.sun_path);
    client_set_timeout(client, 1);
    json_t *json = NULL;
    struct error err = {0};
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err),
                     -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "is busy"));
    assert_null(strstr(err.hint, "start cleaved"));
    assert_false(client_found_none(client));
    int fd = -1;
    assert_int_equal(local_socket_connect(crowd.address.sun_path, 10, &fd), -EAGAIN);
    (void)close(crowd.listen_fd);
    crowd.listen_fd = -1;
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err),
                     -REASON_UNAVAILABLE);
    assert_true(client_found_none(client));
    assert_non_null(strstr(err.hint, "systemctl status cleaved"));
    client_free(client);
    crowd_done(&crowd);
}

/* Serves every connection until one of them has a request, which it answers. */
static void *serve(void *data)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    struct crowd *crowd = data;
    char request[4096];
    for (size_t i = 0; i < crowd->n; i++) { /* those that only take a place go */
        (void)shutdown(crowd->queued[i], SHUT_RDWR);
    }
    ssize_t got = 0;
    while (got <= 0) {
        int fd = accept(crowd->listen_fd, NULL, NULL);
        got = fd < 0 ? 1 : read(fd, request, sizeof(request));
        if (got > 0) {
            (void)!write(fd, answer, sizeof(answer) - 1);
        }
        (void)close(fd);
    }
    return NULL;
}

static void a_place_in_the_queue_is_waited_for(void **state)
{
    (void)state;
    struct crowd crowd;
    crowd_init(&crowd);
    struct client *client = client_new(crowd.address.sun_path);
    json_t *json = NULL;
    struct error err = {0};
    client_set_timeout(client, 1);
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err),
                     -REASON_UNAVAILABLE); /* it is full */
    client_set_timeout(client, 60);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &crowd), 0);
    int r = client_call(client, "GET", "/v1/host", NULL, &json, &err);
    if (r != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    json_decref(json);
    client_free(client);
    crowd_done(&crowd);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    struct client *client = client_new(path);
    json_t *json = NULL;
    struct error err = {0};
    assert_int_equal(client_call(client, "GET", "/v1/host", NULL, &json, &err), -REASON_INVALID);
    client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_escaped),
        cmocka_unit_test(a_problem_becomes_the_error_it_was),
        cmocka_unit_test(an_unknown_problem_is_internal),
        cmocka_unit_test(what_is_no_object_is_no_reply),
        cmocka_unit_test(a_missing_daemon_is_named),
        cmocka_unit_test(a_busy_daemon_is_not_a_missing_one),
        cmocka_unit_test(a_place_in_the_queue_is_waited_for),
        cmocka_unit_test(a_path_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
