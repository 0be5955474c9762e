/* SPDX-License-Identifier: Apache-2.0 */
/* What the texts of records say: the codecs' JSON. A plan's steps are records of their own, so that
 * the journal rewrites one record per change of a step. */
#ifndef LEDGER_RECORD_JSON_H
#define LEDGER_RECORD_JSON_H

#include "base/error.h"
#include "model/event.h"
#include "model/operation.h"
#include "model/plan.h"
#include "store/record.h"

/* Compact text; caller frees. Takes the JSON. */
char *record_text(json_t *json);
/* Our own text, an object: no limits as for input, but a damaged one is an error. Caller decrefs.
 */
int record_parse(const char *text, json_t **ret_json, struct error *err);

/* Without its steps. Caller decrefs. */
json_t *plan_to_body(const struct plan *plan);
/* Puts the steps' texts back into the plan's body. Caller frees. */
int body_to_plan(const json_t *body, const struct records *steps, struct plan **ret_plan,
                 struct error *err);
int record_to_event(const char *text, struct event *ret_event, struct error *err);

#endif
