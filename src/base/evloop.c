/* SPDX-License-Identifier: Apache-2.0 */
#include "base/evloop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"

#define USECS_PER_S UINT64_C(1000000)
#define TIMER_ACCURACY_US 1 /* 0 would mean sd-event's default of 250 ms */

struct post {
    evloop_fn *fn;
    void *data;
};

struct posts {
    struct post *items;
    size_t n;
    size_t cap;
};

struct evloop {
    sd_event *event;
    bool running;
    int code;
    _Atomic uint64_t busy_since_us; /* see evloop_busy_since() */
    int wake_fd;                    /* eventfd: readable while `posts` is not empty */
    pthread_mutex_t lock;
    struct posts posts; /* under lock; filled by any thread */
};

/* What a source calls; freed with its source. */
struct watch {
    evloop_fn *fn;
    evloop_fd_fn *fd_fn;
    void *data;
    uint64_t period_us; /* 0: once */
};

static void watch_free(void *data)
{
    free(data);
}

static struct watch *watch_new(void *data)
{
    struct watch *watch = xcalloc(1, sizeof(*watch));
    watch->data = data;
    return watch;
}

/* The loop keeps the source from here on, and the source keeps the watch. */
static void watch_adopt(sd_event_source *source, struct watch *watch)
{
    (void)sd_event_source_set_userdata(source, watch);
    (void)sd_event_source_set_destroy_callback(source, watch_free);
    (void)sd_event_source_set_floating(source, 1);
    sd_event_source_unref(source);
}

static int on_fd(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    (void)source;
    struct watch *watch = data;
    watch->fd_fn(fd, revents, watch->data);
    return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *data)
{
    (void)usec;
    struct watch *watch = data;
    evloop_fn *fn = watch->fn;
    void *fn_data = watch->data;
    if (watch->period_us == 0) {
        (void)sd_event_source_set_floating(source, 0); /* last reference: gone after return */
    } else {
        (void)sd_event_source_set_time_relative(source, watch->period_us);
        (void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    }
    fn(fn_data);
    return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
    (void)source;
    (void)info;
    struct watch *watch = data;
    watch->fn(watch->data);
    return 0;
}

/* Runs what is posted now; what these post in turn waits for the next round. */
static bool run_posts(struct evloop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct posts posts = loop->posts;
    loop->posts = (struct posts){0};
    pthread_mutex_unlock(&loop->lock);

    for (vec_each(&posts, post)) {
        post->fn(post->data);
    }
    bool any = posts.n > 0;
    vec_done(&posts);
    return any;
}

static int on_wake(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    (void)source;
    (void)revents;
    uint64_t count = 0;
    (void)!read(fd, &count, sizeof(count));
    (void)run_posts(data);
    return 0;
}

static int evloop_setup(struct evloop *loop)
{
    int r = sd_event_new(&loop->event);
    if (r < 0) {
        return r;
    }
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        return -errno;
    }
    return sd_event_add_io(loop->event, NULL, loop->wake_fd, EPOLLIN, on_wake, loop);
}

int evloop_new(struct evloop **ret_loop)
{
    struct evloop *loop = xcalloc(1, sizeof(*loop));
    loop->wake_fd = -1;
    pthread_mutex_init(&loop->lock, NULL);
    int r = evloop_setup(loop);
    if (r < 0) {
        evloop_free(loop);
        return r;
    }
    *ret_loop = loop;
    return 0;
}

void evloop_free(struct evloop *loop)
{
    if (loop == NULL) {
        return;
    }
    sd_event_unref(loop->event);
    if (loop->wake_fd >= 0) {
        close(loop->wake_fd);
    }
    pthread_mutex_destroy(&loop->lock);
    vec_done(&loop->posts);
    free(loop);
}

/* As sd_event_run(3), and says meanwhile that it is at work. */
static int turn(struct evloop *loop, uint64_t timeout_us)
{
    int r = sd_event_prepare(loop->event);
    r = r == 0 ? sd_event_wait(loop->event, timeout_us) : r;
    if (r <= 0) {
        return r;
    }
    atomic_store(&loop->busy_since_us, clock_monotonic_us());
    r = sd_event_dispatch(loop->event);
    atomic_store(&loop->busy_since_us, 0);
    return r < 0 ? r : 1;
}

uint64_t evloop_busy_since(const struct evloop *loop)
{
    return atomic_load(&loop->busy_since_us);
}

int evloop_run(struct evloop *loop)
{
    loop->running = true;
    loop->code = 0;
    while (loop->running) {
        int r = turn(loop, UINT64_MAX);
        if (r < 0 && r != -EINTR) {
            return r;
        }
    }
    return loop->code;
}

int evloop_step(struct evloop *loop, uint64_t timeout_us)
{
    int r = turn(loop, timeout_us);
    return r == -EINTR ? 0 : r;
}

