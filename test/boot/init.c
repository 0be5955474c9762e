/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the initial file system of the VM that boots systemd: finds the disk, makes it the root, and
 * gives way to the init that is there.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "test/lab/early.h"

#define DISK "/dev/vda"
#define DISK_TRIES 5000
#define PAUSE_NS 2000000L

int main(void)
{
    early_mount_kernel();
    early_load_modules();
    for (int i = 0; i < DISK_TRIES && access(DISK, F_OK) != 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    early_mount(DISK, "/new", "ext4", 0, NULL);
    early_enter("/new");
    execl("/sbin/init", "/sbin/init", (char *)NULL);
    early_fail("/sbin/init");
}
