/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "sim/main/verbs.h"
#include "sim/run/artifact.h"

static int usage(FILE *to, int status)
{
    fputs("usage: cleave-sim shell [HOST] [-- COMMAND [ARGUMENT...]]\n\n"
          "A shell on a simulated host, with cleave, cleaved and libvirt in place and\n"
          "running, and a guest to boot. HOST: a host file, the name of one that\n"
          "`cleave-sim hosts` lists, or boards (board:l40s*2,t4); default: demo. With\n"
          "COMMAND that runs instead of a shell. Needs root. At its end all is gone that\n"
          "was done there.\n",
          to);
    return status;
}

int verb_shell(int argc, char **argv)
{
    if (argc > 1 && (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))) {
        return usage(stdout, EXIT_SUCCESS);
    }
    bool has_host = argc > 1 && !str_eq(argv[1], "--");
    int rest = has_host ? 2 : 1;
    if ((has_host && argv[1][0] == '-') || (rest < argc && !str_eq(argv[rest], "--")) ||
        rest + 1 == argc) {
        return usage(stderr, EXIT_USAGE);
    }
    struct error err = {0};
    CLEANUP_FREE char *script = NULL;
    CLEANUP_FREE char *self = NULL;
    if (artifact_find(ARTIFACT_SHELL, &script, &err) < 0 ||
        artifact_find(ARTIFACT_SELF, &self, &err) < 0) {
        return say_error(&err);
    }
    CLEANUP_FREE char **words = xcalloc((size_t)argc + 3, sizeof(*words));
    size_t n = 0;
    words[n++] = script;
    words[n++] = self;
    words[n++] = has_host ? argv[1] : "demo";
    for (int i = rest + 1; i < argc; i++) {
        words[n++] = argv[i];
    }
    execv(script, words);
    error_set_errno(&err, errno, script, "running it");
    return say_error(&err);
}
