/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADVISE_ADVISE_JSON_H
#define ADVISE_ADVISE_JSON_H

#include <jansson.h>

#include "advise/advise.h"

/* {"advice": [{rank, verdict, mode, gpu, type, profile, perGpu, licences, change, reasons: [{rule,
 * text, hint, source}], cost: {unusedMib, wholeGpu}}]}; null: not known, or there is none. */
json_t *advices_to_json(const struct advices *advices);

#endif
