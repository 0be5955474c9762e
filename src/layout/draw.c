/* SPDX-License-Identifier: Apache-2.0 */
#include "layout/layout.h"

#include <string.h>

#include "layout/line.h"

#define DRAW_MIN_CELL 3
#define TEXT_SIZE 96

/* Text in the cells of each instance. */
struct labels {
    char text[LAYOUT_MAX_GIS][TEXT_SIZE];
};

static void labels_init(struct labels *labels, const struct layout_gis *gis,
                        const struct layout_compute *compute)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        char parts[TEXT_SIZE] = "";
        struct line line;
        if (compute != NULL) {
            layout_compute_text(&compute[i], parts, sizeof(parts));
        }
        line_init(&line, labels->text[i], TEXT_SIZE);
        line_add(&line, "%s", gis->items[i].profile->name);
        if (parts[0] != '\0') {
            line_add(&line, " (%s)", parts);
        }
    }
}

/* The instance that starts at or covers the slice, or NULL. */
static const struct layout_gi *find_at(const struct layout_gis *gis, uint32_t slice)
{
    for (uint32_t i = 0; i < gis->n; i++) {
        if ((layout_mask(&gis->items[i]) >> slice & 1) != 0) {
            return &gis->items[i];
        }
    }
    return NULL;
}

static uint32_t run_of(const struct layout_gis *gis, const struct layout_gi *gi, uint32_t slice,
                       uint32_t slices)
{
    uint32_t end = slice;
    while (end < slices && find_at(gis, end) == gi) {
        end++;
    }
    return end - slice;
}

/* Columns per slice: enough for every name that stands. One column of each run is its border. */
static uint32_t cell_width(const struct layout_gis *gis, const struct labels *labels)
{
    uint32_t width = DRAW_MIN_CELL;
    for (uint32_t i = 0; i < gis->n; i++) {
        uint32_t need = (uint32_t)strlen(labels->text[i]) + 1;
        uint32_t size = gis->items[i].profile->memory_slices;
        if (gis->items[i].start != LAYOUT_ANYWHERE && size > 0) {
            uint32_t per_slice = (need + size - 1) / size;
            width = per_slice > width ? per_slice : width;
        }
    }
    return width;
}

const char *layout_draw(const struct gpu_model *model, const struct layout_gis *gis,
                        const struct layout_compute *compute, char *out, size_t size)
{
    struct line line;
    line_init(&line, out, size);
    uint32_t slices = model->memory_slices;
    if (slices == CAT_UNKNOWN || slices == 0 || slices > 32) {
        line_add(&line, "[?]");
        return out;
    }
    struct labels labels;
    labels_init(&labels, gis, compute);
    uint32_t width = cell_width(gis, &labels);
    for (uint32_t slice = 0, run = 0; slice < slices; slice += run) {
        const struct layout_gi *gi = find_at(gis, slice);
        run = run_of(gis, gi, slice, slices);
        uint32_t columns = run * width - 1;
        line_add(&line, "%s", slice == 0 ? "[" : "|");
        if (gi != NULL) {
            line_add(&line, "%-*s", (int)columns, labels.text[gi - gis->items]);
        }
        for (uint32_t i = 0; gi == NULL && i < columns; i++) {
            line_add(&line, "·");
        }
    }
    line_add(&line, "]");
    return out;
}

const char *layout_text(const struct layout_gis *gis, char *out, size_t size)
{
    struct line line;
    line_init(&line, out, size);
    for (uint32_t i = 0; i < gis->n; i++) {
        line_add(&line, "%s%s", i > 0 ? ", " : "", gis->items[i].profile->name);
        if (gis->items[i].start != LAYOUT_ANYWHERE) {
            line_add(&line, "@%u", gis->items[i].start);
        }
    }
    return out;
}
