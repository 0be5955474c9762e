/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's attribute files, read with limits and written with errors that say which file, which
 * value and why. All paths lie below one root, so that a captured host reads like a live one.
 *
 * Readers return 0 or -errno: a missing attribute is ordinary and the caller decides. Writers and
 * everything that speaks to people fill `err` and return 0 or -reason.
 */
#ifndef DRIVER_SYSFS_SYSFS_H
#define DRIVER_SYSFS_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "model/host.h"

#define SYSFS_PATH_SIZE 512
/* No attribute that is read here is longer than a page, but NVIDIA's list of vGPU types may be. */
#define SYSFS_ATTR_MAX (64 * 1024)
#define SYSFS_LINE_MAX 256

struct sysfs {
    char root[256];            /* "" for the real machine */
    unsigned lock_tries;       /* how often to ask for NVIDIA's unbind lock before giving up */
    struct pci_vendors others; /* than NVIDIA, whose GPUs are passed through */
    uint64_t holder_budget_us; /* for one search for who has a device open */
};
/* Between those tries: 0.25, 0.5, 1, 2, 4 s. */
#define SYSFS_HOLDER_BUDGET_US UINT64_C(5000000)
#define SYSFS_LOCK_TRIES 6
#define SYSFS_LOCK_WAIT_MS 250
void sysfs_sleep_ms(unsigned ms);

struct sysfs_path {
    char text[SYSFS_PATH_SIZE];
};

/* A path below the root. Too long a path comes out empty, which no call can open. */
struct sysfs_path sysfs_path(const struct sysfs *sys, const char *fmt, ...) PRINTF_ATTR(2, 3);
/* /sys/bus/pci/devices/<BDF>/<file>; NULL: the directory itself. */
struct sysfs_path sysfs_pci(const struct sysfs *sys, const struct pci_addr *addr, const char *file);

/* The attribute without white space at its ends, as clean text of one line. -EFBIG when longer than
 * `size`, -EILSEQ when it is no clean text. */
int sysfs_read_line(const struct sysfs_path *path, char *ret_line, size_t size);
int sysfs_read_u32(const struct sysfs_path *path, uint32_t *ret_value);
int sysfs_read_i32(const struct sysfs_path *path, int32_t *ret_value);
int sysfs_read_hex(const struct sysfs_path *path, uint32_t *ret_value); /* "0x10de" */

/* Kernel driver of a function, "" when unbound. */
void sysfs_read_driver(const struct sysfs *sys, const struct pci_addr *addr, char *ret_driver,
                       size_t size);
/* IOMMU group of a function, NO_ID when it has none. */
uint32_t sysfs_read_group(const struct sysfs *sys, const struct pci_addr *addr);
/* Sum of a function's 64-bit BARs, its VFs' not included; 0 when unknown or without any. */
uint64_t sysfs_read_mmio(const struct sysfs *sys, const struct pci_addr *addr);
/* Was the file read, or is it surely not there? What else a reader returned says nothing of what is
 * there. */
bool sysfs_is_answer(int r);
/* The function an mdev was made on: second-last component of the link in /sys/bus/mdev/devices. 0
 * or -errno; -EINVAL when that is no PCI function. */
int sysfs_read_mdev_parent(const struct sysfs *sys, const char *uuid, struct pci_addr *ret_addr);
/* Addresses of the enabled VFs of a PF, sorted; at most SYSFS_VFS_MAX. 0, also without SR-IOV, or
 * -errno of what could not be read: then some may be missing. */
#define SYSFS_VFS_MAX 4096
struct sysfs_vfs {
    struct pci_addr *items;
    size_t n;
    size_t cap;
};
void sysfs_vfs_done(struct sysfs_vfs *vfs);
#define CLEANUP_VFS CLEANUP(sysfs_vfs_done)
int sysfs_read_vfs(const struct sysfs *sys, const struct pci_addr *pf, struct sysfs_vfs *ret_vfs);
/* Is it one of NVIDIA's? Others have a driver of their own and nothing but pass-through. */
/* PCI base class 06; a class that can't be read is none. */
bool sysfs_is_bridge(const struct sysfs *sys, const struct pci_addr *addr);
bool sysfs_is_nvidia(const struct sysfs *sys, const struct pci_addr *addr);
bool sysfs_pci_exists(const struct sysfs *sys, const struct pci_addr *addr);

/* One write of `value` to an existing attribute. A driver that hangs is given up on. */
#define SYSFS_WRITE_TIMEOUT_MS 60000
int sysfs_write(const struct sysfs_path *path, const char *value, const char *subject,
                struct error *err);

/* "gpu/0000:41:00.0" for errors; returns out. */
#define SYSFS_SUBJECT_SIZE 32
const char *sysfs_subject(const char *kind, const struct pci_addr *addr,
                          char out[SYSFS_SUBJECT_SIZE]);

#endif
