/* SPDX-License-Identifier: Apache-2.0 */
#include "store/schema_changes.h"

#include "base/attr.h"

static const struct schema_change changes[] = {
    {
        .version = 1,
        .sql = "CREATE TABLE claims ("
               "  name TEXT PRIMARY KEY,"
               "  version INTEGER NOT NULL,"
               "  document TEXT NOT NULL"
               ") STRICT, WITHOUT ROWID;"
               "CREATE TABLE plans ("
               "  seq INTEGER PRIMARY KEY,"
               "  id TEXT NOT NULL UNIQUE,"
               "  state TEXT NOT NULL,"
               "  document TEXT NOT NULL"
               ") STRICT;"
               "CREATE TABLE steps ("
               "  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,"
               "  number INTEGER NOT NULL,"
               "  document TEXT NOT NULL,"
               "  PRIMARY KEY (plan_id, number)"
               ") STRICT, WITHOUT ROWID;"
               "CREATE TABLE events ("
               "  seq INTEGER PRIMARY KEY,"
               "  time_us INTEGER NOT NULL,"
               "  kind TEXT NOT NULL,"
               "  subject TEXT NOT NULL,"
               "  author TEXT NOT NULL,"
               "  message TEXT NOT NULL"
               ") STRICT;",
    },
    {
        .version = 2,
        .sql = "CREATE TABLE records ("
               "  kind TEXT NOT NULL,"
               "  key TEXT NOT NULL,"
               "  document TEXT NOT NULL,"
               "  PRIMARY KEY (kind, key)"
               ") STRICT, WITHOUT ROWID;",
    },
    {
        /* All of it as records of one table (store/store.h): numbers make ids that sort. */
        .version = 3,
        .sql =
            "CREATE TABLE all_records ("
            "  kind TEXT NOT NULL,"
            "  id TEXT NOT NULL,"
            "  version INTEGER NOT NULL,"
            "  document TEXT NOT NULL,"
            "  PRIMARY KEY (kind, id)"
            ") STRICT, WITHOUT ROWID;"
            "INSERT INTO all_records SELECT 'claim', name, version, document FROM claims;"
            "INSERT INTO all_records SELECT"
            "  CASE WHEN state IN ('running', 'undoing') THEN 'running' ELSE 'plan' END,"
            "  printf('%012d:%s', seq, id), 1, document FROM plans;"
            "INSERT INTO all_records SELECT 'step', printf('%012d/%06d', seq, number), 1,"
            "  steps.document FROM steps JOIN plans ON plans.id = plan_id;"
            "INSERT INTO all_records SELECT 'event', printf('%020d', seq), 1, json_object('author',"
            "  author, 'kind', kind, 'message', message, 'seq', seq, 'subject', subject, 'timeUs',"
            "  time_us) FROM events;"
            "INSERT INTO all_records SELECT kind, key, 1, document FROM records;"
            "DROP TABLE steps;"
            "DROP TABLE plans;"
            "DROP TABLE claims;"
            "DROP TABLE events;"
            "DROP TABLE records;"
            "ALTER TABLE all_records RENAME TO records;",
    },
    {
        /* Words that were renamed: plain_words.c. */
        .version = 4,
        .sql = "UPDATE records SET document = plain_words(document);",
    },
};

const struct schema_change *schema_changes_list(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(changes);
    return changes;
}
