/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/reset.h"

#include <errno.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/str.h"
#include "driver/sysfs/bind.h"
#include "driver/sysfs/holder.h"
#include "driver/sysfs/sriov.h"
#include "driver/sysfs/vgpu.h"
#include "driver/sysfs/vgpu_read.h"

#define HEADER_SIZE 64 /* of the configuration space; the vendor comes first */
#define HEADER_TYPE 0x0e
/* A function appears soon after the write to `rescan` has returned; its driver binds in seconds. */
#define APPEAR_TRIES 50
#define APPEAR_WAIT_MS 200

#define NEEDS_REBOOT "reboot the host, or power it off and on, to get the GPU back"

void reset_read_methods(const struct sysfs *sys, const struct pci_addr *gpu, char *ret_methods,
                        size_t size)
{
    str_copy(ret_methods, size, "");
    if (!fs_exists(sysfs_pci(sys, gpu, "reset").text)) {
        return;
    }
    struct sysfs_path file = sysfs_pci(sys, gpu, "reset_method");
    if (sysfs_read_line(&file, ret_methods, size) != 0) {
        str_copy(ret_methods, size, "unknown");
    }
}

bool reset_is_dead(const struct sysfs *sys, const struct pci_addr *gpu)
{
    CLEANUP_FREE char *config = NULL;
    size_t len = 0;
    if (fs_read(sysfs_pci(sys, gpu, "config").text, SYSFS_ATTR_MAX, &config, &len) < 0 ||
        len < HEADER_SIZE) {
        return false; /* not known to be */
    }
    uint8_t type = (uint8_t)config[HEADER_TYPE];
    return (uint8_t)config[0] == 0xff && (uint8_t)config[1] == 0xff && (type & 0x7f) == 0x7f;
}

/* ---- guards ---- */

static int check_holders(const struct sysfs *sys, const struct step *step, const char *subject,
                         struct error *err)
{
    CLEANUP_VFS struct sysfs_vfs vfs = {0};
    int read = sysfs_read_vfs(sys, &step->gpu, &vfs);
    int r = holder_check_all(sys, &step->gpu, &vfs, subject, err);
    return r != 0 || read >= 0
               ? r
               : error_set_errno(err, -read, subject, "cannot read the GPU's virtual functions");
}

int reset_check_gpu(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    char methods[64];
    sysfs_subject("gpu", &step->gpu, subject);
    pci_addr_format(&step->gpu, bdf);
    if (!sysfs_pci_exists(sys, &step->gpu)) {
        return error_set(err, REASON_NOT_FOUND, subject, "there is no PCI function %s", bdf);
    }
    reset_read_methods(sys, &step->gpu, methods, sizeof(methods));
    if (methods[0] == '\0') {
        int r = error_set(err, REASON_UNSUPPORTED, subject, "the kernel has no method to reset %s",
                          bdf);
        error_hint(err, NEEDS_REBOOT);
        return r;
    }
    return check_holders(sys, step, subject, err);
}

int reset_check_rescan(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    return sysfs_pci_exists(sys, &step->gpu)
               ? check_holders(sys, step, sysfs_subject("gpu", &step->gpu, subject), err)
               : 0;
}

/* ---- what stands on it ---- */

static int delete_vgpu(const struct sysfs *sys, const struct step *step, const struct vgpu *vgpu,
                       struct error *err)
{
    struct step delete = step_make(STEP_VGPU_DELETE, &step->gpu);
    delete.device = vgpu->vf;
    delete.type_id = vgpu->type_id;
    STR_SET(delete.mdev_uuid, vgpu->mdev_uuid);
    return vgpu_delete(sys, &delete, err);
}

/* Of the GPU or of one of its virtual functions? */
static bool is_part(const struct step *step, const struct sysfs_vfs *vfs,
                    const struct pci_addr *function)
{
    bool part = pci_addr_cmp(&step->gpu, function) == 0;
    for (vec_each(vfs, vf)) {
        part = part || pci_addr_cmp(vf, function) == 0;
    }
    return part;
}

