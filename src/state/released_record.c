/* SPDX-License-Identifier: Apache-2.0 */
#include "state/released_record.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "schema/schema.h"
#include "state/state.h"
#include "state/txn.h"

#define MAX_RELEASED 200
#define RELEASED_KEPT_US (30ull * 24 * 3600 * 1000000)

static const struct field released_fields[] = {
    FIELD_OBJECT(struct released, claim, "claim", claim, FACE_STORE, .required = true),
    FIELD_COUNT(struct released, at_us, "releasedUs", FACE_STORE, .required = true),
    FIELD_STRING(struct released, why, "reason", FACE_STORE),
};
static const struct schema released_schema = SCHEMA(released, released_fields);

int released_read(const json_t *document, struct released *ret_released, struct error *err)
{
    const struct schema_input in = {document, "stored released claim", "", FACE_STORE};
    return schema_parse(&released_schema, &in, ret_released, err);
}

int released_load(const struct manager *m, json_t **ret_documents, struct error *err)
{
    return ledger_records(m->ledger, RECORD_RELEASED, ret_documents, err);
}

/* Records that are too old go, and the oldest when there are too many. */
static void prune(struct txn *txn, uint64_t now_us)
{
    CLEANUP_JSON json_t *documents = NULL;
    CLEANUP_STRLIST struct strlist names = {0};
    if (released_load(txn->manager, &documents, NULL) != 0) {
        return;
    }
    draft_list_records(&txn->draft, RECORD_RELEASED, &names);
    const char *oldest = NULL;
    uint64_t oldest_us = UINT64_MAX;
    for (vec_each(&names, name)) {
        const json_t *document = json_object_get(documents, *name);
        uint64_t at_us = (uint64_t)json_integer_value(json_object_get(document, "releasedUs"));
        if (document != NULL && at_us + RELEASED_KEPT_US < now_us) {
            txn_forget_released(txn, *name);
        } else if (document != NULL && at_us < oldest_us) {
            oldest_us = at_us;
            oldest = *name;
        }
    }
    if (oldest != NULL && names.n >= MAX_RELEASED) {
        txn_forget_released(txn, oldest);
    }
}

void txn_keep_released(struct txn *txn, const struct claim *claim, const char *why)
{
    uint64_t now_us = clock_realtime_us();
    struct released released = {.claim = *claim, .at_us = now_us};
    released.claim.state = CLAIM_RELEASED;
    released.claim.vm_gone_us = 0;
    released.claim.vm_uuid_before[0] = '\0';
    STR_SET(released.why, why);
    prune(txn, now_us);
    CLEANUP_JSON json_t *document = schema_to_json(&released_schema, &released, FACE_STORE);
    txn_put_record(txn, RECORD_RELEASED, claim->name, document);
}

void txn_forget_released(struct txn *txn, const char *name)
{
    draft_delete_record(&txn->draft, RECORD_RELEASED, name);
}

int released_find(const struct manager *m, const char *name, struct released *ret_released,
                  struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    int r = released_load(m, &documents, err);
    const json_t *document = r == 0 ? json_object_get(documents, name) : NULL;
    if (r != 0 || document != NULL) {
        return r != 0 ? r : released_read(document, ret_released, err);
    }
    r = error_set(err, REASON_NOT_FOUND, SUBJECT("claim", name),
                  "there is no released claim \"%s\"", name);
    error_hint(err, "`cleave claim list --released` shows the claims that can be restored");
    return r;
}

bool released_has(const struct manager *m, const char *name)
{
    struct released released = {0};
    struct error err = {0};
    return released_find(m, name, &released, &err) == 0;
}
