/* SPDX-License-Identifier: Apache-2.0 */
/* Stores that older versions of cleaved wrote (test/stores), as they were left and as today's code
 * opens them. */
#ifndef LEDGER_OLDER_FIXTURE_H
#define LEDGER_OLDER_FIXTURE_H

#include <jansson.h>
#include <sqlite3.h>

struct ledger;
struct store;

struct older {
    char dir[64], path[96];
    char *sql;
    sqlite3 *db; /* a copy in memory, that no cleaved migrated */
    struct store *store;
    struct ledger *ledger;
};

/* For cmocka; *state is a struct older. */
int older_setup_running(void **state);
int older_setup_interrupted(void **state);
/* Brought to schema 4 by today's code. */
int older_setup_brought_to_4(void **state);
int older_setup_running_4(void **state);
int older_setup_interrupted_4(void **state);
/* Opened once more by today's cleaved, which took it over. */
int older_setup_again(void **state);
int older_teardown(void **state);

/* The documents of a query with two columns (key, document), by key, in today's words. Caller
 * decrefs. */
json_t *older_left(struct older *o, const char *sql);

#endif
