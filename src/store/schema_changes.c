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
    {
        /* What takes time is of one kind (one_kind.c), whose ids say what is over. Plans keep their
         * numbers, which their steps have, too; the others get theirs by the time they began. What
         * can't be read is left for who reads it: as not over, so that a start does. */
        .version = 5,
        .sql =
            "CREATE TABLE former AS SELECT"
            "  CASE kind WHEN 'running' THEN 'plan'"
            "    WHEN 'migration' THEN CASE WHEN id LIKE 'in:%' THEN 'incoming' ELSE kind END"
            "    ELSE kind END AS kind,"
            "  CASE kind WHEN 'migration' THEN substr(id, instr(id, ':') + 1)"
            "    WHEN 'drain' THEN coalesce(CASE WHEN json_valid(document)"
            "      THEN json_extract(document, '$.id') END, lower(printf('%s-%s-4%s-8%s-%s',"
            "        hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2),"
            "        substr(hex(randomblob(2)), 2), hex(randomblob(6)))))"
            "    ELSE substr(id, instr(id, ':') + 1) END AS id,"
            "  CASE WHEN kind IN ('plan', 'running') THEN substr(id, 1, instr(id, ':') - 1) END"
            "    AS number,"
            "  CASE kind WHEN 'plan' THEN 'over' WHEN 'running' THEN 'open' ELSE"
            "    CASE WHEN json_valid(document) AND json_extract(document, '$.state') IN"
            "      ('done', 'cancelled', 'failed', 'committed', 'aborted', 'incomplete')"
            "    THEN 'over' ELSE 'open' END END AS over,"
            "  CASE WHEN json_valid(document) THEN json_extract(document, '$.createdUs') END"
            "    AS created,"
            "  document FROM records WHERE kind IN ('plan', 'running', 'migration', 'drain');"
            "DELETE FROM records WHERE kind IN ('plan', 'running', 'migration', 'drain');"
            "INSERT INTO records SELECT 'operation', over || ':' || kind || ':' || number || ':' ||"
            "  id, 1, one_kind(kind, id, document, coalesce((SELECT json_group_array(json("
            "    CASE WHEN json_valid(s.document) THEN s.document ELSE 'null' END))"
            "    FROM (SELECT document FROM records WHERE kind = 'step' AND"
            "      id > former.number || '/' AND id < former.number || '0' ORDER BY id) AS s),"
            "    '[]')) FROM former WHERE kind = 'plan';"
            "INSERT INTO records SELECT 'operation', over || ':' || kind || ':' || printf('%012d',"
            "  row_number() OVER (PARTITION BY kind ORDER BY created, id)) || ':' || id, 1,"
            "  one_kind(kind, id, document, '[]') FROM former WHERE kind <> 'plan';"
            "DROP TABLE former;",
    },
    {
        /* Kinds of records that came, of pools of licences and their use: an older cleaved knows
         * none of them, and does not open the store. */
        .version = 6,
        .sql = "SELECT 1;",
    },
};

const struct schema_change *schema_changes_list(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(changes);
    return changes;
}
