/* SPDX-License-Identifier: Apache-2.0 */
/* A client that waits for changes, with servers that send messages, comments, errors, or nothing.
 */
#include "lib/watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
#define MISSING "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
#define LONG_MS 60000

/* One that serves each connection alike: says its head, then what the test writes to `say`. */
struct server {
    char dir[32], path[64];
    const char *head;
    bool closes; /* after the head */
    int listen_fd, say[2];
    atomic_uint n_clients;
    pthread_t thread;
};

static void serve(struct server *server, int fd)
{
    char bytes[4096];
    (void)!read(fd, bytes, sizeof(bytes));
    (void)!write(fd, server->head, strlen(server->head));
    ssize_t n = 0;
    while (!server->closes && (n = read(server->say[0], bytes, sizeof(bytes))) > 0) {
        (void)!write(fd, bytes, (size_t)n);
    }
    close(fd);
}

static void *run(void *data)
{
    struct server *server = data;
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (;;) {
        int fd = accept(server->listen_fd, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        server->n_clients++;
        serve(server, fd);
    }
}

static void open_server(struct server *server, const char *head, bool closes)
{
    *server = (struct server){.head = head, .closes = closes};
    STR_SET(server->dir, "/tmp/watch-XXXXXX");
    assert_non_null(mkdtemp(server->dir));
    snprintf(server->path, sizeof(server->path), "%s/s", server->dir);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    STR_SET(address.sun_path, server->path);
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server->listen_fd, 4), 0);
    assert_int_equal(pipe(server->say), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

static void close_server(struct server *server)
{
    close(server->say[1]);
    (void)shutdown(server->listen_fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listen_fd);
    close(server->say[0]);
    (void)unlink(server->path);
    (void)rmdir(server->dir);
}

static void say(const struct server *server, const char *text)
{
    assert_int_equal(write(server->say[1], text, strlen(text)), (ssize_t)strlen(text));
}

static uint64_t waited_ms(struct watch *watch, unsigned pause_ms, unsigned longest_ms)
{
    uint64_t began_us = clock_monotonic_us();
    watch_wait(watch, pause_ms, longest_ms);
    return (clock_monotonic_us() - began_us) / 1000;
}

static void a_message_ends_the_wait(void **state)
{
    (void)state;
    struct server server;
    open_server(&server, HEAD, false);
    CLEANUP(watch_freep) struct watch *watch = watch_new(server.path, "gpu");
    for (int i = 0; i < 3; i++) {
        say(&server, "id: 1-1\nevent: change\ndata: {}\n\n");
        assert_true(waited_ms(watch, LONG_MS, LONG_MS) < LONG_MS / 2);
    }
    assert_int_equal(server.n_clients, 1);
    watch_free(TAKE_PTR(watch));
    close_server(&server);
}

static void comments_do_not(void **state)
{
    (void)state;
    struct server server;
    open_server(&server, HEAD, false);
    CLEANUP(watch_freep) struct watch *watch = watch_new(server.path, NULL);
    say(&server, ":\n\n");
    say(&server, ": words\n\n");
    assert_true(waited_ms(watch, 300, 300) >= 300);
    say(&server, ":");
    assert_true(waited_ms(watch, 200, 200) >= 200);
    say(&server, "id: 1\n\n:\n\n"); /* goes on with the comment's line */
    assert_true(waited_ms(watch, 200, 200) >= 200);
    watch_free(TAKE_PTR(watch));
    close_server(&server);
}

static void a_cleaved_without_a_stream_is_asked_by_the_clock(void **state)
{
    (void)state;
    struct server server;
    open_server(&server, MISSING, true);
    CLEANUP(watch_freep) struct watch *watch = watch_new(server.path, NULL);
    for (int i = 0; i < 4; i++) {
        watch_wait(watch, 50, LONG_MS);
    }
    assert_int_equal(server.n_clients, 1);
    watch_free(TAKE_PTR(watch));
    close_server(&server);
}

static void a_stream_that_ends_is_a_reason_to_ask_and_begins_again(void **state)
{
    (void)state;
    struct server server;
    open_server(&server, HEAD, true);
    CLEANUP(watch_freep) struct watch *watch = watch_new(server.path, NULL);
    uint64_t began_us = clock_monotonic_us();
    while (server.n_clients < 3) {
        watch_wait(watch, 20, LONG_MS);
    }
    assert_true(clock_monotonic_us() - began_us >= UINT64_C(2000000)); /* not at once */
    watch_free(TAKE_PTR(watch));
    close_server(&server);
}

static void no_server_is_waited_for_by_the_clock(void **state)
{
    (void)state;
    CLEANUP(watch_freep) struct watch *watch = watch_new("/tmp/no-such-socket", NULL);
    assert_true(waited_ms(watch, 100, LONG_MS) >= 100);
    assert_true(waited_ms(watch, 100, LONG_MS) < LONG_MS / 2);
}

static void on_alarm(int number)
{
    (void)number;
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct server server;
    open_server(&server, HEAD, false);
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct sigaction before;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    CLEANUP(watch_freep) struct watch *watch = watch_new(server.path, NULL);
    say(&server, "data: {}\n\n");
    watch_wait(watch, LONG_MS, LONG_MS); /* the stream has begun */
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    const struct itimerspec soon = {.it_value = {.tv_nsec = 100000000},
                                    .it_interval = {.tv_nsec = 100000000}};
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
    assert_true(waited_ms(watch, LONG_MS, LONG_MS) < LONG_MS / 2);
    timer_delete(timer);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    watch_free(TAKE_PTR(watch));
    close_server(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_ends_the_wait),
        cmocka_unit_test(comments_do_not),
        cmocka_unit_test(a_cleaved_without_a_stream_is_asked_by_the_clock),
        cmocka_unit_test(a_stream_that_ends_is_a_reason_to_ask_and_begins_again),
        cmocka_unit_test(no_server_is_waited_for_by_the_clock),
        cmocka_unit_test(a_signal_ends_the_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
