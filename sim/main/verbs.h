/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of cleave-sim. Each gets its own name as argv[0] and returns the exit status. */
#ifndef SIM_MAIN_VERBS_H
#define SIM_MAIN_VERBS_H

#include "base/error.h"

#define EXIT_USAGE 2

int verb_coverage(int argc, char **argv);
int verb_capture(int argc, char **argv);
int verb_ctl(int argc, char **argv);
int verb_hosts(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_shell(int argc, char **argv);

/* Prints the error on stderr; returns the exit status for it. */
int say_error(const struct error *err);

/* Folder of the host files; caller frees. */
char *hosts_dir(void);

#endif