int evloop_report_health(struct evloop *loop)
{
    return sd_event_set_watchdog(loop->event, 1);
}

void evloop_stop(struct evloop *loop, int code)
{
    loop->running = false;
    loop->code = code;
}

void evloop_quit(void *loop)
{
    evloop_stop(loop, 0);
}

int evloop_add_signal(struct evloop *loop, int signum, evloop_fn *fn, void *data)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, signum);
    int r = -pthread_sigmask(SIG_BLOCK, &set, NULL);
    sd_event_source *source = NULL;
    r = r != 0 ? r : sd_event_add_signal(loop->event, &source, signum, on_signal, NULL);
    if (r < 0) {
        return r;
    }
    /* Blocked signals of that disposition wait, too, but that is Linux's habit and no promise. */
    (void)signal(signum, SIG_DFL);
    struct watch *watch = watch_new(data);
    watch->fn = fn;
    watch_adopt(source, watch);
    return 0;
}

int evloop_add_fd(struct evloop *loop, int fd, uint32_t events, evloop_fd_fn *fn, void *data)
{
    sd_event_source *source = NULL;
    int r = sd_event_add_io(loop->event, &source, fd, events, on_fd, NULL);
    if (r < 0) {
        return r;
    }
    struct watch *watch = watch_new(data);
    watch->fd_fn = fn;
    watch_adopt(source, watch);
    return 0;
}

struct evloop_watch {
    sd_event_source *source;
    evloop_fd_fn *fn;
    void *data;
};

static int on_watch(sd_event_source *source, int fd, uint32_t revents, void *data)
{
    (void)source;
    struct evloop_watch *watch = data;
    watch->fn(fd, revents, watch->data); /* which may free the watch */
    return 0;
}

int evloop_watch_new(struct evloop *loop, int fd, uint32_t events, evloop_fd_fn *fn, void *data,
                     struct evloop_watch **ret_watch)
{
    struct evloop_watch *watch = xcalloc(1, sizeof(*watch));
    *watch = (struct evloop_watch){.fn = fn, .data = data};
    int r = sd_event_add_io(loop->event, &watch->source, fd, events, on_watch, watch);
    if (r < 0) {
        free(watch);
        return r;
    }
    *ret_watch = watch;
    return 0;
}

int evloop_watch_set(struct evloop_watch *watch, uint32_t events)
{
    return sd_event_source_set_io_events(watch->source, events);
}

void evloop_watch_free(struct evloop_watch *watch)
{
    if (watch != NULL) {
        sd_event_source_disable_unref(watch->source);
        free(watch);
    }
}

static int add_timer(struct evloop *loop, uint64_t delay_us, uint64_t period_us, evloop_fn *fn,
                     void *data)
{
    sd_event_source *source = NULL;
    int r = sd_event_add_time_relative(loop->event, &source, CLOCK_MONOTONIC, delay_us,
                                       TIMER_ACCURACY_US, on_time, NULL);
    if (r < 0) {
        return r;
    }
    struct watch *watch = watch_new(data);
    watch->fn = fn;
    watch->period_us = period_us;
    watch_adopt(source, watch);
    return 0;
}

int evloop_after(struct evloop *loop, uint64_t delay_us, evloop_fn *fn, void *data)
{
    return add_timer(loop, delay_us, 0, fn, data);
}

int evloop_every(struct evloop *loop, uint64_t period_us, evloop_fn *fn, void *data)
{
    return period_us == 0 ? -EINVAL : add_timer(loop, period_us, period_us, fn, data);
}

struct evloop_timer {
    sd_event_source *source;
    evloop_fn *fn;
    void *data;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *data)
{
    (void)source; /* one-shot: off until it is set again */
    (void)usec;
    struct evloop_timer *timer = data;
    timer->fn(timer->data);
    return 0;
}

int evloop_timer_new(struct evloop *loop, evloop_fn *fn, void *data,
                     struct evloop_timer **ret_timer)
{
    struct evloop_timer *timer = xcalloc(1, sizeof(*timer));
    *timer = (struct evloop_timer){.fn = fn, .data = data};
    int r = sd_event_add_time(loop->event, &timer->source, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_US,
                              on_timer, timer);
    r = r < 0 ? r : sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
    if (r < 0) {
        evloop_timer_free(timer);
        return r;
    }
    *ret_timer = timer;
    return 0;
}

