/* SPDX-License-Identifier: Apache-2.0 */
/* Comma-separated values (RFC 4180), which a spreadsheet takes as text: a field that would be a
 * formula there (OWASP, "CSV Injection") begins with an apostrophe. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stddef.h>

#include "base/str.h"

/* One record with its line's end, CRLF. */
void csv_add_record(struct strbuf *out, const char *const *fields, size_t n);

#endif
