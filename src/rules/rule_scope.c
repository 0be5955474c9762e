/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_scope.h"

WORDS_DEFINE(rule_scope_words, "scope", RULE_SCOPE_COUNT, WORD(RULE_OF_CLAIM, "claim"),
             WORD(RULE_OF_MIGRATED_DEVICE, "migrated-device"),
             WORD(RULE_OF_MIGRATED_VM, "migrated-vm"), WORD(RULE_OF_DEFINITION, "definition"),
             WORD(RULE_OF_HOST, "host"))
WORDS_DEFINE(rule_element_words, "element", ELEMENT_COUNT, WORD(ELEMENT_DOMAIN, "domain"),
             WORD(ELEMENT_CONTROLLER, "controller"), WORD(ELEMENT_CPU, "cpu"),
             WORD(ELEMENT_OS, "os"))
WORDS_DEFINE(rule_weight_words, "weight", RULE_WEIGHT_COUNT, WORD(RULE_REFUSES, "refuses"),
             WORD(RULE_WARNS, "warns"), WORD(RULE_NOTES, "notes"))
