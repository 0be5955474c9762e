/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/fields.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/text.h"

#define INDENT 4
#define MIN_VALUE 10

void fields_print(const struct field_row *fields, size_t n, size_t width)
{
    size_t names = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(fields[i].name);
        names = len > names ? len : names;
    }
    size_t indent = INDENT + names + strlen(" : ");
    size_t room = width > indent + MIN_VALUE ? width - indent : MIN_VALUE;
    CLEANUP_FREE char *between = xasprintf("\n%*s", (int)indent, "");
    for (size_t i = 0; i < n; i++) {
        CLEANUP_STRBUF struct strbuf value = {0};
        text_wrap(fields[i].value, width > 0 ? room : TEXT_WITHOUT_END, between, &value);
        printf("%*s%-*s : %s\n", INDENT, "", (int)names, fields[i].name, strbuf_str(&value));
    }
}
