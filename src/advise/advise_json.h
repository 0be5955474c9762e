/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADVISE_ADVISE_JSON_H
#define ADVISE_ADVISE_JSON_H

#include <jansson.h>

#include "advise/advise.h"

/* {"advice": [{rank, verdict, mode, gpu, model, type, profile, perGpu, licences, change, reasons:
 * [{rule, text, hint, source, versions}], cost: {unusedMib, unseenMib, computePercent,
 * unusedComputePercent, wholeGpu}}], "notes": […]}; null: not known, or there is none. */
json_t *advices_to_json(const struct rules *rules, const struct advices *advices);
/* One of them; `gpu` is the board's key. */
json_t *advice_to_json(const struct rules *rules, const struct advice *advice);
/* What people often take for granted of what is advised, and is otherwise: one sentence each. */
json_t *advice_notes(const struct advice *const *advices, size_t n);

#endif
