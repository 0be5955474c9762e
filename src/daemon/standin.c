/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/standin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/standin_client.h"
#include "store/store.h"

#define USECS_PER_S UINT64_C(1000000)
#define PATIENCE_US (5 * USECS_PER_S)
#define FINISH_US (2 * USECS_PER_S)
/* A start is mostly over by then, and who came meanwhile has an answer of the loop's. */
#define START_US USECS_PER_S
#define LOOK_MS 1000     /* how often the loop is looked at while it turns */
#define LOOK_SOON_MS 100 /* and while it does not */
/* A loop that has done one thing for so long may stand: signals are taken, nothing is answered. */
#define SUSPECT_US USECS_PER_S
#define MAX_DESCRIPTORS 65536

struct standin {
    struct standin_config config;
    pthread_t thread;
    int wake_fd, signal_fd;
    _Atomic bool over; /* the thread is to end */
    pthread_mutex_t lock;
    bool finishing;       /* under lock: the loop has ended, and may be freed */
    uint64_t starting_us; /* under lock, monotonic: since when; 0: the loop runs, or has run */
    /* The thread's own: */
    uint64_t asked_us; /* monotonic: a signal came then that asks for the end; 0: none did */
    bool standing;     /* the loop was found to stand, and that was logged */
    struct standin_text text;
    struct standin_clients clients;
};

/* ---- what hangs ---- */

struct look {
    uint64_t busy_us;  /* monotonic: since when the loop has done one and the same thing; 0: it
                          turns,  or has ended */
    uint64_t store_us; /* the same of a call into the store, by any thread */
    uint64_t patience_us;
    bool starting, finishing;
};

