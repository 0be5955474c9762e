/* SPDX-License-Identifier: Apache-2.0 */
/* A made-up /sys in a temporary directory, for tests: files and links, nothing that reacts. */
#ifndef DRIVER_SYSFS_TREE_FIXTURE_H
#define DRIVER_SYSFS_TREE_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "driver/sysfs/sysfs.h"

struct tree_fixture {
    struct sysfs sys;
};

static inline struct tree_fixture *tree_new(void)
{
    struct tree_fixture *tree = xcalloc(1, sizeof(*tree));
    snprintf(tree->sys.root, sizeof(tree->sys.root), "/tmp/cleave-sysfs-XXXXXX");
    assert_non_null(mkdtemp(tree->sys.root));
    tree->sys.lock_tries = 1;
    tree->sys.holder_budget_us = SYSFS_HOLDER_BUDGET_US;
    return tree;
}

static inline void tree_free(struct tree_fixture *tree)
{
    fs_remove_tree(tree->sys.root);
    free(tree);
}
DEFINE_FREEP(struct tree_fixture *, tree_free)

static inline void tree_parents(const char *path)
{
    CLEANUP_FREE char *dir = xstrdup(path);
    *strrchr(dir, '/') = '\0';
    assert_int_equal(fs_mkdirs(dir, 0755), 0);
}

static inline void tree_put_bytes(const struct tree_fixture *tree, const char *path,
                                  const char *bytes, size_t len)
{
    CLEANUP_FREE char *full = xasprintf("%s/%s", tree->sys.root, path);
    tree_parents(full);
    int fd = open(full, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static inline void tree_put(const struct tree_fixture *tree, const char *path, const char *text)
{
    tree_put_bytes(tree, path, text, strlen(text));
}

static inline void tree_link(const struct tree_fixture *tree, const char *path, const char *target)
{
    CLEANUP_FREE char *full = xasprintf("%s/%s", tree->sys.root, path);
    tree_parents(full);
    assert_int_equal(symlink(target, full), 0);
}

/* A function in its own place under bus/pci/devices, with a driver ("" none) and an IOMMU group. */
static inline void tree_function(const struct tree_fixture *tree, const char *bdf,
                                 const char *vendor, const char *class, const char *driver,
                                 unsigned group)
{
    const struct {
        const char *file, *text;
    } files[] = {{"vendor", vendor}, {"class", class}, {"driver_override", "(null)\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        CLEANUP_FREE char *path = xasprintf("sys/bus/pci/devices/%s/%s", bdf, files[i].file);
        tree_put(tree, path, files[i].text);
    }
    if (driver[0] != '\0') {
        CLEANUP_FREE char *path = xasprintf("sys/bus/pci/devices/%s/driver", bdf);
        CLEANUP_FREE char *target = xasprintf("../../../../bus/pci/drivers/%s", driver);
        tree_link(tree, path, target);
    }
    CLEANUP_FREE char *link = xasprintf("sys/bus/pci/devices/%s/iommu_group", bdf);
    CLEANUP_FREE char *target = xasprintf("../../../../kernel/iommu_groups/%u", group);
    tree_link(tree, link, target);
    CLEANUP_FREE char *member = xasprintf("sys/kernel/iommu_groups/%u/devices/%s", group, bdf);
    tree_put(tree, member, "");
}

static inline void tree_put_attr(const struct tree_fixture *tree, const char *bdf, const char *file,
                                 const char *text)
{
    CLEANUP_FREE char *path = xasprintf("sys/bus/pci/devices/%s/%s", bdf, file);
    tree_put(tree, path, text);
}

#endif
