/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prose.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/screen.h"
#include "cli/text.h"

static void print_prose(FILE *to, size_t width, size_t indent, const char *fmt, va_list args)
{
    CLEANUP_FREE char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0) { /* no memory */
        abort();
    }
    str_make_clean(text); /* a file's name may have what turns a terminal */
    CLEANUP_STRBUF struct strbuf lines = {0};
    CLEANUP_FREE char *between = xasprintf("\n%*s", (int)indent, "");
    size_t room = width > indent ? width - indent : 1;
    text_wrap(text, width > 0 ? room : TEXT_WITHOUT_END, between, &lines);
    fprintf(to, "%*s%s\n", (int)indent, "", strbuf_str(&lines));
}

void prose_print(size_t width, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_prose(stdout, width, 0, fmt, args);
    va_end(args);
}

void prose_print_indented(size_t width, size_t indent, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_prose(stdout, width, indent, fmt, args);
    va_end(args);
}

void prose_report(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_prose(stderr, screen_error_width(), 0, fmt, args);
    va_end(args);
}
