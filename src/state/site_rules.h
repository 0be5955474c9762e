/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that are asked now: a site's own change while cleaved runs (daemon/own_rules.h). Loop
 * thread only. */
#ifndef STATE_SITE_RULES_H
#define STATE_SITE_RULES_H

#include "base/error.h"
#include "rules/rules.h"

struct manager;

/* The rules that the manager is made with, borrowed until site_rules_take(). `problem`: why a
 * site's own are not among them; NULL: they are. */
void site_rules_begin(struct manager *m, const struct rules *rules, const struct error *problem);
/* From now on `rules` are asked. A plan that was made stays as it is: its steps ask no rule. The
 * former ones are no longer used once this returns. */
void site_rules_take(struct manager *m, const struct rules *rules);
/* A site's rules can't be used as they are now, so those of before stay. */
void site_rules_refuse(struct manager *m, const struct error *problem);
/* "FILE:LINE:COLUMN: why", or "": a site's rules are asked as they are. */
const char *site_rules_problem(const struct manager *m);

#endif
