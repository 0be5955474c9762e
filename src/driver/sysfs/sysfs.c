/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/sysfs.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/fs_timeout.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

/* Base class and subclass, bits 23:8 of `class`, of what has a bridge's header (include/linux/
 * pci_ids.h). A host or ISA bridge is an endpoint among the others: its driver bars the group. */
#define PCI_CLASS_BRIDGE_PCI 0x0604
#define PCI_CLASS_BRIDGE_CARDBUS 0x0607
#define PCI_CLASS_BRIDGE_SEMI 0x0609

struct sysfs_path sysfs_path(const struct sysfs *sys, const char *fmt, ...)
{
    struct sysfs_path path = {0};
    size_t used = strlen(sys->root);
    memcpy(path.text, sys->root, used);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(path.text + used, sizeof(path.text) - used, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof(path.text) - used) {
        path.text[0] = '\0';
    }
    return path;
}

struct sysfs_path sysfs_pci(const struct sysfs *sys, const struct pci_addr *addr, const char *file)
{
    char bdf[BDF_SIZE];
    pci_addr_format(addr, bdf);
    return file == NULL ? sysfs_path(sys, "/sys/bus/pci/devices/%s", bdf)
                        : sysfs_path(sys, "/sys/bus/pci/devices/%s/%s", bdf, file);
}

void sysfs_sleep_ms(unsigned ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

int sysfs_read_line(const struct sysfs_path *path, char *ret_line, size_t size)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    int r = fs_read(path->text, size, &text, &len);
    if (r < 0) {
        return r;
    }
    if (strlen(text) != len) {
        return -EILSEQ;
    }
    const char *line = str_trim(text);
    if (!str_is_clean(line)) {
        return -EILSEQ;
    }
    return str_copy(ret_line, size, line) ? 0 : -EFBIG;
}

int sysfs_read_u32(const struct sysfs_path *path, uint32_t *ret_value)
{
    char line[SYSFS_LINE_MAX];
    int r = sysfs_read_line(path, line, sizeof(line));
    if (r < 0) {
        return r;
    }
    return parse_u32(line, ret_value) ? 0 : -EINVAL;
}

int sysfs_read_i32(const struct sysfs_path *path, int32_t *ret_value)
{
    char line[SYSFS_LINE_MAX];
    int r = sysfs_read_line(path, line, sizeof(line));
    if (r < 0) {
        return r;
    }
    bool negative = line[0] == '-';
    uint32_t value = 0;
    if (!parse_u32(negative ? line + 1 : line, &value) || value > INT32_MAX) {
        return -EINVAL;
    }
    *ret_value = negative ? -(int32_t)value : (int32_t)value;
    return 0;
}

int sysfs_read_hex(const struct sysfs_path *path, uint32_t *ret_value)
{
    char line[SYSFS_LINE_MAX];
    int r = sysfs_read_line(path, line, sizeof(line));
    if (r < 0) {
        return r;
    }
    return parse_hex32(line, ret_value) ? 0 : -EINVAL;
}

void sysfs_read_driver(const struct sysfs *sys, const struct pci_addr *addr, char *ret_driver,
                       size_t size)
{
    struct sysfs_path link = sysfs_pci(sys, addr, "driver");
    if (fs_link_name(link.text, ret_driver, size) < 0 || !str_is_clean(ret_driver)) {
        ret_driver[0] = '\0';
    }
}

uint32_t sysfs_read_group(const struct sysfs *sys, const struct pci_addr *addr)
{
    struct sysfs_path link = sysfs_pci(sys, addr, "iommu_group");
    char name[SYSFS_LINE_MAX];
    uint32_t group = NO_ID;
    if (fs_link_name(link.text, name, sizeof(name)) < 0 || !parse_u32(name, &group)) {
        return NO_ID;
    }
    return group;
}

bool sysfs_is_answer(int r)
{
    return r >= 0 || r == -ENOENT || r == -ENOTDIR || r == -ENXIO;
}

