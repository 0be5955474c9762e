/* SPDX-License-Identifier: Apache-2.0 */
/* Boards for a need that goes unserved: those of the catalog that would serve it, or else the word
 * that it would have to give up. Pure. */
#ifndef ADVISE_SERVING_BOARDS_H
#define ADVISE_SERVING_BOARDS_H

#include "catalog/catalog.h"
#include "model/need.h"
#include "rules/rules.h"

#define SERVING_BOARDS_TEXT_SIZE 320

/* "of the catalog L4 (L4-8Q), L40S (L40S-8Q) and 12 more would serve it", the boards that are used
 * best first; "no board of the catalog serves it: without graphics A100 would (…)". Returns out. */
const char *serving_boards_describe(const struct rules *rules, const struct catalog *catalog,
                                    const struct need *need, char out[SERVING_BOARDS_TEXT_SIZE]);

#endif
