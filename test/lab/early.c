/* SPDX-License-Identifier: Apache-2.0 */
#include "test/lab/early.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES "/modules" /* names of files in load order, one per line */

void early_fail(const char *what)
{
    fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
    exit(1); /* the kernel panics, and QEMU ends */
}

void early_load_modules(void)
{
    FILE *list = fopen(MODULES, "re");
    char path[256];
    if (list == NULL) {
        early_fail(MODULES);
    }
    while (fgets(path, sizeof(path), list) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) != 0) {
            early_fail(path);
        }
        close(fd);
        unlink(path);
    }
    fclose(list);
}

void early_mount(const char *what, const char *where, const char *type, unsigned long flags,
                 const char *options)
{
    mkdir(where, 0755);
    if (mount(what, where, type, flags, options) != 0) {
        early_fail(where);
    }
}

void early_mount_kernel(void)
{
    early_mount("proc", "/proc", "proc", 0, NULL);
    early_mount("sysfs", "/sys", "sysfs", 0, NULL);
    early_mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
}

void early_enter(const char *root)
{
    static const char *const moved[] = {"/proc", "/sys", "/dev"};
    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        char to[32];
        snprintf(to, sizeof(to), "%s%s", root, moved[i]);
        if (mount(moved[i], to, NULL, MS_MOVE, NULL) != 0) {
            early_fail(to);
        }
    }
    /* On top of the initial file system, which can't be left otherwise (switch_root(8)). */
    if (chdir(root) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 || chroot(".") != 0) {
        early_fail("the new root");
    }
}
