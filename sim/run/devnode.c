/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/devnode.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

#define CAPS "/dev/nvidia-caps"

static void put_file(const char *path, mode_t mode)
{
    CLEANUP_CLOSE int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, mode);
    if (fd >= 0) {
        (void)fchmod(fd, mode);
    }
}

static void put_node(const struct devnodes *nodes, const char *path, mode_t mode, unsigned major,
                     unsigned minor)
{
    if (nodes->plain || mknod(path, S_IFCHR | mode, makedev(major, minor)) < 0) {
        put_file(path, mode);
    } else {
        (void)chmod(path, mode);
    }
}

static void sync_gpus(const struct sim_host *host, struct devnodes *nodes)
{
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
        if ((wanted & bit) != 0 && (nodes->minors & bit) == 0) {
            put_node(nodes, path, 0666, SIM_NVIDIA_MAJOR, minor);
        } else if ((wanted & bit) == 0 && (nodes->minors & bit) != 0) {
            unlink(path);
        }
    }
    nodes->minors = wanted;
}

/* ---- capabilities ---- */

static void want_caps(const struct sim_gpu *gpu, bool wanted[CAP_MAX])
{
    for (uint32_t i = 0; i < gpu->n_gis; i++) {
        const struct sim_gi *gi = &gpu->gis[i];
        wanted[sim_cap_minor(gpu, gi, NULL) % CAP_MAX] = true;
        for (uint32_t c = 0; c < gi->n_cis; c++) {
            wanted[sim_cap_minor(gpu, gi, &gi->cis[c]) % CAP_MAX] = true;
        }
    }
}

static void sync_caps(const struct sim_host *host, struct devnodes *nodes)
{
    bool wanted[CAP_MAX] = {0};
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        want_caps(&host->gpus[i], wanted);
    }
    for (uint32_t minor = CAP_FIRST; minor < CAP_MAX; minor++) {
        if (wanted[minor] == nodes->caps[minor]) {
            continue;
        }
        char path[48];
        snprintf(path, sizeof(path), CAPS "/nvidia-cap%u", minor);
        if (wanted[minor]) {
            put_node(nodes, path, 0400, SIM_CAPS_MAJOR, minor);
        } else {
            unlink(path);
        }
        nodes->caps[minor] = wanted[minor];
    }
}

static void sync_nodes(struct sim_host *host, void *data)
{
    sync_gpus(host, data);
    sync_caps(host, data);
}

/* Does the machine's kernel have a driver for the number? */
static bool is_in_use(const struct sim_host *host, unsigned major)
{
    CLEANUP_FREE char *line = xasprintf("\n%3u ", major);
    return host->own_devices != NULL && strstr(host->own_devices, line) != NULL;
}

void devnodes_start(struct devnodes *nodes, struct sim_host *host)
{
    *nodes = (struct devnodes){0};
    nodes->plain = is_in_use(host, SIM_NVIDIA_MAJOR) || is_in_use(host, SIM_CAPS_MAJOR);
    put_node(nodes, "/dev/nvidiactl", 0666, SIM_NVIDIA_MAJOR, SIM_NVIDIACTL_MINOR);
    mkdir(CAPS, 0755);
    put_node(nodes, CAPS "/nvidia-cap1", 0400, SIM_CAPS_MAJOR, 1); /* MIG config and monitor */
    put_node(nodes, CAPS "/nvidia-cap2", 0444, SIM_CAPS_MAJOR, 2);
    host->on_change = sync_nodes;
    host->on_change_data = nodes;
    sync_nodes(host, nodes);
}