/* All that can be; the first that can't is the error. */
static int delete_vgpus(const struct sysfs *sys, const struct step *step, struct error *err)
{
    int result = 0;
    CLEANUP_VFS struct sysfs_vfs vfs = {0};
    (void)sysfs_read_vfs(sys, &step->gpu, &vfs);
    for (vec_each(&vfs, vf)) {
        struct vgpu vgpu = {0};
        if (vgpu_read_vendor(sys, vf, &vgpu) == 0 && vgpu.type_id != 0) {
            int r = delete_vgpu(sys, step, &vgpu, result == 0 ? err : NULL);
            result = result != 0 ? result : r;
        }
    }
    CLEANUP_STRLIST struct strlist uuids = {0};
    fs_list(sysfs_path(sys, "/sys/bus/mdev/devices").text, &uuids);
    for (vec_each(&uuids, uuid)) {
        struct vgpu vgpu = {0};
        if (vgpu_read_mdev(sys, *uuid, &vgpu) == 0 && is_part(step, &vfs, &vgpu.vf)) {
            int r = delete_vgpu(sys, step, &vgpu, result == 0 ? err : NULL);
            result = result != 0 ? result : r;
        }
    }
    return result;
}

/* A vGPU that can't be deleted goes with its virtual function, or on a board without any with the
 * driver: `ret_left` says why it stayed until then, and so why those may refuse. */
static int clear(const struct sysfs *sys, struct step *step, struct error *ret_left,
                 struct error *err)
{
    uint32_t vfs = 0;
    struct sysfs_path count = sysfs_pci(sys, &step->gpu, "sriov_numvfs");
    int left = delete_vgpus(sys, step, ret_left);
    if (sysfs_read_u32(&count, &vfs) != 0 || vfs == 0) {
        return 0;
    }
    int r = sriov_force_disable(sys, step, err);
    if (r != 0 && left != 0 && err != NULL) {
        *err = *ret_left;
    }
    return r != 0 && left != 0 ? left : r;
}

/* ---- reset ---- */

static int check_alive(const struct sysfs *sys, const struct step *step, const char *subject,
                       const char *after, struct error *err)
{
    if (!reset_is_dead(sys, &step->gpu)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    int r = error_set(err, REASON_DRIVER, subject,
                      "the configuration space of %s reads as ones (header type 127) after %s",
                      pci_addr_format(&step->gpu, bdf), after);
    error_hint(err, NEEDS_REBOOT);
    return r;
}

static int write_reset(const struct sysfs *sys, const struct step *step, const char *subject,
                       struct error *err)
{
    struct sysfs_path file = sysfs_pci(sys, &step->gpu, "reset");
    int r = sysfs_write(&file, "1", subject, err);
    if (r != 0) {
        error_hint(err, NEEDS_REBOOT);
        return r;
    }
    return check_alive(sys, step, subject, "its reset", err);
}

int reset_gpu(const struct sysfs *sys, struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    struct error left = {0};
    int r = reset_check_gpu(sys, step, err);
    r = r != 0 ? r : clear(sys, step, &left, err);
    if (r != 0) {
        return r;
    }
    r = bind_release(sys, step, err);
    if (r != 0) {
        if (left.reason != REASON_NONE && err != NULL) {
            *err = left;
        }
        return r;
    }
    r = write_reset(sys, step, subject, err);
    /* Also a GPU whose reset failed gets its driver back: it is no worse than before. */
    int probed = bind_probe(sys, step, r == 0 ? err : NULL);
    return r != 0 ? r : probed;
}

/* ---- rescan ---- */

static int wait_until_there(const struct sysfs *sys, const struct step *step, const char *subject,
                            struct error *err)
{
    for (unsigned i = 0; i < APPEAR_TRIES; i++) {
        if (sysfs_pci_exists(sys, &step->gpu)) {
            return 0;
        }
        sysfs_sleep_ms(APPEAR_WAIT_MS);
    }
    char bdf[BDF_SIZE];
    int r = error_set(err, REASON_DRIVER, subject,
                      "GPU %s did not come back when the kernel scanned the bus",
                      pci_addr_format(&step->gpu, bdf));
    error_hint(err, NEEDS_REBOOT);
    return r;
}

int reset_rescan(const struct sysfs *sys, struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    int r = reset_check_rescan(sys, step, err);
    if (r != 0) {
        return r;
    }
    if (sysfs_pci_exists(sys, &step->gpu)) {
        if (!reset_is_dead(sys, &step->gpu)) {
            struct error left = {0}; /* what is dead can't be asked, and takes all along */
            r = clear(sys, step, &left, err);
        }
        struct sysfs_path file = sysfs_pci(sys, &step->gpu, "remove");
        r = r != 0 ? r : sysfs_write(&file, "1", subject, err);
    }
    struct sysfs_path scan = sysfs_path(sys, "/sys/bus/pci/rescan");
    r = r != 0 ? r : sysfs_write(&scan, "1", subject, err);
    r = r != 0 ? r : wait_until_there(sys, step, subject, err);
    r = r != 0 ? r : check_alive(sys, step, subject, "the rescan", err);
    return r != 0 ? r : bind_probe(sys, step, err);
}
