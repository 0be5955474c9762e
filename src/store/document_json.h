/* SPDX-License-Identifier: Apache-2.0 */
/* Stored documents: the codecs' JSON as text. A plan's steps are documents of their own, so that
 * the journal rewrites one row per step change. */
#ifndef STORE_DOCUMENT_JSON_H
#define STORE_DOCUMENT_JSON_H

#include <stddef.h>

#include "base/error.h"
#include "model/claim.h"
#include "model/plan.h"

/* Callers free the text. */
char *document_of_claim(const struct claim *claim);
char *document_of_plan(const struct plan *plan); /* without its steps */
char *document_of_step(const struct step *step);

int document_to_claim(const char *text, struct claim *ret_claim, struct error *err);
/* Puts the steps' documents back into the plan's. */
int document_to_plan(const char *text, const char *const *steps, size_t n_steps,
                     struct plan **ret_plan, struct error *err);
/* Caller decrefs. */
int document_to_record(const char *text, json_t **ret_json, struct error *err);

#endif
