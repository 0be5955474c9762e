/* SPDX-License-Identifier: Apache-2.0 */
/* Facts by subject: one table for each word before the dot. A new fact is a row in the file of its
 * subject (facts_gpu.c: "gpu.address"); a new subject is a table, its header and a line in facts.c.
 * Private to src/rules. */
#ifndef RULES_FACT_TABLE_H
#define RULES_FACT_TABLE_H

#include "rules/rule_facts.h"

struct fact {
    const char *name;
    bool (*value)(const struct rule_facts *facts, char *out); /* false: unknown */
};

struct fact_table {
    const struct fact *rows; /* by name */
    size_t n;
    /* Whole text, for messages, of a fact that may be longer than FACT_SIZE; NULL: of none. Table
     * without such facts: NULL. */
    const char *(*text)(const struct rule_facts *facts, const char *name);
};
#define FACT_TABLE(table) {.rows = (table), .n = ARRAY_SIZE(table)}

#endif
