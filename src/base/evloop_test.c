/* SPDX-License-Identifier: Apache-2.0 */
#include "base/evloop.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"

struct fixture {
    struct evloop *loop;
    int calls;
    int stop_at;
    pthread_t seen_on;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.stop_at = 1};
    *state = &fixture;
    return evloop_new(&fixture.loop);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    evloop_free(f->loop);
    return 0;
}

static void count(void *data)
{
    struct fixture *f = data;
    f->calls++;
    f->seen_on = pthread_self();
    if (f->calls == f->stop_at) {
        evloop_stop(f->loop, 7);
    }
}

static void run_returns_the_code_given_to_stop(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(evloop_after(f->loop, 0, count, f), 0);
    assert_int_equal(evloop_run(f->loop), 7);
    assert_int_equal(f->calls, 1);
}

static void a_periodic_timer_repeats_and_a_single_one_does_not(void **state)
{
    struct fixture *f = *state;
    struct fixture once = {.loop = f->loop, .stop_at = -1};
    f->stop_at = 3;
    assert_int_equal(evloop_every(f->loop, 1000, count, f), 0);
    assert_int_equal(evloop_after(f->loop, 500, count, &once), 0);
    assert_int_equal(evloop_run(f->loop), 7);
    assert_int_equal(f->calls, 3);
    assert_int_equal(once.calls, 1);
}

static void a_timer_fires_once_per_setting_and_keeps_the_latest(void **state)
{
    struct fixture *f = *state;
    struct fixture timed = {.loop = f->loop, .stop_at = -1};
    struct evloop_timer *timer = NULL;
    assert_int_equal(evloop_timer_new(f->loop, count, &timed, &timer), 0);
    for (uint64_t delay_us = 0; delay_us <= 1000; delay_us += 100) {
        assert_int_equal(evloop_timer_set(timer, delay_us), 0);
    }
    assert_int_equal(evloop_after(f->loop, 20000, count, f), 0);
    assert_int_equal(evloop_run(f->loop), 7);
    assert_int_equal(timed.calls, 1);

    f->stop_at = 2;
    assert_int_equal(evloop_timer_set(timer, 0), 0);
    assert_int_equal(evloop_after(f->loop, 5000, count, f), 0);
    assert_int_equal(evloop_run(f->loop), 7);
    assert_int_equal(timed.calls, 2);
    evloop_timer_free(timer);
}

static void a_loop_runs_again_after_it_stopped(void **state)
{
    struct fixture *f = *state;
    for (int i = 1; i <= 2; i++) {
        f->stop_at = i;
        evloop_post(f->loop, count, f);
        assert_int_equal(evloop_run(f->loop), 7);
        assert_int_equal(f->calls, i);
    }
}

static void on_readable(int fd, uint32_t revents, void *data)
{
    char c = 0;
    assert_true((revents & EPOLLIN) != 0);
    assert_int_equal(read(fd, &c, 1), 1);
    count(data);
}

