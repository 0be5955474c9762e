/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/openers.h"
#include "base/parse.h"
#include "base/str.h"

#define MAX_HOLDERS 6 /* that are named */
#define NAMING_PART 5 /* of the budget, where a search finds no more than a name */
#define BUSY_TRIES 5  /* to open a node: who ends, or asks as we do, lets go of it at once */
#define BUSY_WAIT_MS 40

/* ---- the kernel's word ---- */

enum kernel_word { WORD_NONE, WORD_FREE, WORD_SILENT, WORD_BUSY };

/* Nodes that are asked about, and what the kernel says of them all. */
struct nodes {
    struct strlist all;    /* "/dev/vfio/40", "/dev/vfio/noiommu-40", "/dev/vfio/devices/vfio3" */
    enum kernel_word word; /* of the one that is busy, else of one that can't be asked */
    bool has_own;          /* a function's own node, which more than one process may open */
};

static void nodes_done(struct nodes *nodes)
{
    strlist_done(&nodes->all);
}
#define CLEANUP_NODES CLEANUP(nodes_done)

/* A group's node is opened by one process at a time, and not while a function of the group is in
 * use through its own node: EBUSY (vfio_group_fops_open() in Linux drivers/vfio/group.c, before 6.2
 * in vfio.c). Nothing is done to a group by opening and closing it. */
static enum kernel_word ask_node(const struct sysfs *sys, const char *node)
{
    enum kernel_word word = WORD_BUSY;
    for (unsigned try = 0; try < BUSY_TRIES && word == WORD_BUSY; try++) {
        if (try > 0) {
            sysfs_sleep_ms(BUSY_WAIT_MS);
        }
        CLEANUP_CLOSE int fd = open(sysfs_path(sys, "%s", node).text, O_RDWR | O_CLOEXEC);
        word = fd >= 0                              ? WORD_FREE
               : errno == EBUSY                     ? WORD_BUSY
               : errno == ENOENT || errno == ENODEV ? WORD_NONE
                                                    : WORD_SILENT;
    }
    return word;
}

/* A group without a function on VFIO has no node. Linux 6.6 and newer may be built without groups
 * (CONFIG_VFIO_GROUP): then there are only the functions' own nodes. */
static enum kernel_word ask_group(const struct sysfs *sys, uint32_t group, bool has_own)
{
    char node[40];
    if (!fs_exists(sysfs_path(sys, "/dev/vfio").text)) {
        return WORD_SILENT;
    }
    str_print(node, sizeof(node), "/dev/vfio/%u", group);
    enum kernel_word word = ask_node(sys, node);
    if (word == WORD_NONE) {
        str_print(node, sizeof(node), "/dev/vfio/noiommu-%u", group);
        word = ask_node(sys, node);
    }
    return word == WORD_NONE && has_own ? WORD_SILENT : word;
}

/* A group, its form without an IOMMU (VFIO's "noiommu" mode), and the nodes of the function. */
static void add_nodes(const struct sysfs *sys, const char *device, struct nodes *nodes)
{
    char link[SYSFS_LINE_MAX];
    uint32_t group = NO_ID;
    CLEANUP_STRLIST struct strlist own = {0};
    fs_list(sysfs_path(sys, "%s/vfio-dev", device).text, &own);
    for (vec_each(&own, name)) {
        *vec_push(&nodes->all) = xasprintf("/dev/vfio/devices/%s", *name);
    }
    enum kernel_word word = own.n > 0 ? WORD_SILENT : WORD_NONE;
    if (fs_link_name(sysfs_path(sys, "%s/iommu_group", device).text, link, sizeof(link)) >= 0 &&
        parse_u32(link, &group)) {
        *vec_push(&nodes->all) = xasprintf("/dev/vfio/%u", group);
        *vec_push(&nodes->all) = xasprintf("/dev/vfio/noiommu-%u", group);
        word = nodes->word == WORD_BUSY ? WORD_BUSY : ask_group(sys, group, own.n > 0);
    }
    nodes->word = word > nodes->word ? word : nodes->word;
    nodes->has_own =
        nodes->has_own || (own.n > 0 && fs_exists(sysfs_path(sys, "/dev/vfio/devices").text));
}