int sysfs_read_mdev_parent(const struct sysfs *sys, const char *uuid, struct pci_addr *ret_addr)
{
    struct sysfs_path link = sysfs_path(sys, "/sys/bus/mdev/devices/%s", uuid);
    char target[PATH_MAX];
    ssize_t len = readlink(link.text, target, sizeof(target) - 1);
    if (len <= 0) {
        return len < 0 ? -errno : -EINVAL;
    }
    target[len] = '\0';
    char *last = strrchr(target, '/');
    if (last == NULL) {
        return -EINVAL;
    }
    *last = '\0';
    const char *parent = strrchr(target, '/');
    return parent != NULL && pci_addr_parse(parent + 1, ret_addr) ? 0 : -EINVAL;
}

void sysfs_vfs_done(struct sysfs_vfs *vfs)
{
    vec_done(vfs);
}

static int addr_cmp(const void *a, const void *b)
{
    return pci_addr_cmp(a, b);
}

int sysfs_read_vfs(const struct sysfs *sys, const struct pci_addr *pf, struct sysfs_vfs *ret_vfs)
{
    uint32_t n = 0;
    struct sysfs_path count = sysfs_pci(sys, pf, "sriov_numvfs");
    int result = sysfs_read_u32(&count, &n);
    if (result < 0) {
        return sysfs_is_answer(result) ? 0 : result;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(pf, bdf);
    for (uint32_t i = 0; i < n && i < SYSFS_VFS_MAX; i++) {
        struct sysfs_path link = sysfs_path(sys, "/sys/bus/pci/devices/%s/virtfn%u", bdf, i);
        char name[BDF_SIZE];
        struct pci_addr vf = {0};
        int r = fs_link_name(link.text, name, sizeof(name));
        if (r == 0 && pci_addr_parse(name, &vf)) {
            *vec_push(ret_vfs) = vf;
        }
        result = sysfs_is_answer(r) || result < 0 ? result : r;
    }
    if (ret_vfs->n > 1) {
        qsort(ret_vfs->items, ret_vfs->n, sizeof(ret_vfs->items[0]), addr_cmp);
    }
    return result;
}

bool sysfs_is_bridge(const struct sysfs *sys, const struct pci_addr *addr)
{
    uint32_t class = 0;
    struct sysfs_path file = sysfs_pci(sys, addr, "class");
    return sysfs_read_hex(&file, &class) == 0 &&
           (class >> 8 == PCI_CLASS_BRIDGE_PCI || class >> 8 == PCI_CLASS_BRIDGE_CARDBUS ||
            class >> 8 == PCI_CLASS_BRIDGE_SEMI);
}

bool sysfs_is_nvidia(const struct sysfs *sys, const struct pci_addr *addr)
{
    uint32_t vendor = 0;
    struct sysfs_path file = sysfs_pci(sys, addr, "vendor");
    return sysfs_read_hex(&file, &vendor) == 0 && vendor == PCI_VENDOR_NVIDIA;
}

bool sysfs_pci_exists(const struct sysfs *sys, const struct pci_addr *addr)
{
    return fs_exists(sysfs_pci(sys, addr, "vendor").text);
}

int sysfs_write(const struct sysfs_path *path, const char *value, const char *subject,
                struct error *err)
{
    int r = fs_write_timeout(path->text, value, SYSFS_WRITE_TIMEOUT_MS);
    if (r == 0) {
        return 0;
    }
    CLEANUP_FREE char *shown = xstrdup(value);
    if (r == -ETIMEDOUT) {
        r = error_set(err, REASON_DRIVER, subject,
                      "the kernel has not finished writing \"%s\" to %s for %d seconds",
                      str_trim(shown), path->text, SYSFS_WRITE_TIMEOUT_MS / 1000);
        error_hint(err, "the driver hangs: the kernel log says why (dmesg)");
        return r;
    }
    r = error_set_errno(err, -r, subject, "the kernel refused to write \"%s\" to %s",
                        str_trim(shown), path->text);
    if (r == -REASON_PERMISSION) {
        error_hint(err, "run as root");
    }
    return r;
}

const char *sysfs_subject(const char *kind, const struct pci_addr *addr,
                          char out[SYSFS_SUBJECT_SIZE])
{
    char bdf[BDF_SIZE];
    snprintf(out, SYSFS_SUBJECT_SIZE, "%s/%s", kind, pci_addr_format(addr, bdf));
    return out;
}
