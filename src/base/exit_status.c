/* SPDX-License-Identifier: Apache-2.0 */
#include "base/exit_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define OWN_ROW(sym, number, meaning) {.status = (number), .text = (meaning)},
static const struct exit_status_row own_rows[] = {EXIT_STATUS_MAP(OWN_ROW)};
#undef OWN_ROW

#define N_REASONS ((size_t)REASON_COUNT - 1) /* but NONE */

static struct exit_status_row any_row(size_t index)
{
    if (index < ARRAY_SIZE(own_rows)) {
        return own_rows[index];
    }
    enum reason reason = (enum reason)(index - ARRAY_SIZE(own_rows) + 1);
    return (struct exit_status_row){.status = reason_exit_status(reason),
                                    .text = reason_text(reason)};
}

bool exit_status_row(size_t index, struct exit_status_row *ret_row)
{
    size_t n = ARRAY_SIZE(own_rows) + N_REASONS;
    for (size_t i = 0; i < n; i++) {
        struct exit_status_row row = any_row(i);
        size_t n_less = 0;
        for (size_t k = 0; k < n; k++) {
            n_less += any_row(k).status < row.status;
        }
        if (n_less == index) {
            *ret_row = row;
            return true;
        }
    }
    return false;
}

int exit_status_written(const char *program, int status)
{
    bool failed = ferror(stdout) != 0; /* an earlier flush, so that nothing is left for this one */
    errno = 0;
    if (fflush(stdout) == 0 && !failed) {
        return status;
    }
    fprintf(stderr, "%s: standard output can't be written%s%s\n", program, errno != 0 ? ": " : "",
            errno != 0 ? strerror(errno) : "");
    return status != EXIT_STATUS_DONE ? status : EXIT_STATUS_OUTPUT;
}
