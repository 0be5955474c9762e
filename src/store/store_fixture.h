/* SPDX-License-Identifier: Apache-2.0 */
/* A store to be tested: one in memory, or SQLite's in a folder of its own. */
#ifndef STORE_STORE_FIXTURE_H
#define STORE_STORE_FIXTURE_H

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "each_store.h"
#include "store/memory.h"
#include "store/sqlite.h"
#include "store/sqlite_store.h"
#include "store/store.h"
#include "test.h"

struct fixture {
    struct store *store;
    char dir[64]; /* "" for the memory store */
    char path[96];
    sqlite3_io_methods methods; /* of a journal whose syncs fail; the store uses them to its end */
};

static inline int setup_memory(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->store = memory_store_new();
    *state = f;
    return 0;
}

static inline int setup_sqlite(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    STR_SET(f->dir, "/tmp/cleave-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/cleave.db", f->dir);
    *state = f;
    return sqlite_store_open(f->path, &f->store, NULL);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    if (f->store != NULL) {
        f->store->ops->free(f->store);
    }
    if (f->dir[0] != '\0') {
        fs_remove_tree(f->dir);
    }
    free(f);
    return 0;
}

/* One put, of its own. */
static inline int put(struct store *store, const char *id, const char *text, uint64_t expect,
                      struct error *err)
{
    CLEANUP(batch_done) struct batch batch = {0};
    batch_put(&batch, RECORD_CLAIM, id, xstrdup(text), expect);
    return store->ops->commit(store, &batch, err);
}

/* "a1=x b2=y": ids, versions and texts of the range. */
static inline const char *list(struct store *store, const struct store_range *range)
{
    static char out[256];
    CLEANUP(records_done) struct records records = {0};
    size_t len = 0;
    assert_int_equal(store->ops->load(store, range, &records, NULL), 0);
    out[0] = '\0';
    for (vec_each(&records, record)) {
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%ju=%s", len == 0 ? "" : " ",
                                record->id, (uintmax_t)record->version,
                                record->text == NULL ? "" : record->text);
    }
    return out;
}

static inline const char *list_claims(struct store *store)
{
    return list(store, &(struct store_range){.kind = RECORD_CLAIM});
}

static inline void reopen(struct fixture *f)
{
    f->store->ops->free(f->store);
    f->store = NULL;
    assert_int_equal(sqlite_store_open(f->path, &f->store, NULL), 0);
}

static inline void tamper(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline int put_one(struct fixture *f, const char *name, struct error *err)
{
    return put(f->store, name, "1", 0, err);
}

static inline void put_three(struct fixture *f)
{
    assert_int_equal(put(f->store, "a", "1", 0, NULL), 0);
    assert_int_equal(put(f->store, "b", "2", 0, NULL), 0);
    assert_int_equal(put(f->store, "c", "3", 0, NULL), 0);
}

#endif
