/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop (sd-event behind it) and the workers next to it. One thread runs the loop and owns
 * all state; blocking calls go to a worker and come back as a callback on the loop thread.
 */
#ifndef BASE_EVLOOP_H
#define BASE_EVLOOP_H

#include <stdbool.h>
#include <stdint.h>

struct evloop;
struct evloop_timer;
struct evloop_watch;
struct worker;

typedef void evloop_fn(void *data);
typedef void evloop_fd_fn(int fd, uint32_t revents, void *data);

/* All return 0 or -errno. */
int evloop_new(struct evloop **ret_loop);
void evloop_free(struct evloop *loop);
int evloop_run(struct evloop *loop); /* until evloop_stop(); returns its code */
/* One round: what is due now, or the first thing within timeout_us. For tests that turn a loop by
 * hand. 0 when nothing was due, 1 when something was, or -errno. */
int evloop_step(struct evloop *loop, uint64_t timeout_us);
void evloop_stop(struct evloop *loop, int code);
void evloop_quit(void *loop); /* the same with 0, for signals and timers */
/* Since when the loop has been in one and the same callback, monotonic; 0: it waits for something
 * to do. Any thread. */
uint64_t evloop_busy_since(const struct evloop *loop);
/* From now on, each turn of the loop tells systemd in time that this process is well (WatchdogSec=
 * of its unit, sd_notify(3)); a loop that hangs does not. 1, or 0 when systemd does not ask, or
 * -errno. */
int evloop_report_health(struct evloop *loop);
int evloop_add_fd(struct evloop *loop, int fd, uint32_t events, evloop_fd_fn *fn, void *data);
/* Runs `fn` on the loop each time that the signal comes, which is blocked from now on. Once per
 * signal, and before there is a second thread. */
int evloop_add_signal(struct evloop *loop, int signum, evloop_fn *fn, void *data);
/* A descriptor that is watched only for a while; it stays the caller's, and is open until its watch
 * is freed. Hang-ups and errors are always reported, even with no events asked for. Loop thread
 * only; may be freed by its own `fn`. */
int evloop_watch_new(struct evloop *loop, int fd, uint32_t events, evloop_fd_fn *fn, void *data,
                     struct evloop_watch **ret_watch);
int evloop_watch_set(struct evloop_watch *watch, uint32_t events);
void evloop_watch_free(struct evloop_watch *watch);
/* Runs `fn` once on the loop after delay_us (0: next turn). Loop thread only. */
int evloop_after(struct evloop *loop, uint64_t delay_us, evloop_fn *fn, void *data);
/* Runs `fn` every period_us until the loop ends. Loop thread only. */
int evloop_every(struct evloop *loop, uint64_t period_us, evloop_fn *fn, void *data);
/* A timer that is set again and again, for what comes once per `fn`: setting it replaces what was
 * set before. Off at first. Loop thread only; freed before its loop, and not by its own `fn`. */
int evloop_timer_new(struct evloop *loop, evloop_fn *fn, void *data,
                     struct evloop_timer **ret_timer);
int evloop_timer_set(struct evloop_timer *timer, uint64_t delay_us);
void evloop_timer_free(struct evloop_timer *timer);
/* Runs `fn` on the loop thread soon. Any thread; the only such function. */
void evloop_post(struct evloop *loop, evloop_fn *fn, void *data);
/* Once the loop has ended: runs all that was posted. Loop thread only. */
void evloop_run_posts(struct evloop *loop);

/* One thread with a queue, first in first out. `work` runs on the worker, then `done` on the loop.
 */
int worker_new(struct evloop *loop, const char *name, struct worker **ret_worker);
/* Finishes what is queued, joins the thread and runs what it posted. Loop thread only. */
void worker_free(struct worker *worker);
/* Leaves a worker that may be busy for long to itself, when the process is about to end: true if it
 * is in the middle of a job, whose `done` never runs and whose memory is never freed. False if it
 * is idle: then free it. Loop thread only. */
bool worker_abandon(struct worker *worker);
/* The same when there is time until `until_us` (monotonic): true if all that was queued is done by
 * then, and worker_free() won't wait; else the job that hangs is left to itself, and what was
 * queued behind it never runs. UINT64_MAX: waits as long as it takes. NULL: true. Loop thread only.
 */
bool worker_finish(struct worker *worker, uint64_t until_us);
void worker_submit(struct worker *worker, evloop_fn *work, evloop_fn *done, void *data);

#endif
