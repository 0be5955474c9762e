/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_file.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/busy.h"
#include "store/sqlite_wal.h"

void sqlite_note_file(struct sqlite_store *s, const char *path)
{
    struct stat st = {0};
    s->path = xstrdup(path);
    s->wal_path = xasprintf("%s-wal", path);
    if (stat(path, &st) == 0) {
        s->dev = st.st_dev;
        s->ino = st.st_ino;
    }
}

/* The journal next to it is there from the first transaction on, until the last connection closes.
 */
static bool is_there(struct sqlite_store *s)
{
    struct stat st = {0};
    if (stat(s->path, &st) != 0 || st.st_ino != s->ino || st.st_dev != s->dev) {
        return false;
    }
    if (stat(s->wal_path, &st) != 0) {
        return s->wal_ino == 0;
    }
    if (s->wal_ino == 0) {
        s->wal_ino = st.st_ino;
    }
    return s->wal_ino == st.st_ino;
}

int sqlite_check_file(struct sqlite_store *s, struct error *err)
{
    sqlite_busy_begin();
    bool ok = s->path == NULL || (is_there(s) && sqlite_wal_is_whole(s));
    sqlite_busy_end();
    if (ok) {
        return 0;
    }
    error_set(
        err, REASON_UNAVAILABLE, "store",
        "%s (or its -wal) was removed or replaced, or its -wal was cut, while cleaved runs, so "
        "nothing can be stored",
        s->path);
    error_hint(err, "stop cleaved, put a backup of the file in its place, and start cleaved; "
                    "`cleave gc` then shows what the backup does not have");
    return -REASON_UNAVAILABLE;
}

int sqlite_damaged(const struct sqlite_store *s, enum record_kind kind, const char *id,
                   struct error *err)
{
    char why[ERROR_TEXT_SIZE];
    const char *word = record_kind_name(kind);
    if (err == NULL) {
        return -REASON_INTERNAL;
    }
    STR_SET(why, err->message);
    error_set(err, REASON_INTERNAL, s->path, "%s \"%.128s\" in %s is damaged: %.200s", word, id,
              s->path, why);
    error_hint(
        err,
        "put a backup of the file in its place; or delete the record: sqlite3 %s \"DELETE FROM "
        "records WHERE kind = '%s' AND id = '%.128s'\", after which `cleave gc` shows what it held",
        s->path, word, id);
    return -REASON_INTERNAL;
}
