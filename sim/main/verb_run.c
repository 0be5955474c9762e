/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sim/main/verbs.h"
#include "sim/run/run.h"
#include "sim/state/board.h"

/* Leaves room for the longest name of libvirt's sockets. */
#define MAX_SHARE (sizeof(((struct sockaddr_un *)NULL)->sun_path) - sizeof("/libvirt-admin-sock"))

static int usage(FILE *to, int status)
{
    fputs("usage: cleave-sim run --host HOST [OPTION...] -- COMMAND [ARGUMENT...]\n\n"
          "Runs COMMAND in a private machine with the GPUs of HOST: a host file, the name\n"
          "of one that `cleave-sim hosts` lists, or boards (board:l40s*2,t4). COMMAND\n"
          "finds NVML, sysfs, /proc and /dev as on such a host; everything else is this\n"
          "machine's. Needs root. Ends with COMMAND's exit status, and takes down all that\n"
          "was started.\n\n"
          "  --host HOST       the host to simulate\n"
          "  --name NAME       a host name of its own, and so other serials and UUIDs\n"
          "  --driver VERSION  another driver than the host file's\n"
          "  --kernel RELEASE  another kernel; before 6.8 vGPUs are mediated devices\n"
          "  --seed N          of what faults leave to chance\n"
          "  --state DIR       keep the hardware's state there, and go on from it next time\n"
          "  --libvirt         start libvirt on the simulated host first\n"
          "  --share DIR       put libvirt's sockets into DIR/NAME, where other\n"
          "                    simulated hosts reach them; with --libvirt\n"
          "  --hook FILE       libvirt's qemu hook, in place before libvirt starts\n",
          to);
    return status;
}

/* A bare name means a file of ours. */
static char *host_path(const char *host)
{
    if (str_starts(host, SIM_BOARD_PREFIX) || strchr(host, '/') != NULL ||
        str_ends(host, ".yaml") || str_ends(host, ".json")) {
        return xstrdup(host);
    }
    CLEANUP_FREE char *dir = hosts_dir();
    return xasprintf("%s/%s.yaml", dir, host);
}

/* What the words say besides `struct sim_run_options`. */
struct given {
    const char *host, *state_dir, *share_dir, *hook, *seed;
    struct sim_host_changes changes;
};

static int load(const struct given *given, const struct catalog *catalog,
                struct sim_host **ret_host, struct error *err)
{
    CLEANUP_FREE char *path = host_path(given->host);
    uint64_t seed = 0;
    if (given->seed != NULL && !parse_u64(given->seed, &seed)) {
        return error_set(err, REASON_INVALID, "--seed", "\"%s\" is not a number", given->seed);
    }
    int result = sim_host_load_as(path, &given->changes, catalog, ret_host, err);
    if (result == 0 && given->seed != NULL) {
        (*ret_host)->seed = seed;
    }
    return result;
}

/* *ret_path: the whole path of a directory that is there now. */
static int make_dir(const char *dir, char **ret_path, struct error *err)
{
    int result = fs_mkdirs(dir, 0755);
    *ret_path = result == 0 ? realpath(dir, NULL) : NULL;
    if (*ret_path == NULL) {
        return error_set_errno(err, result < 0 ? -result : errno, dir, "making the directory");
    }
    return 0;
}

/* libvirt's sockets of two machines in one folder would be the last one's. Held until this process
 * and the machine's init have ended. */
static int claim_folder(const char *dir, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return error_set_errno(err, errno, path, "making the lock");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        close(fd);
        error_set(err, REASON_IN_USE, dir, "another simulated host of that name uses it");
        error_hint(err, "use another --name, or another --share");
        return -REASON_IN_USE;
    }
    return 0;
}

static int share(const char *folder, const char *name, char **ret_dir, struct error *err)
{
    CLEANUP_FREE char *dir = xasprintf("%s/%s", folder, name);
    int result = make_dir(dir, ret_dir, err);
    if (result == 0 && strlen(*ret_dir) > MAX_SHARE) {
        result = error_set(err, REASON_INVALID, *ret_dir,
                           "is too long: a socket's path has %zu characters at most",
                           sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    }
    return result < 0 ? result : claim_folder(*ret_dir, err);
}

/* libvirt passes over a hook that it can't run, without a word to anybody. */
static int find_hook(const char *file, char **ret_path, struct error *err)
{
    *ret_path = realpath(file, NULL);
    if (*ret_path == NULL || access(*ret_path, X_OK) < 0) {
        return error_set_errno(err, errno, file, "finding a hook that can be run");
    }
    return 0;
}

static int run(struct sim_run_options *options, const struct given *given)
{
    struct error err = {0};
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(sim_host_freep) struct sim_host *loaded = NULL;
    CLEANUP_FREE char *state = NULL;
    CLEANUP_FREE char *share_dir = NULL;
    CLEANUP_FREE char *hook = NULL;
    int result = catalog_load_default(&catalog, &err);
    if (result == 0) {
        result = load(given, catalog, &loaded, &err);
    }
    if (result == 0 && given->state_dir != NULL) {
        result = make_dir(given->state_dir, &state, &err);
    }
    if (result == 0 && given->share_dir != NULL) {
        result = share(given->share_dir, loaded->name, &share_dir, &err);
    }
    if (result == 0 && given->hook != NULL) {
        result = find_hook(given->hook, &hook, &err);
    }
    if (result == 0) {
        options->host = loaded;
        options->hook = hook;
        options->state_dir = state;
        options->share_dir = share_dir;
        result = sim_run(options, &err);
    }
    return result < 0 ? say_error(&err) : result;
}

int verb_run(int argc, char **argv)
{
    static const struct option longs[] = {{"host", required_argument, NULL, 'H'},
                                          {"name", required_argument, NULL, 'n'},
                                          {"driver", required_argument, NULL, 'd'},
                                          {"kernel", required_argument, NULL, 'r'},
                                          {"seed", required_argument, NULL, 'e'},
                                          {"state", required_argument, NULL, 's'},
                                          {"share", required_argument, NULL, 'S'},
                                          {"hook", required_argument, NULL, 'k'},
                                          {"libvirt", no_argument, NULL, 'l'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct sim_run_options options = {0};
    struct given given = {0};
    for (int c = 0; c != -1;) {
        c = getopt_long(argc, argv, "+h", longs, NULL);
        switch (c) {
        case 'H':
            given.host = optarg;
            break;
        case 'd':
            given.changes.driver = optarg;
            break;
        case 'r':
            given.changes.kernel = optarg;
            break;
        case 'e':
            given.seed = optarg;
            break;
        case 'n':
            given.changes.name = optarg;
            break;
        case 'k':
            given.hook = optarg;
            break;
        case 'S':
            given.share_dir = optarg;
            break;
        case 's':
            given.state_dir = optarg;
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
    bool for_libvirt = given.share_dir != NULL || given.hook != NULL;
    if (given.host == NULL || optind >= argc || (for_libvirt && !options.libvirt)) {
        return usage(stderr, EXIT_USAGE);
    }
    options.argv = &argv[optind];
    return run(&options, &given);
}
