/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's format: https://www.sqlite.org/walformat.html (section 2.1: the header of the
 * index), https://www.sqlite.org/fileformat2.html (section 4: a header of 32 bytes, then frames of
 * 24 bytes and a page; a frame whose salt is not the header's ends the journal).
 */
#include "store/sqlite_wal.h"

#include <stdint.h>
#include <string.h>

#include "store/busy.h"

#define WAL_HEADER_SIZE 32
#define FRAME_HEADER_SIZE 24
#define INDEX_REGION_SIZE (32 * 1024)
#define INDEX_PAGE_SIZE_AT 14
#define INDEX_FRAMES_AT 16

static sqlite3_file *file_of(struct sqlite_store *s, int which)
{
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(s->db, "main", which, (void *)&file);
    return file != NULL && file->pMethods != NULL ? file : NULL;
}

/* Where the frames of the stored transactions end, as the index in shared memory says: a commit
 * that failed has not moved it. 0: not known. */
static sqlite3_int64 end_of_journal(struct sqlite_store *s)
{
    sqlite3_file *file = file_of(s, SQLITE_FCNTL_FILE_POINTER);
    void volatile *index = NULL;
    if (file == NULL || file->pMethods->iVersion < 2 ||
        file->pMethods->xShmMap(file, 0, INDEX_REGION_SIZE, 0, &index) != SQLITE_OK ||
        index == NULL) {
        return 0;
    }
    uint16_t page_size = 0;
    uint32_t n_frames = 0;
    memcpy(&page_size, (const char *)index + INDEX_PAGE_SIZE_AT, sizeof(page_size));
    memcpy(&n_frames, (const char *)index + INDEX_FRAMES_AT, sizeof(n_frames));
    sqlite3_int64 page = page_size == 1 ? 65536 : page_size;
    return WAL_HEADER_SIZE + n_frames * (FRAME_HEADER_SIZE + page);
}

static bool cut_off(struct sqlite_store *s)
{
    static const char nothing[FRAME_HEADER_SIZE] = "";
    sqlite3_file *journal = file_of(s, SQLITE_FCNTL_JOURNAL_POINTER);
    sqlite3_int64 end = end_of_journal(s);
    sqlite3_int64 size = 0;
    if (journal == NULL || end == 0 || journal->pMethods->xFileSize(journal, &size) != SQLITE_OK) {
        return false;
    }
    if (size <= end) {
        return true; /* nothing is behind it */
    }
    if (journal->pMethods->xWrite(journal, nothing, sizeof(nothing), end) != SQLITE_OK) {
        return false;
    }
    (void)journal->pMethods->xSync(journal, SQLITE_SYNC_NORMAL); /* a start of this boot sees it */
    return true;
}

bool sqlite_wal_is_whole(struct sqlite_store *s)
{
    sqlite3_file *journal = file_of(s, SQLITE_FCNTL_JOURNAL_POINTER);
    sqlite3_int64 end = end_of_journal(s);
    sqlite3_int64 size = 0;
    return journal == NULL || end <= WAL_HEADER_SIZE || /* there is none in it */
           journal->pMethods->xFileSize(journal, &size) != SQLITE_OK || size >= end;
}

/* With the lock of a writer: what another process has written behind the end is its own. */
bool sqlite_wal_cut_off(struct sqlite_store *s)
{
    if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
        return false;
    }
    sqlite_busy_begin();
    bool ok = cut_off(s);
    sqlite_busy_end();
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}
