/* SPDX-License-Identifier: Apache-2.0 */
/* The screens that standard output and standard error are. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* Columns: COLUMNS of the environment (watch(1) sets it for what it shows), else the terminal's.
 * 0: standard output is a file or a pipe, which has room for everything. */
size_t screen_width(void);
/* The same of the terminal that standard error is. */
size_t screen_error_width(void);
bool screen_error_is_terminal(void);

/* A line that moves on the terminal of standard error: each text takes the place of the one before,
 * and is cut where the terminal ends, as a longer one would leave pieces behind. */
struct screen_line {
    bool shown;
};
void screen_line_show(struct screen_line *line, const char *text);
/* Nothing, where none is shown. */
void screen_line_clear(struct screen_line *line);

#endif
