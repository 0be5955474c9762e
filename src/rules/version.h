/* SPDX-License-Identifier: Apache-2.0 */
/* Versions as text: numbers with dots between them. Private to src/rules. */
#ifndef RULES_VERSION_H
#define RULES_VERSION_H

#include <stdbool.h>

#define VERSION_SIZE 32

/* Numbers and dots only, such as "10.0", and not longer than VERSION_SIZE allows. */
bool version_is_plain(const char *text);
/* "11.3.0" is older than "11.10": numbers are compared one by one, and what follows another
 * character ("6.1.0-25-amd64") counts for nothing. */
bool version_older(const char *a, const char *b);

#endif
