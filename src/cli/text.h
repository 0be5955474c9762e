/* SPDX-License-Identifier: Apache-2.0 */
/* Texts as they look: how many columns of a terminal they take, broken into lines, shortened. By
 * the locale, as libsmartcols counts: what can't be printed is four columns a byte ("\xNN"). */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* A width that no text has. */
#define TEXT_WITHOUT_END (SIZE_MAX / 2)

/* Columns of a terminal. */
size_t text_width(const char *text);
/* Of the widest word between blanks. */
size_t text_word_width(const char *text);
/* Adds lines of `width` columns (more than 0) at most, broken at blanks, with `between` between
 * them; a word that is longer than a line is broken where the line ends.
 * Nothing is lost but the blank at which a line ends. */
void text_wrap(const char *text, size_t width, const char *between, struct strbuf *out);
/* The same, broken where each line ends, blank or not: of a name each blank counts. */
void text_break(const char *text, size_t width, const char *between, struct strbuf *out);
/* Adds the text in `width` columns at most; of a longer one both ends, for names often differ in
 * their last letters. */
void text_shorten(const char *text, size_t width, struct strbuf *out);

#endif
