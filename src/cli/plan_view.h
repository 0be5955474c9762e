/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people: what happens in which order, to which GPU instances, claims and VMs. */
#ifndef CLI_PLAN_VIEW_H
#define CLI_PLAN_VIEW_H

#include <jansson.h>
#include <stddef.h>

void plan_view_print(const json_t *plan, size_t width);
/* What to do about the step that failed; "": nothing is known. Borrowed from the plan. */
const char *plan_view_hint(const json_t *plan);
/* What the plan's move of the claim is, in words; NULL: it doesn't move. Borrowed from the plan. */
const char *plan_view_move(const json_t *plan, const char *claim);
/* One line per claim: what it holds, or why not. */
void plan_view_claims(const json_t *claims, size_t width);
/* One line per VM that is off, and whose device the plan takes. */
void plan_view_bars(const json_t *plan, size_t width);
/* One line per thing that another tool made and that stays where the plan gives something back. */
void plan_view_left(const json_t *plan, size_t width);
/* One line per thing that a dry run can't promise, as the plan's steps look for it themselves. */
void plan_view_unchecked(const json_t *plan, size_t width);
/* One line on stderr per claim that was without its device before the plan. */
void plan_view_warnings(const json_t *plan);
/* "2 kept, 1 created"; "" when the plan touches no GPU instance. Returns out. */
const char *plan_view_counts(const json_t *plan, char *out, size_t size);

#endif
