/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

/* In the order of help: those of one object stand together. */
#define VERB_TABLES(X)                                                                             \
    X(host_verbs)                                                                                  \
    X(host_restore_verbs)                                                                          \
    X(host_drain_verbs)                                                                            \
    X(gpu_verbs)                                                                                   \
    X(gpu_cordon_verbs)                                                                            \
    X(profile_verbs)                                                                               \
    X(claim_verbs)                                                                                 \
    X(apply_verbs)                                                                                 \
    X(plan_verbs)                                                                                  \
    X(vm_verbs)                                                                                    \
    X(vm_lint_verbs)                                                                               \
    X(vm_migrate_verbs)                                                                            \
    X(migration_verbs)                                                                             \
    X(migration_settle_verbs)                                                                      \
    X(operation_verbs)                                                                             \
    X(event_verbs)                                                                                 \
    X(gc_verbs)                                                                                    \
    X(hook_verbs)                                                                                  \
    X(dial_verbs)                                                                                  \
    X(rule_verbs)                                                                                  \
    X(layout_verbs)

#define DECLARE(table) extern const struct verb_table table;
VERB_TABLES(DECLARE)
#undef DECLARE

#define POINT(table) &(table),
static const struct verb_table *const tables[] = {VERB_TABLES(POINT)};
#undef POINT

static const struct verb_option global_options[] = {
    {"help", 'h', NULL, "show what can be typed here"},
    {"output", 'o', "FORMAT",
     "table (default), wide (a table with all columns), json (the API's own) or yaml"},
    {"socket", 0, "PATH", "cleaved's socket; else CLEAVE_SOCKET, else " CLIENT_DEFAULT_SOCKET},
    {"version", 0, NULL, "print the version"},
    {"dry-run", 0, NULL, "show the plan, and change nothing"},
    {"no-wait", 0, NULL, "do not wait until the plan is done"},
};

size_t verbs_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        n += tables[i]->n;
    }
    return n;
}

const struct verb *verbs_at(size_t index)
{
    size_t table = 0;
    while (index >= tables[table]->n) {
        index -= tables[table++]->n;
    }
    return &tables[table]->verbs[index];
}

const struct verb_option *verbs_global_options(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(global_options);
    return global_options;
}
