/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERBS_RULES_ASKED_H
#define VERBS_RULES_ASKED_H

#include "service/service.h"

verb_fn verb_list_rules, verb_get_rule;

#endif
