/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_LEN 2048

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

/* One write per line, so that lines of several threads do not mix. */
PRINTF_ATTR(2, 0) static void log_line(enum log_level level, const char *fmt, va_list args)
{
    if (level > atomic_load(&max_level)) {
        return;
    }
    char line[LINE_MAX_LEN];
    int head = 0;
    if (getenv("JOURNAL_STREAM") != NULL) { /* stderr is the journal: systemd.exec(5) */
        head = snprintf(line, sizeof(line), "<%d>", levels[level].priority);
    } else {
        head = snprintf(line, sizeof(line), "%s: %s", atomic_load(&program), levels[level].word);
    }
    int body = vsnprintf(line + head, sizeof(line) - (size_t)head, fmt, args);
    size_t len = (size_t)head + (body > 0 ? (size_t)body : 0);
    len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
    for (size_t i = (size_t)head; i < len; i++) {
        if (line[i] == '\n' || line[i] == '\r') {
            line[i] = ' '; /* a message is one line, whatever it quotes */
        }
    }
    line[len] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len + 1);
    (void)written; /* nowhere to complain */
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
