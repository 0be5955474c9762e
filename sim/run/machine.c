/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "sim/run/artifact.h"
#include "sim/run/skeleton.h"

#define MAX_LIBRARY (64 * 1024 * 1024)

/* ---- before the daemon ---- */

static bool hide_in_dev(const char *name, const void *data)
{
    (void)data;
    return str_starts(name, "nvidia") || str_eq(name, "vfio") || str_eq(name, "shm");
}

static int make_dirs(const char *const *dirs, struct error *err)
{
    for (; *dirs != NULL; dirs++) {
        int result = fs_mkdirs(*dirs, 0755);
        if (result < 0) {
            return error_set_errno(err, -result, *dirs, "making the directory");
        }
    }
    return 0;
}

int machine_begin(struct error *err)
{
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return error_set_errno(err, errno, "/", "making mounts private");
    }
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        return error_set_errno(err, errno, "/proc", "mounting it for the new processes");
    }
    static const char *const hidden_in_run[] = {"libvirt", "cleave-sim", "cleave", NULL};
    int result = skeleton_mount("/run", skeleton_hide_listed, hidden_in_run, err);
    if (result == 0) {
        result = skeleton_mount("/dev", hide_in_dev, NULL, err);
    }
    static const char *const dirs[] = {SIM_FUSE_DIR,   SIM_PROC_ROOT, SIM_BIN_DIR, SIM_REAL_USR,
                                       "/run/libvirt", "/dev/shm",    "/dev/vfio", NULL};
    if (result == 0) {
        result = make_dirs(dirs, err);
    }
    return result < 0 ? result : skeleton_tmpfs("/dev/shm", "1777", err);
}

/* ---- /sys ---- */

/* A directory of /sys in which the FUSE tree replaces some entries. `original`: of the real /sys.
 */
static int lay_over(const char *original, const char *name, const char *fuse, struct error *err)
{
    CLEANUP_FREE char *from = xasprintf("%s/%s", original, name);
    CLEANUP_FREE char *to = xasprintf("/sys/%s", name);
    if (!fs_exists(from)) {
        return 0;
    }
    if (mkdir(to, 0755) < 0) {
        return error_set_errno(err, errno, to, "making the directory");
    }
    int result = skeleton_fill(from, to, skeleton_hide_existing, fuse, err);
    return result < 0 ? result : skeleton_bind_entries(fuse, to, err);
}

static int make_sys(struct error *err)
{
    static const char *const ours[] = {"bus", "class", "devices", "kernel", "module", NULL};
    CLEANUP_CLOSE int fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return error_set_errno(err, errno, "/sys", "opening it");
    }
    CLEANUP_FREE char *original = xasprintf("/proc/self/fd/%d", fd);
    int result = skeleton_tmpfs("/sys", "0755", err);
    if (result == 0) {
        result = skeleton_fill(original, "/sys", skeleton_hide_listed, ours, err);
    }
    for (const char *const *name = ours; result == 0 && *name != NULL; name++) {
        CLEANUP_FREE char *fuse = xasprintf("%s/%s", SIM_FUSE_DIR, *name);
        result = lay_over(original, *name, fuse, err);
    }
    if (result == 0 && mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0) {
        result = error_set_errno(err, errno, "/sys", "making its own directories read-only");
    }
    return result;
}

/* ---- /proc ---- */

/* What the machine says of its own kernel and boot. */
static const char *const kernel_files[] = {"/proc/sys/kernel/osrelease",
                                           "/proc/sys/kernel/random/boot_id", "/proc/modules",
                                           "/proc/devices"};

static int make_proc(struct error *err)
{
    int result =
        skeleton_mount("/proc/driver", skeleton_hide_existing, SIM_FUSE_DIR "/proc/driver", err);
    if (result == 0) {
        result = skeleton_bind_entries(SIM_FUSE_DIR "/proc/driver", "/proc/driver", err);
    }
    if (result < 0) {
        return result;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kernel_files); i++) {
        CLEANUP_FREE char *from = xasprintf("%s%s", SIM_FUSE_DIR, kernel_files[i]);
        if (fs_exists(kernel_files[i]) && mount(from, kernel_files[i], NULL, MS_BIND, NULL) < 0) {
            return error_set_errno(err, errno, kernel_files[i], "binding the host's there");
        }
    }
    const char *os_release = SIM_FUSE_DIR "/etc/os-release";
    if (fs_exists(os_release) && fs_exists("/etc/os-release") &&
        mount(os_release, "/etc/os-release", NULL, MS_BIND, NULL) < 0) {
        return error_set_errno(err, errno, "/etc/os-release", "binding the host's there");
    }
    /* A kernel without modules has no such file, and none can be made in its /proc. */
    if (fs_exists("/proc/modules")) {
        return 0;
    }
    result = skeleton_bind("/proc", SIM_REAL_PROC, err);
    return result < 0 ? result : skeleton_bind(SIM_PROC_ROOT, "/proc", err);
}

/* ---- /usr ---- */

#define UPPER SIM_RUN_DIR "/usr/upper"
#define WORK SIM_RUN_DIR "/usr/work"
#define EMULATOR "/usr/bin/qemu-system-x86_64"

/* The directory below /usr that the dynamic linker searches on its own. */
static const char *library_dir(void)
{
    static const char *const dirs[] = {"/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64",
                                       "/lib"};
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        CLEANUP_FREE char *path = xasprintf("/usr%s", dirs[i]);
        if (fs_exists(path)) {
            return dirs[i];
        }
    }
    return "/lib";
}

