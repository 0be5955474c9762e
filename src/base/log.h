/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines for the boundary (request handler, step runner, main); libraries never log. To stderr
 * as "<level> message" lines that systemd reads, with priority prefix when under systemd.
 * Thread-safe. A line never waits for who reads the log: what a full pipe or a journal that hangs
 * does not take is lost, and how much that was is said as soon as something is taken again. A file
 * always takes it, unless its disk hangs: see log_never_wait(). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level {
    LOG_LEVEL_NONE = -1,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

void log_set_level(enum log_level level);
void log_set_program(const char *name);
/* From now on, where stderr is a file, a thread writes it. Once, by main; exit() waits a second for
 * what is unwritten. */
void log_never_wait(void);
/* The same wait, before _exit(). */
void log_flush(void);
void log_error(const char *fmt, ...) PRINTF_ATTR(1, 2);
void log_warning(const char *fmt, ...) PRINTF_ATTR(1, 2);
void log_info(const char *fmt, ...) PRINTF_ATTR(1, 2);
void log_debug(const char *fmt, ...) PRINTF_ATTR(1, 2);

#endif
