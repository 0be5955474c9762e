/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/devnode.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"

static void put_node(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd >= 0) {
        (void)fchmod(fd, 0666);
    }
}

static void sync_nodes(struct sim_host *host, void *data)
{
    uint32_t *minors = data;
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (str_eq(host->gpus[i].driver, "nvidia")) {
            wanted |= 1u << host->gpus[i].minor;
        }
    }
    for (uint32_t minor = 0; minor < SIM_MAX_GPUS; minor++) {
        uint32_t bit = 1u << minor;
        char path[32];
        snprintf(path, sizeof(path), "/dev/nvidia%u", minor);
        if ((wanted & bit) != 0 && (*minors & bit) == 0) {
            put_node(path);
        } else if ((wanted & bit) == 0 && (*minors & bit) != 0) {
            unlink(path);
        }
    }
    *minors = wanted;
}

void devnodes_start(uint32_t *minors, struct sim_host *host)
{
    *minors = 0;
    put_node("/dev/nvidiactl");
    mkdir("/dev/nvidia-caps", 0755);
    put_node("/dev/nvidia-caps/nvidia-cap1"); /* MIG config and monitor capabilities */
    put_node("/dev/nvidia-caps/nvidia-cap2");
    host->on_change = sync_nodes;
    host->on_change_data = minors;
    sync_nodes(host, minors);
}
