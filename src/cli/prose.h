/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences for people. */
#ifndef CLI_PROSE_H
#define CLI_PROSE_H

#include <stddef.h>

#include "base/attr.h"

/* Prints sentences on standard output, and a line break behind them; broken at blanks where they
 * are wider than `width`, as for tables. */
void prose_print(size_t width, const char *fmt, ...) PRINTF_ATTR(2, 3);
/* The same, each line behind so many blanks. */
void prose_print_indented(size_t width, size_t indent, const char *fmt, ...) PRINTF_ATTR(3, 4);
/* The same on standard error, as wide as that is. */
void prose_report(const char *fmt, ...) PRINTF_ATTR(1, 2);

#endif
