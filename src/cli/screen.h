/* SPDX-License-Identifier: Apache-2.0 */
/* The screen that standard output is. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stddef.h>

/* Columns: COLUMNS of the environment (watch(1) sets it for what it shows), else the terminal's.
 * 0: standard output is a file or a pipe, which has room for everything. */
size_t screen_width(void);
/* The same of the terminal that standard error is. */
size_t screen_error_width(void);

#endif
