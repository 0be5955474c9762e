/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

/* In the order of help: those of one object stand together. */
#define COMMAND_TABLES(X)                                                                          \
    X(host_commands)                                                                               \
    X(host_restore_commands)                                                                       \
    X(host_drain_commands)                                                                         \
    X(gpu_commands)                                                                                \
    X(gpu_cordon_commands)                                                                         \
    X(profile_commands)                                                                            \
    X(claim_commands)                                                                              \
    X(apply_commands)                                                                              \
    X(plan_commands)                                                                               \
    X(vm_commands)                                                                                 \
    X(vm_lint_commands)                                                                            \
    X(vm_migrate_commands)                                                                         \
    X(migration_commands)                                                                          \
    X(migration_settle_commands)                                                                   \
    X(operation_commands)                                                                          \
    X(event_commands)                                                                              \
    X(gc_commands)                                                                                 \
    X(hook_commands)                                                                               \
    X(dial_commands)                                                                               \
    X(rule_commands)                                                                               \
    X(layout_commands)

#define DECLARE(table) extern const struct command_table table;
COMMAND_TABLES(DECLARE)
#undef DECLARE

#define POINT(table) &(table),
static const struct command_table *const tables[] = {COMMAND_TABLES(POINT)};
#undef POINT

static const struct command_option global_options[] = {
    {"help", 'h', NULL, "show what can be typed here"},
    {"output", 'o', "FORMAT",
     "table (default), wide (a table with all columns), json (the API's own) or yaml"},
    {"socket", 0, "PATH", "cleaved's socket; else CLEAVE_SOCKET, else " CLIENT_DEFAULT_SOCKET},
    {"version", 0, NULL, "print the version"},
    {"dry-run", 0, NULL, "show the plan, and change nothing"},
    {"no-wait", 0, NULL, "do not wait until the plan is done"},
};

size_t commands_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        n += tables[i]->n;
    }
    return n;
}

const struct command *commands_at(size_t index)
{
    size_t table = 0;
    while (index >= tables[table]->n) {
        index -= tables[table++]->n;
    }
    return &tables[table]->commands[index];
}

const struct command_option *commands_global_options(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(global_options);
    return global_options;
}
