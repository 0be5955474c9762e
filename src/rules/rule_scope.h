/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule is about, and what follows when it is broken. */
#ifndef RULES_RULE_SCOPE_H
#define RULES_RULE_SCOPE_H

#include "base/words.h"

enum rule_scope {
    RULE_OF_CLAIM,           /* admission, advice, plans */
    RULE_OF_MIGRATED_DEVICE, /* both sides of a migration, once for each device */
    RULE_OF_MIGRATED_VM,     /* both sides of a migration */
    RULE_OF_DEFINITION,      /* a VM's definition (`cleave vm lint`) */
    RULE_OF_HOST,            /* a host and its GPUs, whatever is claimed */
    RULE_SCOPE_COUNT
};
WORDS_DECLARE(rule_scope, rule_scope_words)

/* Where a definition says what a rule of definitions is about: whose line a finding names. */
enum rule_element { ELEMENT_DOMAIN, ELEMENT_CONTROLLER, ELEMENT_CPU, ELEMENT_OS, ELEMENT_COUNT };
WORDS_DECLARE(rule_element, rule_element_words)

enum rule_weight { RULE_REFUSES, RULE_WARNS, RULE_NOTES, RULE_WEIGHT_COUNT };
WORDS_DECLARE(rule_weight, rule_weight_words)

#endif
