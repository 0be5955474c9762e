/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/main/verbs.h"
#include "sim/nvml/coverage.h"

static int usage(FILE *to, int status)
{
    fputs("usage: cleave-sim coverage [--missing]\n\n"
          "Lists NVML's functions: the driver branch that first had each (older hosts\n"
          "answer FUNCTION_NOT_FOUND), and whether it is simulated (else: NOT_SUPPORTED).\n\n"
          "  --missing   only those that are not simulated\n",
          to);
    return status;
}

static void print(const struct coverage *function)
{
    char since[16] = "-";
    if (function->since != 0) {
        snprintf(since, sizeof(since), "%u", function->since);
    }
    printf("%-58s %5s  %s\n", function->name, since,
           function->simulated ? "simulated" : "not supported");
}

int verb_coverage(int argc, char **argv)
{
    static const struct option longs[] = {
        {"missing", no_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool missing_only = false;
    for (int c = 0; c != -1;) {
        c = getopt_long(argc, argv, "h", longs, NULL);
        if (c == 'm') {
            missing_only = true;
        } else if (c == 'h') {
            return usage(stdout, EXIT_SUCCESS);
        } else if (c == '?') {
            return usage(stderr, EXIT_USAGE);
        }
    }
    if (optind < argc) {
        return usage(stderr, EXIT_USAGE);
    }
    size_t n = 0;
    size_t n_simulated = 0;
    const struct coverage *all = coverage_all(&n);
    for (size_t i = 0; i < n; i++) {
        n_simulated += all[i].simulated ? 1 : 0;
        if (!missing_only || !all[i].simulated) {
            print(&all[i]);
        }
    }
    printf("%zu of %zu functions are simulated\n", n_simulated, n);
    return EXIT_SUCCESS;
}
