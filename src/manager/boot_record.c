/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/boot_record.h"

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/state.h"

#define BOOT_KEY "boot" /* in RECORD_HOST */

int boot_record_read(const struct manager *m, struct boot_record *ret_boot, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    *ret_boot = (struct boot_record){.restored = true};
    int r = ledger_records(m->ledger, RECORD_HOST, &documents, err);
    const json_t *document = r == 0 ? json_object_get(documents, BOOT_KEY) : NULL;
    if (document == NULL) {
        return r;
    }
    struct reader reader;
    reader_init(&reader, document, "stored boot", "", err);
    const char *id = reader_str(&reader, "bootId", sizeof(ret_boot->id) - 1);
    ret_boot->restored = reader_bool(&reader, "restored");
    ret_boot->driver_load = (uint64_t)reader_int_or(&reader, "driverLoad", 0, INT64_MAX, 0);
    STR_SET(ret_boot->id, id != NULL ? id : "");
    return reader_end(&reader);
}

static json_t *boot_to_json(const struct boot_record *boot)
{
    return json_pack("{s:s, s:b, s:I}", "bootId", boot->id, "restored", boot->restored,
                     "driverLoad", (json_int_t)boot->driver_load);
}

void txn_put_boot(struct txn *txn, const struct boot_record *boot)
{
    CLEANUP_JSON json_t *document = boot_to_json(boot);
    draft_put_record(&txn->draft, RECORD_HOST, BOOT_KEY, document);
}

void txn_record_boot(struct txn *txn)
{
    struct boot_record boot = {.restored = true};
    if (txn->manager->boot_unnoted) {
        STR_SET(boot.id, txn->manager->host->boot_id);
        boot.driver_load = txn->manager->host->driver_load;
        txn_put_boot(txn, &boot);
        txn->noted_boot = true;
    }
}

void manager_boot_restored(struct manager *m, bool whole)
{
    struct error err = {0};
    struct boot_record boot = {0};
    int r = boot_record_read(m, &boot, &err);
    bool news = !boot.restored || boot.driver_load != m->host->driver_load;
    if (r == 0 && whole && news && boot.id[0] != '\0') {
        boot.restored = true;
        boot.driver_load = m->host->driver_load;
        CLEANUP_JSON json_t *document = boot_to_json(&boot);
        r = draft_store_record(m->ledger, RECORD_HOST, BOOT_KEY, document, &err);
    }
    if (r != 0) { /* the next start restores once more, and finds nothing to do */
        log_warning("the restored boot can't be stored: %s", err.message);
    }
}
