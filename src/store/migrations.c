/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrations.h"

#include "base/attr.h"

static const struct migration migrations[] = {
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
};

const struct migration *migrations_list(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(migrations);
    return migrations;
}
