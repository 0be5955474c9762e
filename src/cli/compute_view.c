/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/compute_view.h"

#include <inttypes.h>
#include <stdio.h>

/* Does one compute instance have all of them? "3g.20gb" has three compute slices. */
static bool is_computed_whole(const json_t *gi)
{
    const json_t *compute = view_at(gi, "compute");
    int64_t size = view_int(json_array_get(compute, 0), "size", 0);
    char profile[VIEW_SIZE];
    str_print(profile, sizeof(profile), "%" PRId64 "g.", size);
    return json_array_size(compute) == 1 && str_starts(view_text(gi, "profile", ""), profile);
}

size_t compute_view_lines(const json_t *gi)
{
    size_t n = json_array_size(view_at(gi, "compute"));
    bool all = (int64_t)n == view_int(gi, "computeInstances", 0);
    return all && !is_computed_whole(gi) ? n : 0;
}

const char *compute_view_text(const json_t *gi, size_t i, char out[VIEW_SIZE])
{
    const json_t *compute = json_array_get(view_at(gi, "compute"), i);
    int64_t start = view_int(compute, "start", 0);
    int64_t size = view_int(compute, "size", 1);
    char end[24] = "";
    if (size > 1) {
        str_print(end, sizeof(end), "-%" PRId64, start + size - 1);
    }
    str_print(out, VIEW_SIZE, "%" PRId64 "c #%" PRId64 " at %" PRId64 "%s", size,
              view_int(compute, "id", 0), start, end);
    return out;
}

void compute_view_summary(const json_t *gi, char out[VIEW_SIZE])
{
    int64_t n = view_int(gi, "computeInstances", 0);
    if (n > 1) {
        snprintf(out, VIEW_SIZE, "%" PRId64 " x compute", n);
    } else {
        snprintf(out, VIEW_SIZE, "%s", n == 1 ? "compute" : "no vGPU");
    }
}
