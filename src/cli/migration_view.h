/* SPDX-License-Identifier: Apache-2.0 */
/* A migration for people: its checks, its estimate next to what it took, how far it is. */
#ifndef CLI_MIGRATION_VIEW_H
#define CLI_MIGRATION_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

bool migration_view_over(const json_t *migration);
/* Every check: what failed first. `all`: also those that are ok. */
void migration_view_checks(const json_t *migration, bool all, size_t width);
/* What the target has to do. */
void migration_view_steps(const json_t *migration, size_t width);
/* "estimated 12.4 s in all, 1.9 s still; took …". */
void migration_view_times(const json_t *migration, size_t width);
/* One line on how far it is. */
void migration_view_line(const json_t *migration, struct strbuf *out);
/* Its problem as an error; 0 when it has none. */
int migration_view_problem(const json_t *migration, struct error *err);
/* The first check that refuses it, as an error; 0 when none does. */
int migration_view_refusal(const json_t *migration, struct error *err);

#endif
