/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/estimate.h"

#define MAX_ROUNDS 64
#define MS_PER_S 1000.0

void estimate_fill(struct migration_estimate *estimate, uint64_t max_downtime_ms)
{
    double link = (double)estimate->link_bytes_per_s.value;
    double dirty = (double)estimate->dirty_bytes_per_s.value;
    double limit_s =
        (double)(max_downtime_ms == 0 ? ESTIMATE_DEFAULT_DOWNTIME_MS : max_downtime_ms) / MS_PER_S;
    estimate->converges = estimate->link_bytes_per_s.known && dirty < link;
    estimate->known = estimate->converges;
    if (!estimate->known) {
        estimate->total_ms = estimate->downtime_ms = (struct amount){0};
        return;
    }
    /* Each round sends what the guest changed during the one before. */
    double left = (double)estimate->memory_bytes.value;
    double sent_s = 0;
    for (int round = 0; round < MAX_ROUNDS && left / link > limit_s; round++) {
        double took_s = left / link;
        sent_s += took_s;
        left = dirty * took_s;
    }
    /* The framebuffer has no rounds: it is sent while the guest stands still. */
    double stop_s = (left + (double)estimate->framebuffer_bytes.value) / link;
    estimate->downtime_ms = amount_of((uint64_t)(stop_s * MS_PER_S + 0.5));
    estimate->total_ms = amount_of((uint64_t)((sent_s + stop_s) * MS_PER_S + 0.5));
}
