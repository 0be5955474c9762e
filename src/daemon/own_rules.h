/* SPDX-License-Identifier: Apache-2.0 */
/* A site's own rules while cleaved runs: read at the start, after each change, and on SIGHUP. The
 * files are read on a thread of their own, since a disk may hang. Loop thread only. */
#ifndef DAEMON_OWN_RULES_H
#define DAEMON_OWN_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/evloop.h"
#include "rules/rules.h"

struct manager;
struct own_rules;

/* Reads cleave's rules, and a site's from the folder `dir`. Only an error in the former is one:
 * own_rules_problem() has that of the latter. */
int own_rules_new(struct evloop *loop, const char *dir, struct own_rules **ret_own,
                  struct error *err);
/* In force at the start; the watch's own. */
const struct rules *own_rules_first(const struct own_rules *own);
/* NULL: a site's rules are among these. */
const struct error *own_rules_problem(const struct own_rules *own);
/* From now on the manager gets each change. */
int own_rules_follow(struct own_rules *own, struct manager *manager, struct error *err);
/* Reads them again, for SIGHUP; what comes of it is logged. */
void own_rules_reload(struct own_rules *own);
/* Changes no longer count. False: reading the files hangs, and `own` may not be freed. */
bool own_rules_finish(struct own_rules *own, uint64_t until_us);
/* After the manager, which borrows the rules. */
void own_rules_free(struct own_rules *own);
DEFINE_FREEP(struct own_rules *, own_rules_free)

#endif
