/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_LEN 2048
#define QUEUE_LINES 128
#define FLUSH_S 1

static const struct {
    const char *word;
    int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {.word = "error: ", .priority = LOG_ERR},
    [LOG_LEVEL_WARNING] = {.word = "warning: ", .priority = LOG_WARNING},
    [LOG_LEVEL_INFO] = {.word = "", .priority = LOG_INFO},
    [LOG_LEVEL_DEBUG] = {.word = "debug: ", .priority = LOG_DEBUG},
};

/* Set once by main, before threads start. */
static _Atomic(enum log_level) max_level = LOG_LEVEL_INFO;
static _Atomic(const char *) program = "cleave";

void log_set_level(enum log_level level)
{
    atomic_store(&max_level, level);
}

void log_set_program(const char *name)
{
    atomic_store(&program, name);
}

/* ---- lines ---- */

PRINTF_ATTR(4, 0)
static size_t make_line(char *line, size_t size, enum log_level level, const char *fmt,
                        va_list args)
{
    int head = 0;
    if (getenv("JOURNAL_STREAM") != NULL) { /* stderr is the journal: systemd.exec(5) */
        head = snprintf(line, size, "<%d>", levels[level].priority);
    } else {
        head = snprintf(line, size, "%s: %s", atomic_load(&program), levels[level].word);
    }
    int body = vsnprintf(line + head, size - (size_t)head, fmt, args);
    size_t len = (size_t)head + (body > 0 ? (size_t)body : 0);
    len = len < size - 1 ? len : size - 1;
    for (size_t i = (size_t)head; i < len; i++) {
        if (line[i] == '\n' || line[i] == '\r') {
            line[i] = ' '; /* a message is one line, whatever it quotes */
        }
    }
    line[len] = '\n';
    return len + 1;
}

/* ---- writing ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of stderr and `n_lost` */
static unsigned n_lost;

/* A file is written by a thread, as its disk may hang; pipes, sockets and terminals say whether
 * they have room. */
static struct {
    bool on;
    char lines[QUEUE_LINES][LINE_MAX_LEN];
    size_t len[QUEUE_LINES];
    unsigned first, n; /* under the lock, as all of this; the first stays until it is written */
    pthread_cond_t more, less;
} queue = {.more = PTHREAD_COND_INITIALIZER, .less = PTHREAD_COND_INITIALIZER};

static void *write_lines(void *data)
{
    (void)pthread_mutex_lock(&lock);
    while (true) {
        while (queue.n == 0) {
            (void)pthread_cond_wait(&queue.more, &lock);
        }
        unsigned at = queue.first;
        (void)pthread_mutex_unlock(&lock);
        (void)!write(STDERR_FILENO, queue.lines[at], queue.len[at]);
        (void)pthread_mutex_lock(&lock);
        queue.first = (queue.first + 1) % QUEUE_LINES;
        queue.n--;
        (void)pthread_cond_broadcast(&queue.less);
    }
    return data;
}

static bool enqueue(const char *line, size_t len)
{
    if (queue.n == QUEUE_LINES) {
        return false;
    }
    unsigned at = (queue.first + queue.n) % QUEUE_LINES;
    memcpy(queue.lines[at], line, len);
    queue.len[at] = len;
    queue.n++;
    (void)pthread_cond_signal(&queue.more);
    return true;
}

void log_flush(void)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FLUSH_S;
    int r = 0;
    (void)pthread_mutex_lock(&lock);
    while (queue.n > 0 && r == 0) {
        r = pthread_cond_timedwait(&queue.less, &lock, &until);
    }
    (void)pthread_mutex_unlock(&lock);
}

void log_never_wait(void)
{
    struct stat st = {0};
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    if (fstat(STDERR_FILENO, &st) != 0 || !S_ISREG(st.st_mode)) {
        return;
    }
    (void)sigfillset(&all); /* they are the loop's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, write_lines, NULL) == 0) {
        (void)pthread_detach(thread);
        queue.on = true;
        (void)atexit(log_flush);
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* False when it could only be written by waiting for a reader, as while the journal hangs. One
 * write per line; a pipe or terminal that has room takes a whole one. */
static bool put(const char *line, size_t len)
{
    if (queue.on) {
        return enqueue(line, len);
    }
    ssize_t n = send(STDERR_FILENO, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) {
        struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (poll(&room, 1, 0) == 0) {
            return false;
        }
        n = write(STDERR_FILENO, line, len);
    }
    return n >= 0 || (errno != EAGAIN && errno != ENOBUFS); /* nowhere to complain */
}

PRINTF_ATTR(2, 3) static size_t make_note(char line[LINE_MAX_LEN], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t len = make_line(line, LINE_MAX_LEN, LOG_LEVEL_WARNING, fmt, args);
    va_end(args);
    return len;
}

/* Says how many lines are missing at this place; false while not even that can be written. */
static bool put_lost(void)
{
    char line[LINE_MAX_LEN];
    if (n_lost > 0) {
        size_t len = make_note(
            line, "%u lines are missing here, because the log did not accept them", n_lost);
        n_lost = put(line, len) ? 0 : n_lost;
    }
    return n_lost == 0;
}

PRINTF_ATTR(2, 0) static void log_line(enum log_level level, const char *fmt, va_list args)
{
    if (level > atomic_load(&max_level)) {
        return;
    }
    int errno_before = errno; /* who logs a failure may still look at it */
    char line[LINE_MAX_LEN];
    size_t len = make_line(line, sizeof(line), level, fmt, args);
    pthread_mutex_lock(&lock);
    if (!put_lost() || !put(line, len)) {
        n_lost++;
    }
    pthread_mutex_unlock(&lock);
    errno = errno_before;
}

void log_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_LEVEL_ERROR, fmt, args);
    va_end(args);
}

void log_warning(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_LEVEL_WARNING, fmt, args);
    va_end(args);
}

void log_info(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_LEVEL_INFO, fmt, args);
    va_end(args);
}

void log_debug(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_line(LOG_LEVEL_DEBUG, fmt, args);
    va_end(args);
}
