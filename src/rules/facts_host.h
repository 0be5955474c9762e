/* SPDX-License-Identifier: Apache-2.0 */
/* Facts guest.NAME, host.NAME: versions in the guest, and on the host. Private to src/rules. */
#ifndef RULES_FACTS_HOST_H
#define RULES_FACTS_HOST_H

#include "rules/fact_table.h"

extern const struct fact_table guest_facts, host_facts;

#endif
