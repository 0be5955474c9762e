/* SPDX-License-Identifier: Apache-2.0 */
/* The rules without cleaved: those of the files on this machine, in the form of the API's answer.
 */
#ifndef CLI_RULE_FILES_H
#define CLI_RULE_FILES_H

#include <jansson.h>

#include "base/error.h"

/* What GET /v1/rules answers: `since` as its changedSince, or NULL. Where a site's own rules can't
 * be used the answer's problem says so, as cleaved's does at its start. */
int rule_files_list(const char *since, json_t **ret_answer, struct error *err);
/* GET /v1/rules/{id}. */
int rule_files_find(const char *id, json_t **ret_answer, struct error *err);

#endif
