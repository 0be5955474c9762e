/* SPDX-License-Identifier: Apache-2.0 */
#include "state/boot_record.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "schema/schema.h"
#include "state/state.h"

#define BOOT_KEY "boot" /* in RECORD_HOST */

static const struct field boot_fields[] = {
    FIELD_STRING(struct boot_record, id, "bootId", FACE_STORE, .required = true),
    FIELD_BOOL(struct boot_record, restored, "restored", FACE_STORE, .required = true),
    FIELD_COUNT(struct boot_record, driver_load, "driverLoad", FACE_STORE),
    FIELD_BOOL(struct boot_record, given_up, "givenUp", FACE_STORE),
};
static const struct schema boot_record_schema = SCHEMA(boot_record, boot_fields);

int boot_record_parse(const json_t *document, struct boot_record *ret_boot, struct error *err)
{
    const struct schema_input in = {document, "stored boot", "", FACE_STORE};
    return schema_parse(&boot_record_schema, &in, ret_boot, err);
}

int boot_record_read(const struct manager *m, struct boot_record *ret_boot, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    *ret_boot = (struct boot_record){.restored = true};
    int r = ledger_records(m->ledger, RECORD_HOST, &documents, err);
    const json_t *document = r == 0 ? json_object_get(documents, BOOT_KEY) : NULL;
    if (document == NULL) {
        return r;
    }
    return boot_record_parse(document, ret_boot, err);
}

void boot_record_put(struct draft *draft, const struct boot_record *boot)
{
    CLEANUP_JSON json_t *document = schema_to_json(&boot_record_schema, boot, FACE_STORE);
    draft_put_record(draft, RECORD_HOST, BOOT_KEY, document);
}

bool boot_record_note(const struct manager *m, struct draft *draft)
{
    struct boot_record boot = {.restored = true};
    if (m->boot_unnoted) {
        STR_SET(boot.id, m->host->boot_id);
        boot.driver_load = m->host->driver_load;
        boot_record_put(draft, &boot);
    }
    return m->boot_unnoted;
}
