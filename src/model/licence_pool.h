/* SPDX-License-Identifier: Apache-2.0 */
/* A pool: how many licences of a product there are for this host, and until when. A product without
 * a pool has an unknown number, which is not none. */
#ifndef MODEL_LICENCE_POOL_H
#define MODEL_LICENCE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "model/licence.h"
#include "schema/schema.h"

/* What becomes of a new claim for which the pool has no licence. Names are stored. */
enum licence_policy {
    LICENCE_WARN,  /* "warn" */
    LICENCE_REFUSE /* "refuse" */
};
#define LICENCE_POLICY_COUNT 2
WORDS_DECLARE(licence_policy, licence_policy_words)

#define LICENCE_POOL_MAX 1000000
#define LICENCE_EXPIRY_SIZE 32

struct licence_pool {
    bool set; /* false: there is none */
    uint32_t count;
    /* As it was written: a date, the end of which is the pool's end in UTC, or a time of RFC 3339;
     * "" never. */
    char expires[LICENCE_EXPIRY_SIZE];
    enum licence_policy policy;
    char note[256];
    /* What events have said of it, so that each is said once: */
    bool said_exceeded;
    uint32_t said_days; /* before its end, and 1 more: 31, 8, 2; 1: that it has expired; 0: nothing
                         */
};

/* By enum licence. */
struct licence_pools {
    struct licence_pool items[LICENCE_COUNT];
};

/* A request's body, schema LicencePoolSpec; what is stored has what was said besides. */
extern const struct schema licence_pool_schema;
json_t *licence_pool_to_json(const struct licence_pool *pool);
json_t *licence_pool_to_stored_json(const struct licence_pool *pool);
int licence_pool_from_stored_json(const json_t *json, struct licence_pool *ret_pool,
                                  struct error *err);
/* Its first moment without licences; UINT64_MAX: never. */
uint64_t licence_pool_end_us(const struct licence_pool *pool);
bool licence_pool_has_expired(const struct licence_pool *pool, uint64_t now_us);
/* Is that a date or a time as licence_pool.expires has it? */
bool licence_expiry_is_valid(const char *text);

#endif
