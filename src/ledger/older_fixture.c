/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/older_fixture.h"

#include <stdio.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "ledger/ledger.h"
#include "store/plain_words.h"
#include "store/schema_changes.h"
#include "store/sqlite.h"
#include "test.h"

#define MAX_DUMP (4 * 1024 * 1024)

static void must(sqlite3 *db, int result)
{
    if (result != SQLITE_OK) {
        fail_msg("%s", sqlite3_errmsg(db));
    }
}

static void make_database(const char *path, const char *sql, sqlite3 **ret_db)
{
    assert_int_equal(sqlite3_open(path, ret_db), SQLITE_OK);
    must(*ret_db, sqlite3_exec(*ret_db, sql, NULL, NULL, NULL));
}

static char *read_text(const char *name)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", STORES_DIR, name);
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(path, MAX_DUMP, &text, &len), 0);
    return text;
}

/* Tests ask the store by the tables of schema 2. */
static void show_as_schema_2(sqlite3 *db)
{
    CLEANUP_FREE char *views = read_text("as-schema-2.sql");
    must(db, sqlite3_exec(db, views, NULL, NULL, NULL));
}

/* ---- as a cleaved of schema 4 left it ---- */

static void rename_words(sqlite3_context *context, int n UNUSED, sqlite3_value **values)
{
    CLEANUP_JSON json_t *json = json_loads((const char *)sqlite3_value_text(values[0]), 0, NULL);
    assert_non_null(json);
    plain_words(json);
    CLEANUP_FREE char *text = json_text(json);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void bring_to_schema(sqlite3 *db, int from, int to)
{
    size_t n = 0;
    const struct schema_change *changes = schema_changes_list(&n);
    must(db, sqlite3_create_function_v2(db, "plain_words", 1, SQLITE_UTF8, NULL, rename_words, NULL,
                                        NULL, NULL));
    for (int version = from + 1; version <= to; version++) {
        CLEANUP_FREE char *sql =
            xasprintf("%s PRAGMA user_version = %d", changes[version - 1].sql, version);
        must(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
    }
}

/* ---- opening ---- */

static void open_store(struct older *o)
{
    struct error err = {0};
    if (sqlite_store_open(o->path, &o->store, &err) != 0 ||
        ledger_open(o->store, &o->ledger, &err) != 0) {
        fail_msg("%s", err.message);
    }
}

static void close_store(struct older *o)
{
    ledger_free(TAKE_PTR(o->ledger));
    o->store->ops->free(o->store);
    o->store = NULL;
}

/* written, schema: of the store in the file, and when it is opened. */
static int setup(void **state, const char *name, int written, int schema)
{
    struct older *o = xcalloc(1, sizeof(*o));
    sqlite3 *db = NULL;
    o->sql = read_text(name);
    STR_SET(o->dir, "/tmp/cleave-older-XXXXXX");
    assert_non_null(mkdtemp(o->dir));
    snprintf(o->path, sizeof(o->path), "%s/cleave.db", o->dir);
    make_database(o->path, o->sql, &db);
    bring_to_schema(db, written, schema);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    make_database(":memory:", o->sql, &o->db);
    if (written > 2) {
        show_as_schema_2(o->db);
    }
    open_store(o);
    *state = o;
    return 0;
}

int older_setup_running(void **state)
{
    return setup(state, "schema-2/running.sql", 2, 2);
}

int older_setup_interrupted(void **state)
{
    return setup(state, "schema-2/interrupted.sql", 2, 2);
}

int older_setup_brought_to_4(void **state)
{
    return setup(state, "schema-2/interrupted.sql", 2, 4);
}

int older_setup_running_4(void **state)
{
    return setup(state, "schema-4/running.sql", 4, 4);
}

int older_setup_interrupted_4(void **state)
{
    return setup(state, "schema-4/interrupted.sql", 4, 4);
}

int older_setup_again(void **state)
{
    (void)setup(state, "schema-4/interrupted.sql", 4, 4);
    close_store(*state);
    open_store(*state);
    return 0;
}

int older_teardown(void **state)
{
    struct older *o = *state;
    close_store(o);
    assert_int_equal(sqlite3_close(o->db), SQLITE_OK);
    fs_remove_tree(o->dir);
    free(o->sql);
    free(o);
    return 0;
}

json_t *older_left(struct older *o, const char *sql)
{
    json_t *found = json_object();
    sqlite3_stmt *stmt = NULL;
    must(o->db, sqlite3_prepare_v2(o->db, sql, -1, &stmt, NULL));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        json_t *document = json_loads((const char *)sqlite3_column_text(stmt, 1), 0, NULL);
        assert_non_null(document);
        plain_words(document);
        json_object_set_new(found, (const char *)sqlite3_column_text(stmt, 0), document);
    }
    must(o->db, sqlite3_finalize(stmt));
    return found;
}
