/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

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
    X(vm_show_commands)                                                                            \
    X(vm_lint_commands)                                                                            \
    X(vm_migrate_commands)                                                                         \
    X(migration_commands)                                                                          \
    X(migration_settle_commands)                                                                   \
    X(operation_commands)                                                                          \
    X(event_commands)                                                                              \
    X(gc_commands)                                                                                 \
    X(hook_commands)                                                                               \
    X(dial_commands)                                                                               \
    X(advise_commands)                                                                             \
    X(licence_commands)                                                                            \
    X(licence_token_commands)                                                                      \
    X(rule_commands)                                                                               \
    X(layout_commands)

#define DECLARE(table) extern const struct command_table table;
COMMAND_TABLES(DECLARE)
#undef DECLARE

#define POINT(table) &(table),
static const struct command_table *const tables[] = {COMMAND_TABLES(POINT)};
#undef POINT

static const struct command_option global_options[G_COUNT] = {
    [G_HELP] = {"help", 'h', NULL, "show this help"},
    [G_OUTPUT] = {"output", 'o', "FORMAT",
                  "table (default), wide (a table with all columns), name (of lists: names only), "
                  "csv (of lists), json (the API's own) or yaml"},
    [G_SOCKET] = {"socket", 0, "PATH",
                  "cleaved's socket; else CLEAVE_SOCKET, else " CLIENT_DEFAULT_SOCKET},
    [G_VERSION] = {"version", 'V', NULL, "print the version"},
    [G_DRY_RUN] = {"dry-run", 0, NULL, "show the plan, and change nothing"},
    [G_NO_WAIT] = {"no-wait", 0, NULL, "do not wait for the plan to end"},
    [G_NO_HEADERS] = {"no-headers", 0, NULL, "leave out the titles of the columns"},
    [G_SORT] = {"sort", 0, "COLUMN", "sort by this column; -COLUMN: the greatest first"},
    [G_WATCH] = {"watch", 'w', NULL, "stay, and show what changes, until Ctrl-C"},
    [G_QUIET] = {"quiet", 'q', NULL,
                 "of lists, names only; of changes, nothing but errors and warnings"},
    [G_VERBOSE] = {"verbose", 'v', NULL, "show each request to cleaved on standard error"},
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

const char *commands_object(const char *word)
{
    return str_eq(word, "license") ? "licence" : word;
}

bool commands_is_named(const struct command *command, const char *word, const char *next,
                       int *ret_words)
{
    const char *blank = command->name == NULL ? NULL : strchr(command->name, ' ');
    *ret_words = command->name == NULL ? 0 : blank == NULL ? 1 : 2;
    if (blank == NULL) {
        return command->name == NULL || str_eq(command->name, word);
    }
    CLEANUP_FREE char *first = xasprintf("%.*s", (int)(blank - command->name), command->name);
    return str_eq(first, word) && str_eq(blank + 1, next);
}

bool commands_takes(const struct command *command, enum global_option option)
{
    switch (option) {
    case G_DRY_RUN:
        return command->changes;
    case G_NO_WAIT:
        return command->waits;
    case G_NO_HEADERS:
    case G_SORT:
        return command->lists;
    case G_WATCH:
        return command->watches;
    case G_QUIET:
        return command->changes || command->lists;
    case G_HELP:
    case G_OUTPUT:
    case G_SOCKET:
    case G_VERSION:
    case G_VERBOSE:
    case G_COUNT:
        break;
    }
    return true;
}

const struct command_option *commands_global_options(size_t *ret_n)
{
    *ret_n = ARRAY_SIZE(global_options);
    return global_options;
}
