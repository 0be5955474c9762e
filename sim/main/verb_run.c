/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/main/verbs.h"
#include "sim/run/run.h"

static int usage(FILE *to, int status)
{
    fputs(
        "usage: cleave-sim run --host HOST [--state DIR] [--libvirt] -- COMMAND [ARGUMENT...]\n\n"
        "Runs COMMAND in a private machine with the GPUs of HOST: a host file, or the name of one\n"
        "that `cleave-sim hosts` lists. COMMAND finds NVML, sysfs, /proc and /dev as on such a\n"
        "host; everything else is this machine's. Needs root. Ends with COMMAND's exit status,\n"
        "and takes down all that was started.\n\n"
        "  --host HOST   the host to simulate\n"
        "  --state DIR   keep the hardware's state there, and go on from it next time\n"
        "  --libvirt     start libvirt on the simulated host first\n",
        to);
    return status;
}

/* A bare name means a file of ours. */
static char *host_path(const char *host)
{
    if (strchr(host, '/') != NULL || str_ends(host, ".yaml") || str_ends(host, ".json")) {
        return xstrdup(host);
    }
    CLEANUP_FREE char *dir = hosts_dir();
    return xasprintf("%s/%s.yaml", dir, host);
}

static int run(struct sim_run_options *options, const char *host, const char *state_dir)
{
    struct error err = {0};
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(sim_host_freep) struct sim_host *loaded = NULL;
    CLEANUP_FREE char *path = host_path(host);
    CLEANUP_FREE char *state = NULL;
    int result = catalog_load_default(&catalog, &err);
    if (result == 0) {
        result = sim_host_load(path, catalog, &loaded, &err);
    }
    if (result == 0 && state_dir != NULL) {
        result = fs_mkdirs(state_dir, 0755);
        state = result == 0 ? realpath(state_dir, NULL) : NULL;
        if (state == NULL) {
            result = error_set_errno(&err, -result, state_dir, "making the state directory");
        }
    }
    if (result == 0) {
        options->host = loaded;
        options->state_dir = state;
        result = sim_run(options, &err);
    }
    return result < 0 ? say_error(&err) : result;
}

int verb_run(int argc, char **argv)
{
    static const struct option longs[] = {{"host", required_argument, NULL, 'H'},
                                          {"state", required_argument, NULL, 's'},
                                          {"libvirt", no_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct sim_run_options options = {0};
    const char *host = NULL;
    const char *state_dir = NULL;
    for (int c = 0; c != -1;) {
        c = getopt_long(argc, argv, "+h", longs, NULL);
        switch (c) {
        case 'H':
            host = optarg;
            break;
        case 's':
            state_dir = optarg;
            break;
        case 'l':
            options.libvirt = true;
            break;
        case 'h':
            return usage(stdout, EXIT_SUCCESS);
        case '?':
            return usage(stderr, EXIT_USAGE);
        default:
            break;
        }
    }
    if (host == NULL || optind >= argc) {
        return usage(stderr, EXIT_USAGE);
    }
    options.argv = &argv[optind];
    return run(&options, host, state_dir);
}