static int put_file(enum artifact which, const char *target, struct error *err)
{
    CLEANUP_FREE char *source = NULL;
    int result = artifact_find(which, &source, err);
    if (result < 0) {
        return result;
    }
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    result = fs_read(source, MAX_LIBRARY, &text, &len);
    if (result < 0) {
        return error_set_errno(err, -result, source, "reading it");
    }
    CLEANUP_FREE char *dir = xstrdup(target);
    *strrchr(dir, '/') = '\0';
    result = fs_mkdirs(dir, 0755);
    if (result == 0) {
        result = fs_write_atomic(target, text, len);
    }
    if (result < 0 || chmod(target, 0755) < 0) {
        return error_set_errno(err, result < 0 ? -result : errno, target, "writing it");
    }
    return 0;
}

/* libvirt 10 and later look for a device's own VFIO driver there before they bind it, and refuse to
 * bind one when the running kernel has no such file: in a container it often has none. Empty, it
 * says that vfio-pci is the one. */
static int put_modules_alias(struct error *err)
{
    struct utsname kernel;
    if (uname(&kernel) < 0) {
        return error_set_errno(err, errno, "kernel", "asking for its release");
    }
    CLEANUP_FREE char *there = xasprintf("/usr/lib/modules/%s/modules.alias", kernel.release);
    CLEANUP_FREE char *dir = xasprintf("%s/lib/modules/%s", UPPER, kernel.release);
    CLEANUP_FREE char *file = xasprintf("%s/modules.alias", dir);
    if (fs_exists(there)) {
        return 0;
    }
    int result = fs_mkdirs(dir, 0755);
    if (result == 0) {
        result = fs_write_atomic(file, "", 0);
    }
    return result < 0 ? error_set_errno(err, -result, file, "writing it") : 0;
}

/* Bound, not copied: libvirt asks an emulator what it can do, which takes a second, and remembers
 * the answer as long as the file's change time stays the same. */
static int cover_emulator(struct error *err)
{
    CLEANUP_FREE char *wrapper = NULL;
    if (!fs_exists(EMULATOR)) {
        return 0;
    }
    int result = artifact_find(ARTIFACT_QEMU_WRAPPER, &wrapper, err);
    return result < 0 ? result : skeleton_bind(wrapper, EMULATOR, err);
}

/* The vGPU manager's files and the emulator's stand-in, laid over /usr as a package would install
 * them; what a program then writes to /usr goes to memory. */
static int make_usr(struct error *err)
{
    static const char *const dirs[] = {UPPER, WORK, NULL};
    int result = make_dirs(dirs, err);
    if (result == 0) {
        result = skeleton_bind("/usr", SIM_REAL_USR, err);
    }
    CLEANUP_FREE char *library = xasprintf("%s%s/libnvidia-ml.so.1", UPPER, library_dir());
    if (result == 0) {
        result = put_file(ARTIFACT_NVML, library, err);
    }
    if (result == 0) {
        result = put_file(ARTIFACT_SRIOV_MANAGE, UPPER "/lib/nvidia/sriov-manage", err);
    }
    if (result == 0) {
        result = put_file(ARTIFACT_MODPROBE, UPPER "/sbin/modprobe", err);
    }
    if (result == 0) {
        result = put_modules_alias(err);
    }
    if (result < 0) {
        return result;
    }
    if (mount("cleave-sim", "/usr", "overlay", 0,
              "lowerdir=" SIM_REAL_USR ",upperdir=" UPPER ",workdir=" WORK) < 0) {
        result = error_set_errno(err, errno, "/usr", "laying the driver's files over it");
        error_hint(err, "the kernel must have overlayfs (modprobe overlay)");
        return result;
    }
    return cover_emulator(err);
}

/* ---- the rest ---- */

/* Where the machine has none of its own, the folder around it gets a tmpfs first, so that none is
 * made on the machine. */
static int make_private_dir(const char *parent, const char *dir, struct error *err)
{
    static const char *const none[] = {NULL};
    int result = 0;
    if (!fs_exists(dir)) {
        result = skeleton_mount(parent, skeleton_hide_listed, none, err);
        int made = result == 0 ? fs_mkdirs(dir, 0755) : 0;
        result = made < 0 ? error_set_errno(err, -made, dir, "making the directory") : result;
    }
    return result < 0 ? result : skeleton_tmpfs(dir, "0755", err);
}

static int make_private_dirs(struct error *err)
{
    static const struct {
        const char *parent;
        const char *dir;
    } dirs[] = {
        {"/etc", "/etc/cleave"},
        {"/etc", "/etc/libvirt"},
        {"/var/lib", "/var/lib/libvirt"},
        {"/var/lib", "/var/lib/cleave"},
        {"/var/cache", "/var/cache/libvirt"},
        {"/var/log", "/var/log/libvirt"},
    };
    int result = 0;
    for (size_t i = 0; result == 0 && i < ARRAY_SIZE(dirs); i++) {
        result = make_private_dir(dirs[i].parent, dirs[i].dir, err);
    }
    return result;
}

int machine_finish(struct error *err)
{
    CLEANUP_FREE char *self = NULL;
    int result = artifact_find(ARTIFACT_SELF, &self, err);
    if (result == 0) {
        result = skeleton_bind(self, SIM_BIN_DIR "/cleave-sim", err);
    }
    if (result == 0) {
        result = make_usr(err);
    }
    if (result == 0) {
        result = make_sys(err);
    }
    if (result == 0) {
        result = make_proc(err);
    }
    if (result == 0) {
        result = skeleton_bind(SIM_FUSE_DIR "/dev/vfio", "/dev/vfio", err);
    }
    return result < 0 ? result : make_private_dirs(err);
}
