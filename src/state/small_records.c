/* SPDX-License-Identifier: Apache-2.0 */
#include "state/small_records.h"

#include "base/json.h"
#include "base/str.h"
#include "ledger/record_json.h"
#include "model/known_vms.h"
#include "model/made.h"
#include "model/seen_boards.h"
#include "state/boot_record.h"
#include "state/licence_book.h"
#include "state/made_record.h"
#include "state/released_record.h"
#include "state/state.h"

typedef int check_fn(const json_t *document, struct error *err);

static int check_boot(const json_t *document, struct error *err)
{
    struct boot_record boot = {0};
    return boot_record_parse(document, &boot, err);
}

static int check_boards(const json_t *document, struct error *err)
{
    struct seen_boards boards = {0};
    int r = seen_boards_from_stored_json(document, &boards, err);
    seen_boards_done(&boards);
    return r;
}

static int check_vms(const json_t *document, struct error *err)
{
    struct known_vms vms = {0};
    int r = known_vms_from_stored_json(document, &vms, err);
    known_vms_done(&vms);
    return r;
}

static int check_released(const json_t *document, struct error *err)
{
    struct released released = {0};
    return released_read(document, &released, err);
}

static const struct small_record {
    enum record_kind kind;
    const char *id; /* NULL: all of the kind */
    check_fn *check;
} readers[] = {
    {RECORD_HOST, "boards", check_boards},
    {RECORD_HOST, "boot", check_boot},
    {RECORD_HOST, "made", made_record_check_mark},
    {RECORD_HOST, "vms", check_vms},
    {RECORD_MADE, NULL, made_check_json},
    {RECORD_RELEASED, NULL, check_released},
    {RECORD_LICENCE_POOL, NULL, licence_book_check_pool},
    {RECORD_LICENCE_USE, NULL, licence_book_check_use},
    {RECORD_LICENCE_MONTH, NULL, licence_book_check_month},
};

static int check(const struct small_record *reader, const struct record *record, struct error *err)
{
    CLEANUP_JSON json_t *document = NULL;
    int r = record_parse(record->text, &document, err);
    return r != 0 ? r : reader->check(document, err);
}

int small_records_check(const struct manager *m, struct error *err)
{
    struct store *store = m->ledger->store;
    for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
        const struct small_record *reader = &readers[i];
        for (vec_each(&m->ledger->records[reader->kind], record)) {
            bool is_its = reader->id == NULL || str_eq(reader->id, record->id);
            if (is_its && check(reader, record, err) != 0) {
                return store->ops->damaged(store, reader->kind, record->id, err);
            }
        }
    }
    return 0;
}
