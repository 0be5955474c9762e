/* SPDX-License-Identifier: Apache-2.0 */
/* One bounded line of text, put together piece by piece without allocation. Private to layout. */
#ifndef LAYOUT_LINE_H
#define LAYOUT_LINE_H

#include "layout/layout.h"

struct line {
    char *out;
    size_t size;
    size_t len;
};

/* Starts an empty line in `out`; what does not fit is cut. */
void line_init(struct line *line, char *out, size_t size);
void line_add(struct line *line, const char *fmt, ...) PRINTF_ATTR(2, 3);
/* The separator between item i and the one before it of n: "", ", " or " and ". */
const char *line_comma(uint32_t i, uint32_t n);
/* "1g.5gb@1, 2g.10gb@4 and 3g.20gb@0" */
void line_add_gis(struct line *line, const struct layout_gis *gis);
/* "0, 2 or 4" */
void line_add_starts(struct line *line, const struct cat_profile *profile);
/* "memory slice 5" or "memory slices 4-5" */
void line_add_slices(struct line *line, slice_mask mask);

#endif
