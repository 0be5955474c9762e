/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/unseen.h"

#define NEAREST_MAX_LEN 96 /* longer words have no nearest */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return strcmp(a, b) == 0;
}

bool str_eq_case(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool str_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
    size_t text_len = strlen(text);
    size_t suffix_len = strlen(suffix);
    return text_len >= suffix_len && strcmp(text + text_len - suffix_len, suffix) == 0;
}

/* Length in bytes of the UTF-8 character at `at`, 0 if it is malformed. */
static size_t read_utf8(const unsigned char *at, size_t room, uint32_t *ret_code)
{
    unsigned char lead = at[0];
    *ret_code = lead;
    if (lead < 0x80) {
        return 1;
    }
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    uint32_t code = lead & (0xffU >> (len + 1));
    if (lead < 0xc2 || lead > 0xf4 || len > room) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = (code << 6) | (at[i] & 0x3fU);
    }
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    *ret_code = code;
    return code >= least[len] && code <= 0x10ffff && !surrogate ? len : 0;
}

static size_t utf8_len(const unsigned char *at, size_t room)
{
    uint32_t code = 0;
    return read_utf8(at, room, &code);
}

size_t str_cut_len(const char *text, size_t len, size_t max)
{
    if (len < max) {
        return len;
    }
    size_t cut = max;
    /* Back to the lead byte of the last character, which stays only if all of it fits. */
    for (size_t back = 1; back <= 4 && back <= max; back++) {
        unsigned char c = (unsigned char)text[max - back];
        if ((c & 0xc0) != 0x80) {
            size_t whole = utf8_len((const unsigned char *)text + max - back, back);
            cut = whole == back || c < 0x80 ? max : max - back;
            break;
        }
    }
    return cut;
}

bool str_copy(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);
    bool fits = len < size;
    size_t kept = fits ? len : str_cut_len(src, len, size - 1);
    memmove(dst, src, kept);
    dst[kept] = '\0';
    return fits;
}

bool str_vprint(char *out, size_t size, const char *fmt, va_list args)
{
    int len = vsnprintf(out, size, fmt, args);
    if (len < 0) {
        out[0] = '\0';
        return false;
    }
    bool fits = (size_t)len < size;
    if (!fits) {
        out[str_cut_len(out, size - 1, size - 1)] = '\0';
    }
    str_make_clean(out);
    return fits;
}

