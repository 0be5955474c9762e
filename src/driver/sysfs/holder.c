/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/holder.h"

#include <stdio.h>

#include "base/fs.h"
#include "base/openers.h"
#include "base/parse.h"
#include "base/str.h"

#define MAX_HOLDERS 6 /* that are named */

/* A group, its form without an IOMMU (VFIO's "noiommu" mode), and the nodes of the function. */
static void list_nodes(const struct sysfs *sys, const char *device, struct strlist *nodes)
{
    char link[SYSFS_LINE_MAX];
    uint32_t group = NO_ID;
    if (fs_link_name(sysfs_path(sys, "%s/iommu_group", device).text, link, sizeof(link)) >= 0 &&
        parse_u32(link, &group)) {
        *vec_push(nodes) = xasprintf("/dev/vfio/%u", group);
        *vec_push(nodes) = xasprintf("/dev/vfio/noiommu-%u", group);
    }
    CLEANUP_STRLIST struct strlist own = {0};
    fs_list(sysfs_path(sys, "%s/vfio-dev", device).text, &own);
    for (vec_each(&own, name)) {
        *vec_push(nodes) = xasprintf("/dev/vfio/devices/%s", *name);
    }
}

static bool is_listed(const char *path, const void *data)
{
    const struct strlist *nodes = data;
    for (vec_each(nodes, node)) {
        if (str_eq(path, *node)) {
            return true;
        }
    }
    return false;
}

/* `device` is its folder in /sys, `called` what a message names. */
static int check_nodes(const struct sysfs *sys, const char *device, const char *called,
                       const char *subject, struct error *err)
{
    CLEANUP_STRLIST struct strlist nodes = {0};
    CLEANUP_STRLIST struct strlist entries = {0};
    struct sysfs_path proc = sysfs_path(sys, "/proc");
    list_nodes(sys, device, &nodes);
    int r = nodes.n == 0 ? 0 : fs_list(proc.text, &entries);
    if (r < 0) {
        return error_set_errno(err, -r, subject, "cannot list the processes of the host");
    }
    for (vec_each(&entries, entry)) {
        uint32_t pid = 0;
        if (!parse_u32(*entry, &pid) || !openers_has(proc.text, pid, is_listed, &nodes)) {
            continue;
        }
        char name[32] = "?";
        struct sysfs_path comm = sysfs_path(sys, "/proc/%u/comm", pid);
        sysfs_read_line(&comm, name, sizeof(name));
        r = error_set(err, REASON_IN_USE, subject, "process %u (%s) has %s open through VFIO", pid,
                      name, called);
        error_hint(err, "stop it first: the kernel would pull the device out of a running VM, and "
                        "wait for it");
        return r;
    }
    return 0;
}

int holder_check(const struct sysfs *sys, const struct pci_addr *addr, const char *subject,
                 struct error *err)
{
    char bdf[BDF_SIZE];
    char device[64];
    str_print(device, sizeof(device), "/sys/bus/pci/devices/%s", pci_addr_format(addr, bdf));
    return check_nodes(sys, device, bdf, subject, err);
}

int holder_check_mdev(const struct sysfs *sys, const char *uuid, const char *subject,
                      struct error *err)
{
    char device[96];
    str_print(device, sizeof(device), "/sys/bus/mdev/devices/%s", uuid);
    return check_nodes(sys, device, uuid, subject, err);
}

const char *holder_name(const struct sysfs *sys, const struct pci_addr *gpu, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    CLEANUP_STRBUF struct strbuf names = {0};
    size_t n = openers_of_gpu(sys->root, pci_addr_format(gpu, bdf), MAX_HOLDERS, &names);
    str_print(out, size, "%s %s", n == 0 ? "a program" : strbuf_str(&names),
              n > 1 ? "have" : "has");
    return out;
}
