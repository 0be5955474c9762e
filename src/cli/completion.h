/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for shells: what may come next on a command line, by the table of commands and, where
 * it names an object, by what cleaved has. The scripts of the shells only ask. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "cli/cli.h"

/* Prints what may stand in the place of the last of the words behind "cleave", which may be "", and
 * begins like it: a line each, with its meaning behind a tab where it has one; a line ":files"
 * where a file's name may stand. Prints nothing where it can't know. */
void completion_print(struct cli *cli, char *const *words, size_t n);

/* Prints the script of a shell: bash, zsh or fish. -INVALID. */
int completion_print_script(const char *shell, struct error *err);

#endif
