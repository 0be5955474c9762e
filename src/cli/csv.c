/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/csv.h"

#include <string.h>

static bool is_formula(const char *field)
{
    return field[0] != '\0' && strchr("=+-@\t\r", field[0]) != NULL;
}

static void add_field(struct strbuf *out, const char *field)
{
    bool quoted = strpbrk(field, "\",\r\n") != NULL;
    strbuf_add(out, quoted ? "\"" : "");
    strbuf_add(out, is_formula(field) ? "'" : "");
    for (const char *c = field; *c != '\0'; c++) {
        strbuf_add(out, *c == '"' ? "\"" : "");
        strbuf_addn(out, c, 1);
    }
    strbuf_add(out, quoted ? "\"" : "");
}

void csv_add_record(struct strbuf *out, const char *const *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        strbuf_add(out, i == 0 ? "" : ",");
        add_field(out, fields[i]);
    }
    strbuf_add(out, "\r\n");
}
