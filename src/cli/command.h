/* SPDX-License-Identifier: Apache-2.0 */
/* A command: what can be typed, what help says, what runs. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdint.h>

#include "cli/cli.h"

#define COMMAND_MAX_ARGS 2
#define COMMAND_MAX_EXAMPLES 3
#define COMMAND_MAX_OPTIONS 40
#define WORDS_MAX_REPEATED 16

struct command_option {
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* "TYPE"; NULL: takes none */
    const char *help;
};

/* A command line, taken apart. */
struct arguments {
    const struct command *command;
    const char *args[COMMAND_MAX_ARGS]; /* each: args[0] is one name after the other */
    size_t n_args;
    char *const *names; /* each: all of them */
    size_t n_names;
    const char *
        values[COMMAND_MAX_OPTIONS]; /* by index into command->options; "" for a flag that is set */
    struct {
        size_t option; /* as in values[] */
        const char *value;
    } repeated[WORDS_MAX_REPEATED]; /* of the options that repeat: all of their values */
    size_t n_repeated;
};

/* What an exit status means of one command, where the general meaning says less. */
struct command_status {
    int status;
    const char *text; /* NULL: the end of the list */
};

struct listing;

typedef int command_fn(struct cli *cli, const struct arguments *arguments, struct error *err);

struct command {
    const char *object; /* "claim" */
    const char *name;   /* "create"; NULL when the object is all there is ("apply") */
    const char *args;   /* "NAME" */
    size_t n_args;
    bool each;     /* takes any number of names, and runs once for each */
    bool in_order; /* each: what is done to a name depends on what was done to those before it */
    const char *help;
    const char *examples[COMMAND_MAX_EXAMPLES]; /* whole lines, without "cleave " */
    const struct command_status *statuses;      /* by number; NULL: none of its own */
    const struct command_option *options;
    size_t n_options;
    uint64_t repeats; /* set of REPEATS(option): these may be given several times */
    bool changes;     /* takes --dry-run and, if a plan may follow, --no-wait */
    bool waits;
    bool lists;                    /* takes --no-headers, --sort and -o name */
    const struct listing *listing; /* of one that lists: whose columns --sort takes */
    bool watches;                  /* takes --watch */
    bool hidden;                   /* for programs: not in the list of commands */
    command_fn *run;
    int (*run_raw)(int argc, char **argv); /* instead of run: parses its own words */
};

/* The commands of one file, in the order of help. */
struct command_table {
    const struct command *commands;
    size_t n;
};
#define REPEATS(option) (UINT64_C(1) << (option))
#define COMMAND_TABLE(rows) {.commands = (rows), .n = ARRAY_SIZE(rows)}
#define STATUSES(...)                                                                              \
    .statuses = (const struct command_status[])                                                    \
    {                                                                                              \
        __VA_ARGS__, {0}                                                                           \
    }
#define OPTIONS(table) .options = (table), .n_options = ARRAY_SIZE(table)

/* Of several commands. */
#define MOVE_IDLE_HELP "if the request does not fit, move claims that are not in use"

#endif
