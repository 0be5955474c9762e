/* SPDX-License-Identifier: Apache-2.0 */
/* Problems: bodies that the API layer makes itself; and what it must know of the manager's. */
#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* RFC 9457 problem details; schema Problem in api/openapi.yaml. */
json_t *problem_to_json(int status, const struct error *err);
/* Is this a Change whose plan runs now? */
bool change_is_running(const json_t *body);

#endif
