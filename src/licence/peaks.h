/* SPDX-License-Identifier: Apache-2.0 */
/* Peaks of licences, from the records of use: the most at one moment of a month, for each tenant
 * and for all. A record is there from its first moment up to its last, which is not part of it.
 * Pure. */
#ifndef LICENCE_PEAKS_H
#define LICENCE_PEAKS_H

#include "base/vec.h"
#include "model/licence_use.h"

struct licence_month_uses {
    struct licence_month_use *items; /* by product; in each all first, then tenants by name */
    size_t n;
    size_t cap;
};

/* What the records say of [from_us, to_us), appended. A record that goes on ends at now_us. */
void licence_peaks(const struct licence_uses *uses, uint64_t from_us, uint64_t to_us,
                   uint64_t now_us, struct licence_month_uses *ret_uses);
/* The same month's, of records and of a summary: the higher peak, the sum of the rest. Of a month
 * that has too many tenants further ones are left out; all have theirs. */
void licence_peaks_merge(struct licence_month_uses *uses, const struct licence_month *summary);

/* Records that are kept; when there are more, the older half of those that have ended is folded. */
#define LICENCE_USES_KEPT 4000
#define LICENCE_MONTHS_KEPT 60

/* Moves the records that ended by `until_us` into the summaries of their months, and out of `uses`,
 * so that each month's figures stay as they are. Appends the records to `ret_folded`; the months
 * from that of the earliest of them on are other ones then. */
void licence_peaks_fold(struct licence_uses *uses, uint64_t until_us, uint64_t now_us,
                        struct licence_months *months, struct licence_uses *ret_folded);
/* The time by which the older half of those that are over had ended; 0: there are not too many. */
uint64_t licence_peaks_fold_time(const struct licence_uses *uses);
/* NULL: no record of that month was folded. */
const struct licence_month *licence_months_find(const struct licence_months *months,
                                                const char *month);

#endif
