/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of the API as the client reads them. */
#ifndef LIB_REPLY_H
#define LIB_REPLY_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

/* NULL if the text is no JSON object. */
json_t *reply_parse(const char *text, size_t len);
/* Fills err from problem details and returns -reason. */
int reply_problem(const json_t *problem, long status, struct error *err);

#endif
