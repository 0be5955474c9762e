/* SPDX-License-Identifier: Apache-2.0 */
#include "model/licence_pool.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define DATE_LENGTH 10 /* "2027-01-31" */
#define DAY_US (24ull * 3600 * 1000000)

WORDS_DEFINE(licence_policy_words, "policy of a licence pool", LICENCE_POLICY_COUNT,
             WORD(LICENCE_WARN, "warn"), WORD(LICENCE_REFUSE, "refuse"))

/* False: it is neither a date nor a time. */
static bool parse_expiry(const char *text, uint64_t *ret_us)
{
    char whole[LICENCE_EXPIRY_SIZE + 16];
    bool is_date = strlen(text) == DATE_LENGTH;
    (void)str_print(whole, sizeof(whole), "%s%s", text, is_date ? "T00:00:00Z" : "");
    if (!clock_parse(whole, ret_us)) {
        return false;
    }
    *ret_us += is_date ? DAY_US : 0;
    return true;
}

bool licence_expiry_is_valid(const char *text)
{
    uint64_t us = 0;
    return parse_expiry(text, &us);
}

static const struct text_form expiry_form = {
    .fits = licence_expiry_is_valid,
    .complaint = "is neither a date such as 2027-01-31 nor a time such as 2027-01-31T12:00:00Z",
    .or_empty = true};

static const struct field pool_fields[] = {
    FIELD_COUNT(struct licence_pool, count, "count", FACE_ALL, .required = true,
                .max = LICENCE_POOL_MAX),
    FIELD_TEXT(struct licence_pool, expires, "expires", FACE_ALL, .form = &expiry_form),
    FIELD_WORD(struct licence_pool, policy, "policy", licence_policy, FACE_ALL),
    FIELD_TEXT(struct licence_pool, note, "note", FACE_ALL),
    FIELD_BOOL(struct licence_pool, said_exceeded, "saidExceeded", FACE_STORE),
    FIELD_COUNT(struct licence_pool, said_days, "saidDays", FACE_STORE),
};
const struct schema licence_pool_schema = SCHEMA(licence_pool, pool_fields);

json_t *licence_pool_to_json(const struct licence_pool *pool)
{
    return schema_to_json(&licence_pool_schema, pool, FACE_API);
}

json_t *licence_pool_to_stored_json(const struct licence_pool *pool)
{
    return schema_to_json(&licence_pool_schema, pool, FACE_STORE);
}

int licence_pool_from_stored_json(const json_t *json, struct licence_pool *ret_pool,
                                  struct error *err)
{
    const struct schema_input in = {
        .json = json, .origin = "stored licence pool", .face = FACE_STORE};
    int r = schema_parse(&licence_pool_schema, &in, ret_pool, err);
    ret_pool->set = r == 0;
    return r;
}

uint64_t licence_pool_end_us(const struct licence_pool *pool)
{
    uint64_t us = 0;
    return pool->expires[0] != '\0' && parse_expiry(pool->expires, &us) ? us : UINT64_MAX;
}

bool licence_pool_has_expired(const struct licence_pool *pool, uint64_t now_us)
{
    return now_us >= licence_pool_end_us(pool);
}
