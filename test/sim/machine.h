/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated machine for tests: the engine's small host behind FUSE at MACHINE/sys, with the
 * socket and the tool where programs look for them. All of it in a mount namespace of the test's
 * own.
 */
#ifndef TEST_SIM_MACHINE_H
#define TEST_SIM_MACHINE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "driver/sysfs/sysfs_port.h"
#include "sim/fuse/fuse.h"
#include "sim/rpc/rpc.h"
#include "sim/state/fixture.h"

#define MACHINE "/run/machine" /* on a tmpfs over /run */

struct machine {
    struct fixture *fix;
    struct sim_fuse *fuse;
    struct sim_rpc *rpc;
    struct pci_port *port;
};

/* Once per program: false where FUSE or mount namespaces are not to be had. */
static inline bool machine_prepare(const char *sriov_manage)
{
    if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/run", "tmpfs", 0, NULL) != 0 ||
        mount("none", "/sys", "tmpfs", 0, NULL) != 0) {
        return false;
    }
    static const char *const trees[] = {"bus", "class", "devices", "kernel", "module"};
    for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
        CLEANUP_FREE char *target = xasprintf(MACHINE "/sys/%s", trees[i]);
        CLEANUP_FREE char *link = xasprintf("/sys/%s", trees[i]);
        if (symlink(target, link) != 0) {
            return false;
        }
    }
    return fs_mkdirs(SIM_RUN_DIR, 0755) == 0 && fs_mkdirs(MACHINE "/sys", 0755) == 0 &&
           fs_mkdirs(MACHINE "/usr/lib/nvidia", 0755) == 0 &&
           symlink("sys/proc", MACHINE "/proc") == 0 && symlink("sys/dev", MACHINE "/dev") == 0 &&
           symlink(sriov_manage, MACHINE "/usr/lib/nvidia/sriov-manage") == 0;
}

static inline struct machine *machine_new(enum sim_iface iface)
{
    struct machine *machine = xcalloc(1, sizeof(*machine));
    struct error err = {0};
    machine->fix = fixture_new(iface);
    struct sim_host *host = machine->fix->host;
    STR_SET(host->driver_version, "580.105.08");
    STR_SET(host->kernel, iface == SIM_MDEV ? "5.15.0-100-generic" : "6.8.0-60-generic");
    for (uint32_t i = 0; i < FIX_GPUS; i++) {
        host->gpus[i].pci_device = 0x2bb5 + i;
        host->gpus[i].pci_subsystem = 0x204e;
    }
    if (sim_rpc_start(host, SIM_SOCKET, &machine->rpc, &err) != 0 ||
        sim_fuse_start(host, MACHINE "/sys", &machine->fuse, &err) != 0) {
        fail_msg("%s", err.message);
    }
    machine->port = sysfs_port_new(MACHINE, NULL);
    return machine;
}

static inline void machine_free(struct machine *machine)
{
    machine->port->ops->free(machine->port);
    sim_fuse_stop(machine->fuse);
    sim_rpc_stop(machine->rpc);
    fixture_free(machine->fix);
    free(machine);
}
DEFINE_FREEP(struct machine *, machine_free)

/* ---- files, named below /sys ---- */

static inline int machine_write(const char *file, const char *text)
{
    CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/%s", file);
    return fs_write_attr(path, text);
}

static inline int machine_open(const char *file, int flags)
{
    CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/%s", file);
    int fd = open(path, flags | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

/* The content, or the name of the errno. Caller frees. */
static inline char *machine_read(const char *file)
{
    CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/%s", file);
    char *text = NULL;
    int r = fs_read(path, 65536, &text, NULL);
    return r == 0 ? text : xstrdup(strerrorname_np(-r));
}

static inline void assert_reads(const char *file, const char *expected)
{
    CLEANUP_FREE char *text = machine_read(file);
    assert_string_equal(text, expected);
}

static inline void assert_links(const char *file, const char *expected)
{
    CLEANUP_FREE char *path = xasprintf(MACHINE "/sys/%s", file);
    char target[256] = "";
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    assert_true(n > 0);
    target[n] = '\0';
    assert_string_equal(target, expected);
    struct stat st;
    assert_int_equal(stat(path, &st), 0); /* it resolves */
}

/* ---- the real driver ---- */

static inline struct step machine_step(const struct machine *machine, enum step_kind kind,
                                       enum fixture_gpu gpu)
{
    return step_make(kind, &machine->fix->gpus[gpu]->addr);
}

static inline int machine_apply(const struct machine *machine, struct step *step, struct error *err)
{
    return machine->port->ops->apply(machine->port, step, err);
}

static inline void assert_applied(const struct machine *machine, struct step *step)
{
    struct error err = {0};
    if (machine_apply(machine, step, &err) != 0) {
        fail_msg("%s (%s)", err.message, err.hint);
    }
}

#endif
