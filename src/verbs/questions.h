/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that only read. Loop thread only. */
#ifndef VERBS_QUESTIONS_H
#define VERBS_QUESTIONS_H

#include <jansson.h>

#include "service/service.h"
#include "verbs/questions.h"

struct error;
struct manager;

/* Answers a question from what is seen then, with its lateness. `name`: what it is about, "" for
 * all. */
typedef int answer_fn(struct manager *m, const char *name, json_t **ret_body, struct error *err);
/* Answers from what was seen last; `name` is not used. */
answer_fn answer_host, answer_gpus, answer_vms;
/* For who only reads: an answer from a look, or after a moment from what was seen last. Those who
 * asked the same meanwhile get the same answer. */
void questions_ask(struct manager *m, answer_fn *answer, const char *name,
                   const struct request *request);
/* The same for what is stored, and only has its problems from the host: in half a second. */
void questions_ask_of_store(struct manager *m, answer_fn *answer, const char *name,
                            const struct request *request);

/* The answers that are kept: the same for all who asked the same meanwhile. */
struct answers *answers_new(void);
void answers_free(struct answers *answers);

/* Verbs (service/verbs.def). */
verb_fn verb_list_gpus, verb_get_gpu, verb_get_host, verb_list_profiles, verb_list_vms, verb_get_vm;

#endif