int evloop_timer_set(struct evloop_timer *timer, uint64_t delay_us)
{
    int r = sd_event_source_set_time_relative(timer->source, delay_us);
    return r < 0 ? r : sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

void evloop_timer_free(struct evloop_timer *timer)
{
    if (timer != NULL) {
        sd_event_source_disable_unref(timer->source);
        free(timer);
    }
}

void evloop_post(struct evloop *loop, evloop_fn *fn, void *data)
{
    pthread_mutex_lock(&loop->lock);
    *vec_push(&loop->posts) = (struct post){.fn = fn, .data = data};
    uint64_t one = 1;
    (void)!write(loop->wake_fd, &one, sizeof(one));
    pthread_mutex_unlock(&loop->lock);
}

void evloop_run_posts(struct evloop *loop)
{
    while (run_posts(loop)) {
    }
}

/* ---- workers ---- */

struct job {
    struct job *next;
    evloop_fn *work;
    evloop_fn *done;
    void *data;
};

struct worker {
    struct evloop *loop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock: */
    struct job *first;
    struct job **last;
    bool stopping;
    bool busy;
    bool ended;     /* the thread has nothing left to do */
    bool joined;    /* by the loop's thread, which alone reads and writes it */
    bool abandoned; /* no one waits for what it does, and the loop may be gone */
};

/* The next job, or NULL when the worker is to end. Waits. */
static struct job *worker_take(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->first == NULL && !worker->stopping) {
        pthread_cond_wait(&worker->changed, &worker->lock);
    }
    struct job *job = worker->first;
    if (job != NULL) {
        worker->first = job->next;
        if (worker->first == NULL) {
            worker->last = &worker->first;
        }
        worker->busy = true;
    }
    pthread_mutex_unlock(&worker->lock);
    return job;
}

/* Posts the job's end, unless no one waits for it any more; false then. */
static bool worker_end(struct worker *worker, const struct job *job)
{
    pthread_mutex_lock(&worker->lock);
    worker->busy = false;
    bool wanted = !worker->abandoned;
    if (wanted && job->done != NULL) {
        evloop_post(worker->loop, job->done, job->data);
    }
    pthread_mutex_unlock(&worker->lock);
    return wanted;
}

static void *worker_main(void *data)
{
    struct worker *worker = data;
    for (;;) {
        CLEANUP_FREE struct job *job = worker_take(worker);
        if (job == NULL) {
            pthread_mutex_lock(&worker->lock);
            worker->ended = true;
            pthread_cond_broadcast(&worker->changed);
            pthread_mutex_unlock(&worker->lock);
            return NULL;
        }
        job->work(job->data);
        if (!worker_end(worker, job)) {
            return NULL;
        }
    }
}

int worker_new(struct evloop *loop, const char *name, struct worker **ret_worker)
{
    struct worker *worker = xcalloc(1, sizeof(*worker));
    worker->loop = loop;
    worker->last = &worker->first;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &attr);
    pthread_condattr_destroy(&attr);

    /* Signals belong to the loop: the thread starts with all of them blocked. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGBUS); /* a fault of its own, which has a handler */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&worker->thread, NULL, worker_main, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        pthread_cond_destroy(&worker->changed);
        pthread_mutex_destroy(&worker->lock);
        free(worker);
        return -r;
    }
    (void)pthread_setname_np(worker->thread, name);
    *ret_worker = worker;
    return 0;
}

static void worker_join(struct worker *worker)
{
    if (!worker->joined) {
        pthread_join(worker->thread, NULL);
        worker->joined = true;
    }
}

void worker_free(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    worker_join(worker);
    evloop_run_posts(worker->loop);
    while (worker->first != NULL) { /* what came after its end */
        struct job *job = worker->first;
        worker->first = job->next;
        free(job);
    }
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

bool worker_abandon(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->abandoned = worker->busy;
    bool busy = worker->busy;
    pthread_mutex_unlock(&worker->lock);
    if (busy) {
        pthread_detach(worker->thread);
    }
    return busy;
}

bool worker_finish(struct worker *worker, uint64_t until_us)
{
    if (worker == NULL) {
        return true;
    }
    struct timespec until = {.tv_sec = (time_t)(until_us / USECS_PER_S),
                             .tv_nsec = (long)(until_us % USECS_PER_S) * 1000};
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_broadcast(&worker->changed);
    int r = 0;
    while (!worker->ended && r == 0) {
        r = until_us == UINT64_MAX
                ? pthread_cond_wait(&worker->changed, &worker->lock)
                : pthread_cond_timedwait(&worker->changed, &worker->lock, &until);
    }
    bool ended = worker->ended;
    worker->abandoned = !ended;
    pthread_mutex_unlock(&worker->lock);
    if (ended) {
        worker_join(worker);
    } else {
        pthread_detach(worker->thread);
    }
    return ended;
}

void worker_submit(struct worker *worker, evloop_fn *work, evloop_fn *done, void *data)
{
    struct job *job = xcalloc(1, sizeof(*job));
    *job = (struct job){.work = work, .done = done, .data = data};
    pthread_mutex_lock(&worker->lock);
    *worker->last = job;
    worker->last = &job->next;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}
