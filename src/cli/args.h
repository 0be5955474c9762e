/* SPDX-License-Identifier: Apache-2.0 */
/* From argv to words, by the table of commands. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/commands.h"

enum args_want { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_MAN, ARGS_SCRIPT, ARGS_COMPLETE };

struct args {
    enum args_want want;
    const char *object;         /* ARGS_HELP: of this object only, NULL of all */
    struct arguments arguments; /* command NULL with ARGS_HELP: of the object, or of all */
    const char *shell;          /* ARGS_SCRIPT: "bash" */
    int rest; /* of a command that parses its own words, and ARGS_COMPLETE: argv from here on */
};

/* Reads the command line, and the environment for what it does not say. -INVALID names the nearest
 * word that would have been right. */
int args_parse(int argc, char **argv, struct cli *cli, struct args *ret_args, struct error *err);

#endif
