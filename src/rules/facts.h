/* SPDX-License-Identifier: Apache-2.0 */
/* The facts that rules may speak of, name → value as text: a table for each subject. */
#ifndef RULES_FACTS_H
#define RULES_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/rule_facts.h"

/* Index into the table, or -1. Beyond fact_count() are those of a migration: "source.board". */
int fact_find(const char *name);
size_t fact_count(void);
const char *fact_name(size_t index);
bool fact_is_of_migration(size_t index);
/* Writes the value ("true", "mig-backed", "8192") and returns true; false when it is unknown. */
bool fact_value(size_t index, const struct rule_facts *facts, char out[FACT_SIZE]);
/* The same for a message, of any length: `out`, or a text of the facts; NULL: unknown. */
const char *fact_text(size_t index, const struct rule_facts *facts, char out[FACT_SIZE]);

#endif