static void a_readable_descriptor_is_reported(void **state)
{
    struct fixture *f = *state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(evloop_add_fd(f->loop, fds[0], EPOLLIN, on_readable, f), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(evloop_run(f->loop), 7);
    evloop_free(f->loop);
    f->loop = NULL;
    close(fds[0]);
    close(fds[1]);
}

static void a_signal_runs_its_function_on_the_loop(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(evloop_add_signal(f->loop, SIGTERM, evloop_quit, f->loop), 0);
    assert_int_equal(evloop_add_signal(f->loop, SIGUSR1, count, f), 0);
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
    assert_int_equal(evloop_run(f->loop), 7);
    assert_true(pthread_equal(f->seen_on, pthread_self()));
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(evloop_run(f->loop), 0);
    assert_int_equal(f->calls, 1);
    assert_int_equal(evloop_add_signal(f->loop, SIGTERM, count, f), -EBUSY);
}

struct work {
    struct fixture *fixture;
    pthread_t worked_on;
    int order;
    int *next_order;
};

static void work(void *data)
{
    struct work *w = data;
    w->worked_on = pthread_self();
    w->order = (*w->next_order)++;
}

static void work_done(void *data)
{
    struct work *w = data;
    count(w->fixture);
}

static void a_worker_works_in_order_and_answers_on_the_loop_thread(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = NULL;
    assert_int_equal(worker_new(f->loop, "test", &worker), 0);
    int next_order = 0;
    struct work jobs[20];
    f->stop_at = 20;
    for (int i = 0; i < 20; i++) {
        jobs[i] = (struct work){.fixture = f, .next_order = &next_order};
        worker_submit(worker, work, work_done, &jobs[i]);
    }
    assert_int_equal(evloop_run(f->loop), 7);
    assert_true(pthread_equal(f->seen_on, pthread_self()));
    for (int i = 0; i < 20; i++) {
        assert_int_equal(jobs[i].order, i);
        assert_false(pthread_equal(jobs[i].worked_on, pthread_self()));
    }
    worker_free(worker);
}

static void freeing_a_worker_finishes_its_queue_and_runs_the_answers(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = NULL;
    assert_int_equal(worker_new(f->loop, "test", &worker), 0);
    int next_order = 0;
    struct work jobs[5];
    f->stop_at = -1;
    for (int i = 0; i < 5; i++) {
        jobs[i] = (struct work){.fixture = f, .next_order = &next_order};
        worker_submit(worker, work, work_done, &jobs[i]);
    }
    worker_free(worker);
    assert_int_equal(f->calls, 5);
}

static void stop_now(void *data)
{
    evloop_stop(data, 0);
}

struct long_work {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool begun, may_end, ended;
};

static void long_work(void *data)
{
    struct long_work *job = data;
    pthread_mutex_lock(&job->lock);
    job->begun = true;
    pthread_cond_broadcast(&job->changed);
    while (!job->may_end) {
        pthread_cond_wait(&job->changed, &job->lock);
    }
    job->ended = true;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

static void never_done(void *data)
{
    (void)data;
    fail_msg("no one waits for it any more");
}

/* Kept reachable: an abandoned worker is never freed. */
static struct worker *abandoned;

static void a_busy_worker_is_left_to_itself_and_an_idle_one_is_not(void **state)
{
    struct fixture *f = *state;
    struct worker *worker = NULL;
    static struct long_work job = {.lock = PTHREAD_MUTEX_INITIALIZER,
                                   .changed = PTHREAD_COND_INITIALIZER};
    assert_int_equal(worker_new(f->loop, "idle", &worker), 0);
    assert_false(worker_abandon(worker));
    worker_free(worker);
    assert_int_equal(worker_new(f->loop, "busy", &abandoned), 0);
    worker_submit(abandoned, long_work, never_done, &job);
    pthread_mutex_lock(&job.lock);
    while (!job.begun) {
        pthread_cond_wait(&job.changed, &job.lock);
    }
    assert_true(worker_abandon(abandoned));
    job.may_end = true;
    pthread_cond_broadcast(&job.changed);
    while (!job.ended) {
        pthread_cond_wait(&job.changed, &job.lock);
    }
    pthread_mutex_unlock(&job.lock);
    f->stop_at = -1;
    evloop_post(f->loop, stop_now, f->loop);
    assert_int_equal(evloop_run(f->loop), 0);
}

/* ---- systemd's watchdog ---- */

#define WATCHDOG_US UINT64_C(200000)

static void stay_busy(void)
{
    uint64_t until_us = clock_monotonic_us() + 2 * WATCHDOG_US;
    while (clock_monotonic_us() < until_us) {
    }
}

/* A socket where systemd's would be, and what it asks for. */
static int ask_for_health(char *name, size_t size)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address.sun_family)), 0);
    socklen_t len = sizeof(address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0); /* abstract */
    size_t chars = len - offsetof(struct sockaddr_un, sun_path) - 1;
    snprintf(name, size, "@%.*s", (int)chars, address.sun_path + 1);
    CLEANUP_FREE char *period = xasprintf("%" PRIu64, WATCHDOG_US);
    CLEANUP_FREE char *pid = xasprintf("%d", (int)getpid());
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", period, 1);
    setenv("WATCHDOG_PID", pid, 1);
    return fd;
}

/* How many messages came to the watchdog socket; each must be WATCHDOG=1. */
static int times_notified(int fd)
{
    char text[64];
    int n = 0;
    for (ssize_t len = recv(fd, text, sizeof(text) - 1, 0); len > 0;
         len = recv(fd, text, sizeof(text) - 1, 0)) {
        text[len] = '\0';
        assert_string_equal(text, "WATCHDOG=1");
        n++;
    }
    return n;
}

struct health {
    struct evloop *loop;
    int fd;
    int notified;
};

static void look_at_health(void *data)
{
    struct health *health = data;
    health->notified += times_notified(health->fd);
    if (health->notified >= 3) {
        evloop_stop(health->loop, 7);
    }
}

static void a_loop_that_turns_tells_systemd_and_one_that_hangs_does_not(void **state)
{
    struct fixture *f = *state;
    char name[64];
    assert_int_equal(evloop_report_health(f->loop), 0); /* nothing asks */
    CLEANUP_CLOSE int fd = ask_for_health(name, sizeof(name));
    assert_int_equal(evloop_report_health(f->loop), 1);
    assert_int_equal(times_notified(fd), 1);
    struct health health = {.loop = f->loop, .fd = fd};
    assert_int_equal(evloop_every(f->loop, WATCHDOG_US / 10, look_at_health, &health), 0);
    assert_int_equal(evloop_run(f->loop), 7);
    (void)times_notified(fd);
    stay_busy();
    assert_int_equal(times_notified(fd), 0);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(run_returns_the_code_given_to_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_periodic_timer_repeats_and_a_single_one_does_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_timer_fires_once_per_setting_and_keeps_the_latest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_loop_runs_again_after_it_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_readable_descriptor_is_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(a_signal_runs_its_function_on_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_worker_works_in_order_and_answers_on_the_loop_thread,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_a_worker_finishes_its_queue_and_runs_the_answers,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_busy_worker_is_left_to_itself_and_an_idle_one_is_not,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_that_turns_tells_systemd_and_one_that_hangs_does_not,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