/* ---- who it is ---- */

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
                      "it is unknown whether a process has %s open through VFIO: the kernel can't "
                      "say, and cleaved could not check all open files of %zu process%s in %llu "
                      "ms, among them %s (PID %u)",
                      called, search->n_unfinished, search->n_unfinished == 1 ? "" : "es",
                      (unsigned long long)(search->budget_us / 1000), most->name, most->pid);
    error_hint(err,
               "check why that process has so many files open (ls /proc/%u/fd | wc -l) and end it, "
               "then try again",
               most->pid);
    return r;
}

/* `opener` NULL: it could not be found. */
static int refuse(const struct opener *opener, const char *called, const char *subject,
                  struct error *err)
{
    int r = opener != NULL
                ? error_set(err, REASON_IN_USE, subject, "process %u (%s) has %s open through VFIO",
                            opener->pid, opener->name, called)
                : error_set(err, REASON_IN_USE, subject,
                            "the kernel says that a process has %s open through VFIO, but cleaved "
                            "did not find it in /proc in time",
                            called);
    error_hint(err, "stop that process first: the kernel would otherwise wait until a running VM "
                    "closes the device");
    return r;
}

/* `called`: what a message names. What the kernel says to be free is, however many files others
 * have open; a search then finds at most who has done no more than open a function's own node. */
static int check_nodes(const struct sysfs *sys, const struct nodes *nodes, const char *called,
                       const char *subject, struct error *err)
{
    if (nodes->word == WORD_NONE || (nodes->word == WORD_FREE && !nodes->has_own)) {
        return 0;
    }
    struct sysfs_path proc = sysfs_path(sys, "/proc");
    uint32_t part = nodes->word == WORD_SILENT ? 1 : NAMING_PART;
    CLEANUP_OPENERS struct openers_search search = {.proc = proc.text,
                                                    .fits = is_listed,
                                                    .data = &nodes->all,
                                                    .budget_us = sys->holder_budget_us / part,
                                                    .max = 1};
    int r = openers_search(&search);
    if (search.found.n > 0) {
        return refuse(&search.found.items[0], called, subject, err);
    }
    if (nodes->word != WORD_SILENT) {
        return nodes->word == WORD_BUSY ? refuse(NULL, called, subject, err) : 0;
    }
    if (r < 0) {
        return error_set_errno(err, -r, subject, "cannot list the processes of the host");
    }
    return search.n_unfinished > 0 ? refuse_unknown(&search, called, subject, err) : 0;
}

/* ---- what is asked about ---- */

static void add_function(const struct sysfs *sys, const struct pci_addr *addr, struct nodes *nodes)
{
    char bdf[BDF_SIZE];
    char device[64];
    str_print(device, sizeof(device), "/sys/bus/pci/devices/%s", pci_addr_format(addr, bdf));
    add_nodes(sys, device, nodes);
}

int holder_check(const struct sysfs *sys, const struct pci_addr *addr, const char *subject,
                 struct error *err)
{
    char bdf[BDF_SIZE];
    CLEANUP_NODES struct nodes nodes = {0};
    add_function(sys, addr, &nodes);
    return check_nodes(sys, &nodes, pci_addr_format(addr, bdf), subject, err);
}

int holder_check_all(const struct sysfs *sys, const struct pci_addr *gpu,
                     const struct sysfs_vfs *vfs, const char *subject, struct error *err)
{
    char bdf[BDF_SIZE];
    char called[BDF_SIZE + 40];
    CLEANUP_NODES struct nodes nodes = {0};
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
    CLEANUP_NODES struct nodes nodes = {0};
    str_print(device, sizeof(device), "/sys/bus/mdev/devices/%s", uuid);
    add_nodes(sys, device, &nodes);
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