static struct look look(struct standin *s)
{
    struct look seen = {.store_us = store_busy_since(), .patience_us = s->config.patience_us};
    (void)pthread_mutex_lock(&s->lock);
    seen.finishing = s->finishing;
    seen.starting = !seen.finishing && s->starting_us != 0;
    seen.busy_us = seen.finishing  ? 0
                   : seen.starting ? s->starting_us
                                   : evloop_busy_since(s->config.loop);
    if (seen.starting && seen.patience_us > START_US) {
        seen.patience_us = START_US;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return seen;
}

static bool lasts(uint64_t since_us, uint64_t patience_us)
{
    return since_us != 0 && clock_monotonic_us() >= since_us + patience_us;
}

static bool is_in_store(const struct standin *s, const struct look *seen)
{
    return seen->starting || lasts(seen->store_us, s->config.patience_us / 2);
}

/* ---- its end ---- */

/* A thread that the kernel does not let end keeps its descriptors as long as the disk hangs: no
 * client may wait for it. */
static void shut_sockets(void)
{
    struct rlimit files = {0};
    int last = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < MAX_DESCRIPTORS
                   ? (int)files.rlim_cur
                   : MAX_DESCRIPTORS;
    for (int fd = STDERR_FILENO + 1; fd < last; fd++) {
        (void)shutdown(fd, SHUT_RDWR);
    }
}

static void end(struct standin *s, const char *why)
{
    log_warning("%s: ending at once; the next start continues what is unfinished", why);
    if (s->config.end != NULL) {
        s->config.end();
        atomic_store(&s->over, true);
        return;
    }
    shut_sockets();
    log_flush();
    _exit(0);
}

static void stop_loop(void *data)
{
    evloop_stop(data, 0);
}

/* A loop that stands does not see the signal: it is passed on for the case that it turns again. */
static void take_signal(struct standin *s)
{
    struct signalfd_siginfo info;
    if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    s->asked_us = clock_monotonic_us();
    (void)pthread_mutex_lock(&s->lock);
    if (!s->finishing) {
        evloop_post(s->config.loop, stop_loop, s->config.loop);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static void watch_the_end(struct standin *s, const struct look *seen)
{
    if (seen->finishing && lasts(seen->store_us, s->config.finish_us)) {
        end(s, "the store delays the end");
    } else if (seen->busy_us != 0 && seen->busy_us < s->asked_us &&
               lasts(s->asked_us, s->config.finish_us)) {
        end(s, "the event loop hangs, and was asked to end");
    }
}

/* ---- the loop's place ---- */

static void note_standing(struct standin *s, const struct look *seen)
{
    bool stands = lasts(seen->busy_us, seen->patience_us);
    enum standin_cause cause = seen->starting         ? STANDIN_START
                               : is_in_store(s, seen) ? STANDIN_STORE
                                                      : STANDIN_LOOP;
    if (stands) {
        s->text = standin_text_of(s->config.state_dir,
                                  cause == STANDIN_STORE ? seen->store_us : seen->busy_us, cause);
    }
    if (stands && !s->standing) {
        log_warning("%s; cleaved refuses requests until that is over", s->text.message);
    } else if (!stands && s->standing) {
        log_info("the event loop works again");
    }
    s->standing = stands;
}

/* systemd would restart cleaved, which mends no disk, and takes away what answers now. */
static void keep_alive(const struct standin *s, const struct look *seen)
{
    if (s->standing && is_in_store(s, seen)) {
        (void)sd_notify(0, "WATCHDOG=1");
    }
}

/* Until something comes, or it is time to look again. */
static void wait_and_serve(struct standin *s, bool suspect, bool signals)
{
    struct pollfd fds[2 + STANDIN_MAX_SOCKETS + STANDIN_MAX_CLIENTS];
    size_t n_sockets = s->standing ? s->config.n_sockets : 0;
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
    fds[n++] = (struct pollfd){.fd = signals ? s->signal_fd : -1, .events = POLLIN};
    for (size_t i = 0; i < n_sockets; i++) {
        fds[n++] = (struct pollfd){.fd = s->config.sockets[i], .events = POLLIN};
    }
    n += standin_clients_poll(&s->clients, &fds[n]);
    if (poll(fds, n, suspect || s->clients.n > 0 ? LOOK_SOON_MS : LOOK_MS) < 0) {
        return;
    }
    uint64_t count = 0;
    (void)!read(s->wake_fd, &count, sizeof(count));
    if ((fds[1].revents & POLLIN) != 0) {
        take_signal(s);
    }
    standin_clients_serve(&s->clients, &fds[2 + n_sockets], &s->text);
    struct look seen = look(s);
    if (!lasts(seen.busy_us, seen.patience_us)) {
        return; /* it turns again, and who waits is its own */
    }
    for (size_t i = 0; i < n_sockets; i++) {
        if ((fds[2 + i].revents & POLLIN) != 0) {
            standin_clients_accept(&s->clients, s->config.sockets[i], &s->text);
        }
    }
}

static void *standin_main(void *data)
{
    struct standin *s = data;
    uint64_t suspect_us = SUSPECT_US < s->config.patience_us ? SUSPECT_US : s->config.patience_us;
    while (!atomic_load(&s->over)) {
        struct look seen = look(s);
        bool suspect = lasts(seen.busy_us, suspect_us);
        note_standing(s, &seen);
        keep_alive(s, &seen);
        watch_the_end(s, &seen);
        wait_and_serve(s, suspect || seen.finishing, suspect);
    }
    standin_clients_done(&s->clients);
    return NULL;
}

/* ---- */

static int setup(struct standin *s)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->wake_fd < 0 || s->signal_fd < 0) {
        return -errno;
    }
    for (size_t i = 0; i < s->config.n_sockets; i++) {
        s->config.sockets[i] = fcntl(s->config.sockets[i], F_DUPFD_CLOEXEC, 3);
        if (s->config.sockets[i] < 0) {
            s->config.n_sockets = i;
            return -errno;
        }
    }
    /* Signals belong to the loop: the thread starts with all of them blocked. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&s->thread, NULL, standin_main, s);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0) {
        (void)pthread_setname_np(s->thread, "standin");
    }
    return -r;
}

static void release(struct standin *s)
{
    closep(&s->wake_fd);
    closep(&s->signal_fd);
    for (size_t i = 0; i < s->config.n_sockets; i++) {
        closep(&s->config.sockets[i]);
    }
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

int standin_new(const struct standin_config *config, struct standin **ret_standin,
                struct error *err)
{
    struct standin *s = xcalloc(1, sizeof(*s));
    s->config = *config;
    s->config.patience_us = config->patience_us != 0 ? config->patience_us : PATIENCE_US;
    s->config.finish_us = config->finish_us != 0 ? config->finish_us : FINISH_US;
    s->starting_us = config->starting ? clock_monotonic_us() : 0;
    s->wake_fd = s->signal_fd = -1;
    (void)pthread_mutex_init(&s->lock, NULL);
    int r = setup(s);
    if (r < 0) {
        release(s);
        return error_set_errno(err, -r, "cleaved", "making the thread that watches the loop");
    }
    *ret_standin = s;
    return 0;
}

static void wake(struct standin *s)
{
    uint64_t one = 1;
    (void)!write(s->wake_fd, &one, sizeof(one));
}

void standin_started(struct standin *standin)
{
    (void)pthread_mutex_lock(&standin->lock);
    standin->starting_us = 0;
    (void)pthread_mutex_unlock(&standin->lock);
    wake(standin);
}

void standin_finish(struct standin *standin)
{
    if (standin != NULL) {
        (void)pthread_mutex_lock(&standin->lock);
        standin->finishing = true;
        (void)pthread_mutex_unlock(&standin->lock);
        wake(standin);
    }
}

void standin_free(struct standin *standin)
{
    if (standin != NULL) {
        atomic_store(&standin->over, true);
        wake(standin);
        (void)pthread_join(standin->thread, NULL);
        release(standin);
    }
}
