/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init of the lab's VM: makes the machine's own root its own (read-only over 9p, under a tmpfs that
 * takes what is written), and then does what the test says.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include "test/lab/early.h"
#include "test/lab/port.h"

static void take_root(void)
{
    early_mount("root", "/lower", "9p", MS_RDONLY,
                "trans=virtio,version=9p2000.L,cache=loose,msize=1048576");
    early_mount("tmpfs", "/over", "tmpfs", 0, "mode=0755");
    mkdir("/over/upper", 0755);
    mkdir("/over/work", 0755);
    early_mount("overlay", "/new", "overlay", 0,
                "lowerdir=/lower,upperdir=/over/upper,workdir=/over/work");
    early_enter("/new");
    early_mount("tmpfs", "/run", "tmpfs", 0, "mode=0755");
    early_mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777");
    early_mount("devpts", "/dev/pts", "devpts", 0, NULL);
}

int main(void)
{
    early_mount_kernel();
    early_load_modules();
    take_root();
    port_serve();
}
