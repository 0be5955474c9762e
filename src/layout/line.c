/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/line.h"

#include <stdarg.h>
#include <stdio.h>

void line_init(struct line *line, char *out, size_t size)
{
    line->out = out;
    line->size = size;
    line->len = 0;
    if (size > 0) {
        out[0] = '\0';
    }
}

void line_add(struct line *line, const char *fmt, ...)
{
    if (line->len >= line->size) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(line->out + line->len, line->size - line->len, fmt, args);
    va_end(args);
    line->len += n > 0 ? (size_t)n : 0;
}

static const char *separator(uint32_t i, uint32_t n, const char *last)
{
    if (i == 0) {
        return "";
    }
    return i + 1 < n ? ", " : last;
}

const char *line_comma(uint32_t i, uint32_t n)
{
    return separator(i, n, " and ");
}

void line_add_gis(struct line *line, const struct layout_gis *gis)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        const struct layout_gi *gi = &gis->items[i];
        line_add(line, "%s%s", line_comma(i, gis->n), gi->profile->name);
        if (gi->start != LAYOUT_ANYWHERE) {
            line_add(line, "@%u", gi->start);
        }
    }
}

void line_add_starts(struct line *line, const struct cat_profile *profile)
{
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        line_add(line, "%s%u", separator(i, profile->n_placements, " or "),
                 profile->placements[i].start);
    }
}

void line_add_slices(struct line *line, slice_mask mask)
{
    uint32_t first = (uint32_t)__builtin_ctz(mask);
    uint32_t last = 31 - (uint32_t)__builtin_clz(mask);
    if (first == last) {
        line_add(line, "memory slice %u", first);
    } else {
        line_add(line, "memory slices %u-%u", first, last);
    }
}
