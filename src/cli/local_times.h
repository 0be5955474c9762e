/* SPDX-License-Identifier: Apache-2.0 */
/* Times within sentences: cleaved writes them in UTC, and people read them in their time zone, as
 * all others. */
#ifndef CLI_LOCAL_TIMES_H
#define CLI_LOCAL_TIMES_H

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/* Adds the sentence, with "2026-11-21 06:30:12 CET" for each "2026-11-21T05:30:12Z". */
void local_times_add(const char *sentence, struct strbuf *out);
/* The same in all sentences of an answer; a value that is a time alone stays as it is. */
void local_times_in_answer(json_t *json);
/* The same in an error's message and hint. NULL does nothing. */
void local_times_in_error(struct error *err);

#endif
