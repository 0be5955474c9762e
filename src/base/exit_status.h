/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exit statuses of cleave, cleaved and cleave-sim: one table, from which help, the manual page and
 * README's list come. A failure has the status of its reason (error.h); here are the others, too.
 */
#ifndef BASE_EXIT_STATUS_H
#define BASE_EXIT_STATUS_H

#include <stdbool.h>
#include <stddef.h>

/* X(symbol, status, meaning). 74 is EX_IOERR of sysexits.h, 130 what a shell makes of SIGINT. */
#define EXIT_STATUS_MAP(X)                                                                         \
    X(DONE, 0, "done")                                                                             \
    X(NO, 1, "the layout is not possible (`cleave layout check`)")                                 \
    X(OUTPUT, 74, "standard output can't be written, so that output is missing")                   \
    X(INTERRUPTED, 130, "Ctrl-C; what cleaved had begun goes on")

enum exit_status {
#define EXIT_STATUS_ENUM(sym, status, text) EXIT_STATUS_##sym = (status),
    EXIT_STATUS_MAP(EXIT_STATUS_ENUM)
#undef EXIT_STATUS_ENUM
};

struct exit_status_row {
    int status;
    const char *text;
};

/* The row at `index` in the order of statuses, or false after the last one. */
bool exit_status_row(size_t index, struct exit_status_row *ret_row);

/* Last thing in main(): writes what standard output still has in its buffer. `status`, or OUTPUT
 * where that or an earlier write failed and the program would have ended with DONE; standard error
 * then says so. A failure keeps its own status. */
int exit_status_written(const char *program, int status);

#endif