bool str_print(char *out, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    bool fits = str_vprint(out, size, fmt, args);
    va_end(args);
    return fits;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char *str_trim(char *text)
{
    while (is_blank(*text)) {
        text++;
    }
    size_t len = strlen(text);
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    text[len] = '\0';
    return text;
}

static bool is_plain(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-+:@%/,=";
    return text[0] != '\0' && text[strspn(text, plain)] == '\0';
}

static const char *shell_word(const char *before, const char *text, char out[SHELL_WORD_SIZE])
{
    CLEANUP_STRBUF struct strbuf word = {0};
    strbuf_add(&word, before);
    if (is_plain(text)) {
        strbuf_add(&word, text);
    } else {
        strbuf_add(&word, "'");
        for (const char *at = text; *at != '\0'; at++) {
            if (*at == '\'') {
                strbuf_add(&word, "'\\''");
            } else {
                strbuf_addn(&word, at, 1);
            }
        }
        strbuf_add(&word, "'");
    }
    str_copy(out, SHELL_WORD_SIZE, strbuf_str(&word));
    return out;
}

const char *str_shell_word(const char *text, char out[SHELL_WORD_SIZE])
{
    return shell_word("", text, out);
}

const char *str_shell_arg(const char *text, char out[SHELL_WORD_SIZE])
{
    return shell_word(text[0] == '-' ? "-- " : "", text, out);
}

enum cleanness { CLEAN, UNSEEN, CONTROL, MALFORMED };

/* What the character at `at` is, and its length: 1 where it is malformed. */
static enum cleanness look_at(const unsigned char *at, size_t room, size_t *ret_len,
                              uint32_t *ret_code)
{
    size_t len = read_utf8(at, room, ret_code);
    *ret_len = len > 0 ? len : 1;
    if (len == 0) {
        return MALFORMED;
    }
    if (*ret_code < 0x20 || (*ret_code >= 0x7f && *ret_code < 0xa0)) {
        return CONTROL;
    }
    return len > 1 && unseen_is(*ret_code) ? UNSEEN : CLEAN;
}

/* The worst that the text has; of those that can't be seen the first one. */
static enum cleanness worst_of(const char *text, uint32_t *ret_unseen)
{
    const unsigned char *at = (const unsigned char *)text;
    enum cleanness worst = CLEAN;
    size_t room = strlen(text);
    while (room > 0) {
        size_t len = 1;
        uint32_t code = 0;
        bool is_plain = at[0] >= 0x20 && at[0] < 0x7f; /* nearly all is */
        enum cleanness one = is_plain ? CLEAN : look_at(at, room, &len, &code);
        if (one >= CONTROL) {
            return one;
        }
        if (one == UNSEEN && worst == CLEAN) {
            worst = one;
            *ret_unseen = code;
        }
        at += len;
        room -= len;
    }
    return worst;
}

bool str_is_clean(const char *text)
{
    uint32_t code = 0;
    return worst_of(text, &code) == CLEAN;
}

bool str_is_text(const char *text)
{
    uint32_t code = 0;
    return worst_of(text, &code) < CONTROL;
}

const char *str_unclean_why(const char *text, char out[STR_WHY_SIZE])
{
    uint32_t code = 0;
    enum cleanness worst = worst_of(text, &code);
    if (worst == UNSEEN) {
        (void)snprintf(out, STR_WHY_SIZE,
                       "contains the character U+%04" PRIX32 ", which can't be seen", code);
    } else {
        str_copy(out, STR_WHY_SIZE,
                 worst == MALFORMED ? "is not UTF-8" : "contains control characters");
    }
    return out;
}

void str_make_clean(char *text)
{
    char *to = text;
    size_t room = strlen(text);
    while (room > 0) {
        size_t len = 1;
        uint32_t code = 0;
        bool clean = look_at((const unsigned char *)text, room, &len, &code) == CLEAN;
        if (clean) {
            memmove(to, text, len);
            to += len;
        } else {
            *to++ = is_blank(*text) ? ' ' : '?';
        }
        text += len;
        room -= len;
    }
    *to = '\0';
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance over bytes, case ignored; both at most NEAREST_MAX_LEN long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NEAREST_MAX_LEN + 1];
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = min3(change, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[b_len];
}

static bool begins_with(const char *text, const char *prefix, size_t prefix_len)
{
    for (size_t i = 0; i < prefix_len; i++) {
        if (lower(text[i]) != lower(prefix[i])) {
            return false;
        }
    }
    return true;
}

const char *str_nearest(const char *word, const char *const *candidates, size_t n)
{
    size_t word_len = strlen(word);
    if (word_len == 0 || word_len > NEAREST_MAX_LEN) {
        return NULL;
    }
    size_t limit = word_len / 3 > 2 ? word_len / 3 : 2;
    if (limit >= word_len) {
        limit = word_len - 1;
    }
    const char *best = NULL;
    size_t best_distance = limit + 1;
    size_t best_len = 0; /* of one that the word begins; 0: none does */
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(candidates[i]);
        if (len > NEAREST_MAX_LEN) {
            continue;
        }
        size_t d = distance(word, word_len, candidates[i], len);
        bool begun = word_len >= 3 && begins_with(candidates[i], word, word_len);
        d = begun && d > 1 ? 1 : d;
        /* "1g.24" is the beginning of "1g.24gb" rather than of "1g.24gb-me". */
        bool shorter = begun && d == best_distance && len < best_len;
        if (d < best_distance || shorter) {
            best_distance = d;
            best = candidates[i];
            best_len = begun ? len : 0;
        }
    }
    return best;
}

static void reserve(struct strbuf *buf, size_t more)
{
    size_t need = buf->len + more + 1;
    if (need <= buf->cap) {
        return;
    }
    size_t cap = buf->cap != 0 ? buf->cap : 64;
    while (cap < need) {
        cap *= 2;
    }
    buf->text = xrealloc_array(buf->text, cap, 1);
    buf->cap = cap;
}

void strbuf_add(struct strbuf *buf, const char *text)
{
    strbuf_addn(buf, text, strlen(text));
}

void strbuf_addn(struct strbuf *buf, const char *text, size_t len)
{
    reserve(buf, len);
    if (len != 0) {
        memcpy(buf->text + buf->len, text, len);
    }
    buf->len += len;
    buf->text[buf->len] = '\0';
}

void strbuf_addf(struct strbuf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len >= 0) {
        reserve(buf, (size_t)len);
        (void)vsnprintf(buf->text + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

const char *strbuf_str(const struct strbuf *buf)
{
    return buf->text != NULL ? buf->text : "";
}

char *strbuf_take(struct strbuf *buf)
{
    char *text = buf->text != NULL ? buf->text : xstrdup("");
    *buf = (struct strbuf){0};
    return text;
}

void strbuf_done(struct strbuf *buf)
{
    free(buf->text);
    *buf = (struct strbuf){0};
}
