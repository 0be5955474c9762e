/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <langinfo.h>
#include <wchar.h>
#include <wctype.h>

#define HEX_WIDTH 4 /* "\xNN" */

struct unit {
    size_t len;   /* bytes */
    size_t width; /* columns */
};

/* One character; of what is none, a byte. */
static struct unit first_unit(const char *at, const char *end)
{
    mbstate_t state = {0};
    wchar_t wide = 0;
    size_t len = mbrtowc(&wide, at, (size_t)(end - at), &state);
    if (len == 0 || len == (size_t)-1 || len == (size_t)-2) {
        return (struct unit){1, HEX_WIDTH};
    }
    int width = iswprint((wint_t)wide) != 0 ? wcwidth(wide) : -1;
    return (struct unit){len, width < 0 ? HEX_WIDTH * len : (size_t)width};
}

static size_t width_of(const char *text, size_t len)
{
    size_t width = 0;
    const char *end = text + len;
    for (const char *at = text; at < end;) {
        struct unit unit = first_unit(at, end);
        width += unit.width;
        at += unit.len;
    }
    return width;
}

size_t text_width(const char *text)
{
    return width_of(text, strlen(text));
}

size_t text_word_width(const char *text)
{
    size_t widest = 0;
    for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        size_t width = width_of(at, len);
        widest = width > widest ? width : widest;
        at += len;
    }
    return widest;
}

/* Adds `len` bytes, and breaks the line at `width`; returns what of the last line is used. */
static size_t add_broken(const char *text, size_t len, size_t width, const char *between,
                         struct strbuf *out)
{
    size_t used = 0;
    const char *end = text + len;
    for (const char *at = text; at < end;) {
        struct unit unit = first_unit(at, end);
        if (used > 0 && used + unit.width > width) {
            strbuf_add(out, between);
            used = 0;
        }
        strbuf_addn(out, at, unit.len);
        used += unit.width;
        at += unit.len;
    }
    return used;
}

void text_wrap(const char *text, size_t width, const char *between, struct strbuf *out)
{
    size_t used = 0;
    for (const char *at = text;; at++) { /* behind a word there is one blank, or the end */
        size_t len = strcspn(at, " ");
        size_t word = width_of(at, len);
        if (at != text && used + 1 + word <= width) {
            strbuf_add(out, " ");
            strbuf_addn(out, at, len);
            used += 1 + word;
        } else {
            strbuf_add(out, at == text ? "" : between);
            used = add_broken(at, len, width, between, out);
        }
        at += len;
        if (*at == '\0') {
            return;
        }
    }
}

void text_break(const char *text, size_t width, const char *between, struct strbuf *out)
{
    (void)add_broken(text, strlen(text), width, between, out);
}

/* Where the text has no more than `width` columns left. */
static const char *last_columns(const char *text, size_t width)
{
    const char *end = text + strlen(text);
    size_t left = width_of(text, (size_t)(end - text));
    const char *at = text;
    while (left > width) {
        struct unit unit = first_unit(at, end);
        left -= unit.width;
        at += unit.len;
    }
    return at;
}

void text_shorten(const char *text, size_t width, struct strbuf *out)
{
    if (text_width(text) <= width) {
        strbuf_add(out, text);
        return;
    }
    const char *gap = str_eq(nl_langinfo(CODESET), "UTF-8") ? "…" : "...";
    size_t gap_width = text_width(gap);
    gap_width = gap_width + 2 > width ? 0 : gap_width;
    size_t tail = gap_width == 0 ? 0 : (width - gap_width) / 2;
    size_t head = width - gap_width - tail;
    const char *end = text + strlen(text);
    const char *at = text;
    for (struct unit unit = first_unit(at, end); unit.width <= head; unit = first_unit(at, end)) {
        head -= unit.width;
        at += unit.len;
    }
    strbuf_addn(out, text, (size_t)(at - text));
    strbuf_add(out, gap_width == 0 ? "" : gap);
    strbuf_add(out, last_columns(text, tail));
}
