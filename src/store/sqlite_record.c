/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_record.h"

#include "base/json.h"
#include "base/mem.h"
#include "store/busy.h"
#include "store/document_json.h"
#include "store/sqlite_file.h"
#include "store/sqlite_stmt.h"

int sqlite_put_record(struct store *store, enum record_kind kind, const char *key,
                      const json_t *document, struct error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    CLEANUP_FREE char *text = json_text(document);
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_RECORD_PUT];
    sqlite_bind_text(stmt, 1, record_kind_name(kind));
    sqlite_bind_text(stmt, 2, key);
    sqlite_bind_text(stmt, 3, text);
    return sqlite_run(s, stmt, err, "storing a record");
}

int sqlite_delete_record(struct store *store, enum record_kind kind, const char *key,
                         struct error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_RECORD_DELETE];
    sqlite_bind_text(stmt, 1, record_kind_name(kind));
    sqlite_bind_text(stmt, 2, key);
    return sqlite_run(s, stmt, err, "deleting a record");
}

static int read_rows(struct sqlite_store *s, sqlite3_stmt *stmt, json_t *documents,
                     struct error *err)
{
    int step = 0;
    for (step = sqlite_step(stmt); step == SQLITE_ROW; step = sqlite_step(stmt)) {
        json_t *document = NULL;
        if (document_to_record(DOCUMENT_TEXT(sqlite3_column_text(stmt, 1)), &document, err) != 0) {
            return sqlite_damaged(s, "records", "key", DOCUMENT_TEXT(sqlite3_column_text(stmt, 0)),
                                  err);
        }
        json_object_set_new(documents, DOCUMENT_TEXT(sqlite3_column_text(stmt, 0)), document);
    }
    return step == SQLITE_DONE ? 0 : sqlite_fail(s, err, "reading the records");
}

int sqlite_load_records(struct store *store, enum record_kind kind, json_t **ret_documents,
                        struct error *err)
{
    struct sqlite_store *s = (struct sqlite_store *)store;
    CLEANUP_STMT sqlite3_stmt *stmt = s->stmts[STMT_RECORD_LIST];
    sqlite_bind_text(stmt, 1, record_kind_name(kind));
    CLEANUP_JSON json_t *documents = json_object();
    int r = read_rows(s, stmt, documents, err);
    if (r == 0) {
        *ret_documents = TAKE_PTR(documents);
    }
    return r;
}
