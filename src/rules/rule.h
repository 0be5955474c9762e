/* SPDX-License-Identifier: Apache-2.0 */
/* One rule: what it is about, when it is broken, what it says. Private to src/rules. */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include "rules/facts.h"
#include "rules/rule_scope.h"
#include "rules/version_range.h"

#define RULE_MAX_CONDITIONS 8
#define RULE_MAX_VALUES 16
#define RULE_ID_SIZE 48

enum rule_op {
    OP_IS,
    OP_IS_NOT,
    OP_IN,
    OP_NOT_IN,
    OP_STARTS,
    OP_ENDS,
    OP_ABOVE,
    OP_BELOW,
    OP_UNLESS,
    OP_KNOWN,
    OP_DIFFERS,
    OP_OLDER,
    OP_EXCEEDS,
    OP_COUNT
};
extern const struct words rule_op_words;

struct condition {
    size_t fact;
    enum rule_op op;
    char values[RULE_MAX_VALUES][FACT_SIZE];
    size_t n_values;
    size_t other; /* OP_DIFFERS, OP_OLDER, OP_EXCEEDS: the fact to compare with */
};

struct rule {
    char id[RULE_ID_SIZE];
    enum rule_scope scope;
    enum rule_weight weight;
    enum rule_element element;  /* of a rule of definitions */
    bool soft;                  /* an operator may override it */
    bool own;                   /* of the site, not of cleave */
    int compares;               /* index of the source's fact that is shown next to the target's;
                                 * -1 none */
    struct version_range range; /* of the versions for which it holds */
    const char *statement, *source, *confidence, *message, *instead; /* borrowed from the tree */
    const char *file;                                                /* borrowed from the set */
    struct condition when[RULE_MAX_CONDITIONS];
    size_t n_when;
};

/* Broken when every condition holds and the versions are in its range. What is unknown matters only
 * where the rest does not settle it. */
enum tristate rule_broken(const struct rule *rule, const struct rule_facts *facts);
/* Copies a text of the rule with each {fact} replaced by its value, "unknown" if it has none. */
void rule_fill(const char *text, const struct rule_facts *facts, char *out, size_t size);
/* " (versions with this limit: driver 550 and later)", or "" of a rule that holds for all versions.
 * Returns out. */
#define RULE_VERSIONS_SIZE (VERSION_RANGE_TEXT_SIZE + 32)
const char *rule_versions(const struct rule *rule, char out[RULE_VERSIONS_SIZE]);
/* "not known: A, B": the facts that the answer waits for. */
void rule_name_unknown(const struct rule *rule, const struct rule_facts *facts, char *out,
                       size_t size);
/* Is one of its conditions about a fact of that subject, the word before the dot? */
bool rule_is_about(const struct rule *rule, const char *subject);
/* Whether its facts are those of a migration's sides. */
bool rule_is_of_migration(const struct rule *rule);

#endif
