/* SPDX-License-Identifier: Apache-2.0 */
/* Strings: comparison, bounded copies, a growing buffer, and the nearest name for error messages.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

bool str_eq(const char *a, const char *b);      /* NULL equals only NULL */
bool str_eq_case(const char *a, const char *b); /* ASCII case ignored */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* Copies into a fixed buffer, always terminated, never half a character; false if it was cut. */
bool str_copy(char *dst, size_t size, const char *src);
#define STR_SET(dst, src) str_copy((dst), sizeof(dst), (src))
/* snprintf() for people's eyes: never half a character at the cut, and one clean line whatever the
 * arguments were; false if it was cut. */
bool str_print(char *out, size_t size, const char *fmt, ...) PRINTF_ATTR(3, 4);
bool str_vprint(char *out, size_t size, const char *fmt, va_list args) PRINTF_ATTR(3, 0);
/* The most bytes, at most `max`, that end on a UTF-8 character of `text` (len bytes). */
size_t str_cut_len(const char *text, size_t len, size_t max);

/* Removes white space at both ends in place; returns `text` moved forward. */
char *str_trim(char *text);

/* Makes str_is_clean() true, in place: white space becomes ' ', other control characters, bad bytes
 * and characters that can't be seen '?'. For messages of other programs. */
void str_make_clean(char *text);

/* A word of a command that people copy into a shell, whatever is in it: web1, 'my vm'. Returns out.
 */
#define SHELL_WORD_SIZE 1040 /* of 255 bytes, each an apostrophe */
const char *str_shell_word(const char *text, char out[SHELL_WORD_SIZE]);
/* The same behind a command's options: "-- -x" of "-x". */
const char *str_shell_arg(const char *text, char out[SHELL_WORD_SIZE]);
/* In buffers that live as long as the block they stand in. */
#define SHELL_WORD(text) str_shell_word((text), (char[SHELL_WORD_SIZE]){0})
#define SHELL_ARG(text) str_shell_arg((text), (char[SHELL_WORD_SIZE]){0})

/* True if every byte is printable ASCII or valid UTF-8, without control characters and those that
 * can't be seen (base/unseen.h). */
bool str_is_clean(const char *text);
/* The same, and characters that can't be seen are allowed: for documents inside a document. */
bool str_is_text(const char *text);
/* Why a text is not clean, behind its name in a message: "contains …". Returns out. */
#define STR_WHY_SIZE 64
const char *str_unclean_why(const char *text, char out[STR_WHY_SIZE]);

/* The candidate with the smallest edit distance to `word` (case ignored), or NULL if none is close
 * (distance over a third of the length, at least 2). A candidate that begins with the word (3 bytes
 * or more) is one edit away. Borrowed from `candidates`; the first of equals. */
const char *str_nearest(const char *word, const char *const *candidates, size_t n);

struct strbuf {
    char *text; /* always terminated once used; NULL when empty */
    size_t len;
    size_t cap;
};

void strbuf_add(struct strbuf *buf, const char *text);
void strbuf_addn(struct strbuf *buf, const char *text, size_t len);
void strbuf_addf(struct strbuf *buf, const char *fmt, ...) PRINTF_ATTR(2, 3);
const char *strbuf_str(const struct strbuf *buf); /* "" when empty; borrowed */
char *strbuf_take(struct strbuf *buf);            /* caller frees; never NULL */
void strbuf_done(struct strbuf *buf);

#define CLEANUP_STRBUF CLEANUP(strbuf_done)

#endif
