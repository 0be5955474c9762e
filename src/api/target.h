/* SPDX-License-Identifier: Apache-2.0 */
/* A request target taken apart: decoded path segments and query parameters. Pure. */
#ifndef API_TARGET_H
#define API_TARGET_H

#include <stddef.h>

#include "base/error.h"

#define TARGET_MAX_BYTES 2048
#define TARGET_MAX_SEGMENTS 8
#define TARGET_MAX_QUERY 8

struct target_param {
    const char *key;
    const char *value; /* "" when there is none */
};

struct target {
    const char *segments[TARGET_MAX_SEGMENTS]; /* "/v1/gpus" → "v1", "gpus" */
    size_t n_segments;
    struct target_param query[TARGET_MAX_QUERY];
    size_t n_query;
    char *text; /* what the pointers above point into */
};

/* Reads "/path?query" as it stands in the request line. -INVALID for a wrong %-escape, a control
 * character or invalid UTF-8 after decoding, a repeated parameter, or more than the limits. */
int target_parse(const char *raw, struct target *ret_target, struct error *err);
void target_done(struct target *target);

/* NULL if the parameter was not given. */
const char *target_query(const struct target *target, const char *key);

#endif
