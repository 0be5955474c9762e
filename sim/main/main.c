/* SPDX-License-Identifier: Apache-2.0 */
/* cleave-sim: a simulated GPU host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit_status.h"
#include "base/log.h"
#include "base/str.h"
#include "sim/main/verbs.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *text;
} verbs[] = {
    {"capture", verb_capture, "write a host file that simulates this machine"},
    {"coverage", verb_coverage, "list NVML's functions: which are simulated, and since when"},
    {"ctl", verb_ctl, "read or change a running simulated host; prints JSON"},
    {"hosts", verb_hosts, "list the host files"},
    {"run", verb_run, "run a command on a simulated host"},
    {"shell", verb_shell, "a shell on a simulated host with cleaved and libvirt"},
};

static int help(FILE *to, int status)
{
    fputs("cleave-sim: a machine with simulated NVIDIA GPUs\n\n", to);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        fprintf(to, "  cleave-sim %-8s %s\n", verbs[i].name, verbs[i].text);
    }
    fputs("\n`cleave-sim help VERB` shows more. `run` and `shell` end with the exit status of\n"
          "their command, `ctl` with 1 where the host refuses; `cleave --help` lists all\n"
          "others.\n",
          to);
    return status;
}

/* argv[0] is the verb. */
static int run_verb(int argc, char **argv)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (str_eq(verbs[i].name, argv[0])) {
            return verbs[i].run(argc, argv);
        }
    }
    fprintf(stderr, "cleave-sim: there is no verb \"%s\"; see cleave-sim --help\n", argv[0]);
    return EXIT_USAGE;
}

static int run(int argc, char **argv)
{
    char *help_words[] = {argc > 2 ? argv[2] : NULL, (char[]){"--help"}, NULL};
    if (argc < 2) {
        return help(stderr, EXIT_USAGE);
    }
    if (str_eq(argv[1], "help") && argc == 3) { /* "help ctl" is "ctl --help" */
        return run_verb(2, help_words);
    }
    if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h") || str_eq(argv[1], "help")) {
        return help(stdout, EXIT_SUCCESS);
    }
    if (str_eq(argv[1], "--version")) {
        puts("cleave-sim " CLEAVE_VERSION);
        return EXIT_SUCCESS;
    }
    return run_verb(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    log_set_program("cleave-sim");
    return exit_status_written("cleave-sim", run(argc, argv));
}
