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
    if (!str_starts(path, "/dev/vfio/")) {
        return false; /* nearly all are none */
    }
    for (vec_each(nodes, node)) {
        if (str_eq(path, *node)) {
            return true;
        }
    }
    return false;
}

static int refuse_unknown(const struct openers_search *search, const char *called,
                          const char *subject, struct error *err)
{
    const struct opener *most = &search->unfinished;
    int r = error_set(err, REASON_UNAVAILABLE, subject,
                      "whether a process has %s open through VFIO is not known: not all open files "
                      "of %zu process%s could be looked at in %llu ms, of %s (PID %u) among them",
                      called, search->n_unfinished, search->n_unfinished == 1 ? "" : "es",
                      (unsigned long long)(search->budget_us / 1000), most->name, most->pid);
    error_hint(err,
               "see what has so many files open (ls /proc/%u/fd | wc -l) and end it, then try "
               "again",
               most->pid);
    return r;
}

/* `called`: what a message names. */
static int check_nodes(const struct sysfs *sys, const struct strlist *nodes, const char *called,
                       const char *subject, struct error *err)
{
    struct sysfs_path proc = sysfs_path(sys, "/proc");
    CLEANUP_OPENERS struct openers_search search = {.proc = proc.text,
                                                    .fits = is_listed,
                                                    .data = nodes,
                                                    .budget_us = sys->holder_budget_us,
                                                    .max = 1};
    int r = nodes->n == 0 ? 0 : openers_search(&search);
    if (r < 0) {
        return error_set_errno(err, -r, subject, "cannot list the processes of the host");
    }
    if (search.found.n > 0) {
        const struct opener *opener = &search.found.items[0];
        r = error_set(err, REASON_IN_USE, subject, "process %u (%s) has %s open through VFIO",
                      opener->pid, opener->name, called);
        error_hint(err, "stop it first: the kernel would pull the device out of a running VM, and "
                        "wait for it");
        return r;
    }
    return search.n_unfinished > 0 ? refuse_unknown(&search, called, subject, err) : 0;
}

/* ---- what is asked about ---- */

static void add_function(const struct sysfs *sys, const struct pci_addr *addr,
                         struct strlist *nodes)
{
    char bdf[BDF_SIZE];
    char device[64];
    str_print(device, sizeof(device), "/sys/bus/pci/devices/%s", pci_addr_format(addr, bdf));
    list_nodes(sys, device, nodes);
}

int holder_check(const struct sysfs *sys, const struct pci_addr *addr, const char *subject,
                 struct error *err)
{
    char bdf[BDF_SIZE];
    CLEANUP_STRLIST struct strlist nodes = {0};
    add_function(sys, addr, &nodes);
    return check_nodes(sys, &nodes, pci_addr_format(addr, bdf), subject, err);
}

int holder_check_all(const struct sysfs *sys, const struct pci_addr *gpu,
                     const struct sysfs_vfs *vfs, const char *subject, struct error *err)
{
    char bdf[BDF_SIZE];
    char called[BDF_SIZE + 40];
    CLEANUP_STRLIST struct strlist nodes = {0};
    add_function(sys, gpu, &nodes);
    for (vec_each(vfs, vf)) {
        add_function(sys, vf, &nodes);
    }
    str_print(called, sizeof(called), "%s%s", pci_addr_format(gpu, bdf),
              vfs->n > 0 ? " or a virtual function of it" : "");
    return check_nodes(sys, &nodes, called, subject, err);
}

int holder_check_mdev(const struct sysfs *sys, const char *uuid, const char *subject,
                      struct error *err)
{
    char device[96];
    CLEANUP_STRLIST struct strlist nodes = {0};
    str_print(device, sizeof(device), "/sys/bus/mdev/devices/%s", uuid);
    list_nodes(sys, device, &nodes);
    return check_nodes(sys, &nodes, uuid, subject, err);
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
