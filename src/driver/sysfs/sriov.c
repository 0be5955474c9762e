/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/sriov.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "driver/sysfs/holder.h"
#include "driver/sysfs/vgpu_read.h"

/* One run rebinds the GPU's driver, which takes seconds per GPU on real hardware. */
#define RUN_TIMEOUT_MS 120000
/* VFs appear after the tool has returned when udev is slow. */
#define SETTLE_TRIES 50
#define SETTLE_WAIT_MS 100

static int read_count(const struct sysfs *sys, const struct step *step, const char *file,
                      uint32_t *ret_count, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    struct sysfs_path path = sysfs_pci(sys, &step->gpu, file);
    int r = sysfs_read_u32(&path, ret_count);
    if (r == 0) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&step->gpu, bdf);
    if (!sysfs_pci_exists(sys, &step->gpu)) {
        return error_set(err, REASON_NOT_FOUND, subject, "there is no PCI function %s", bdf);
    }
    if (r == -ENOENT) {
        r = error_set(err, REASON_UNSUPPORTED, subject, "%s has no SR-IOV", bdf);
        error_hint(err, "SR-IOV must be enabled in the firmware, and the board must support it "
                        "(Ampere and later data-centre GPUs)");
        return r;
    }
    return error_set_errno(err, -r, subject, "cannot read %s", path.text);
}

static int check_tool(const struct sysfs *sys, const struct step *step, struct error *err)
{
    if (!sysfs_is_nvidia(sys, &step->gpu)) {
        return 0;
    }
    struct sysfs_path tool = sysfs_path(sys, "%s", SRIOV_MANAGE);
    if (access(tool.text, X_OK) == 0) {
        return 0;
    }
    char subject[SYSFS_SUBJECT_SIZE];
    int r = error_set(err, REASON_UNSUPPORTED, sysfs_subject("gpu", &step->gpu, subject),
                      "%s is missing", tool.text);
    error_hint(err, "install NVIDIA's vGPU host driver (nvidia-vgpu-…), which includes it");
    return r;
}

int sriov_check_enable(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    pci_addr_format(&step->gpu, bdf);
    uint32_t total = 0;
    int r = read_count(sys, step, "sriov_totalvfs", &total, err);
    if (r != 0) {
        return r;
    }
    if (total == 0) {
        return error_set(err, REASON_UNSUPPORTED, subject, "%s offers no virtual functions", bdf);
    }
    char driver[32];
    sysfs_read_driver(sys, &step->gpu, driver, sizeof(driver));
    if (sysfs_is_nvidia(sys, &step->gpu) && !str_eq(driver, "nvidia")) {
        return error_set(err, REASON_CONFLICT, subject,
                         "%s must be bound to nvidia for virtual functions; its driver is \"%s\"",
                         bdf, driver[0] == '\0' ? "none" : driver);
    }
    return check_tool(sys, step, err);
}

static int refuse_vgpu(const struct step *step, const struct pci_addr *vf, const char *what,
                       struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    int r = error_set(err, REASON_IN_USE, sysfs_subject("gpu", &step->gpu, subject),
                      "virtual function %s carries vGPU %s", pci_addr_format(vf, bdf), what);
    error_hint(err, "delete the vGPU first");
    return r;
}

/* A vGPU that can't be read may be there. */
static int refuse_unread(const struct step *step, const struct pci_addr *function, int r,
                         struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    return error_set_errno(err, -r, sysfs_subject("gpu", &step->gpu, subject),
                           "cannot read which vGPUs %s carries", pci_addr_format(function, bdf));
}

/* A VF with a vGPU is not taken away. */
static int check_unused(const struct sysfs *sys, const struct step *step, struct error *err)
{
    CLEANUP_VFS struct sysfs_vfs vfs = {0};
    int r = sysfs_read_vfs(sys, &step->gpu, &vfs);
    if (r < 0) {
        return refuse_unread(step, &step->gpu, r, err);
    }
    for (vec_each(&vfs, vf)) {
        struct vgpu vgpu = {0};
        r = vgpu_read_vendor(sys, vf, &vgpu);
        if (!sysfs_is_answer(r)) {
            return refuse_unread(step, vf, r, err);
        }
        if (r == 0 && vgpu.type_id != 0) {
            char what[32];
            snprintf(what, sizeof(what), "of type %u", vgpu.type_id);
            return refuse_vgpu(step, vf, what, err);
        }
    }
    CLEANUP_STRLIST struct strlist mdevs = {0};
    r = fs_list(sysfs_path(sys, "/sys/bus/mdev/devices").text, &mdevs);
    if (!sysfs_is_answer(r)) {
        return refuse_unread(step, &step->gpu, r, err);
    }
    for (vec_each(&mdevs, uuid)) {
        struct pci_addr parent = {0};
        r = sysfs_read_mdev_parent(sys, *uuid, &parent);
        if (!sysfs_is_answer(r) && r != -EINVAL) {
            return refuse_unread(step, &step->gpu, r, err);
        }
        for (vec_each(&vfs, vf)) {
            if (r == 0 && pci_addr_cmp(vf, &parent) == 0) {
                return refuse_vgpu(step, vf, *uuid, err);
            }
        }
    }
    return 0;
}

int sriov_check_disable(const struct sysfs *sys, const struct step *step, struct error *err)
{
    uint32_t enabled = 0;
    int r = read_count(sys, step, "sriov_numvfs", &enabled, err);
    if (r != 0 || enabled == 0) {
        return r;
    }
    r = check_unused(sys, step, err);
    return r != 0 ? r : check_tool(sys, step, err);
}

/* Runs sriov-manage until it no longer complains about the unbind lock: "Cannot obtain unbindLock"
 * passes when a monitor closes the GPU (measured in bigstack-oss/cubecos#1223). */
static int run_tool(const struct sysfs *sys, const struct step *step, const char *flag,
                    struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    pci_addr_format(&step->gpu, bdf);
    struct sysfs_path tool = sysfs_path(sys, "%s", SRIOV_MANAGE);
    const char *const argv[] = {tool.text, flag, bdf, NULL};
    for (unsigned i = 0;; i++) {
        int status = 0;
        CLEANUP_FREE char *output = NULL;
        int r = process_run(argv, RUN_TIMEOUT_MS, &status, &output);
        if (r < 0) {
            return error_set_errno(err, -r, subject, "cannot run %s %s %s", tool.text, flag, bdf);
        }
        bool locked = output != NULL && strstr(output, "unbindLock") != NULL;
        if (!locked && status == 0) {
            return 0;
        }
        if (!locked || i + 1 >= sys->lock_tries) {
            char *text = output == NULL ? NULL : str_trim(output);
            char who[256] = "";
            if (locked) {
                holder_name(sys, &step->gpu, who, sizeof(who));
            }
            r = error_set(err, locked ? REASON_IN_USE : REASON_DRIVER, subject,
                          "%s %s %s failed with status %d: %.200s%s%s%s", tool.text, flag, bdf,
                          status, text == NULL || text[0] == '\0' ? "no output" : text,
                          locked ? "; " : "", who, locked ? " the GPU open" : "");
            error_hint(err, "%s",
                       locked ? "stop what uses it: nvidia-persistenced, DCGM and its exporter, "
                                "CUDA programs (fuser -v /dev/nvidia*), then try again"
                              : "the kernel log says why (dmesg)");
            return r;
        }
        sysfs_sleep_ms(SYSFS_LOCK_WAIT_MS << i);
    }
}

/* Waits until sriov_numvfs is as wanted and as many VFs can be seen. */
static int verify(const struct sysfs *sys, const struct step *step, bool enabled, struct error *err)
{
    uint32_t count = 0;
    size_t seen = 0;
    for (unsigned i = 0; i < SETTLE_TRIES; i++) {
        int r = read_count(sys, step, "sriov_numvfs", &count, err);
        if (r != 0) {
            return r;
        }
        CLEANUP_VFS struct sysfs_vfs vfs = {0};
        (void)sysfs_read_vfs(sys, &step->gpu, &vfs); /* too few are waited for */
        seen = vfs.n;
        if ((count > 0) == enabled && seen == count) {
            return 0;
        }
        sysfs_sleep_ms(SETTLE_WAIT_MS);
    }
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    return error_set(err, REASON_DRIVER, sysfs_subject("gpu", &step->gpu, subject),
                     "%s reports %u virtual functions and shows %zu after they were %s",
                     pci_addr_format(&step->gpu, bdf), count, seen,
                     enabled ? "enabled" : "disabled");
}

/* All VFs or none: the kernel knows no way from some to more. */
static int write_count(const struct sysfs *sys, const struct step *step, bool enable,
                       struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char text[16] = "0";
    uint32_t total = 0;
    int r = enable ? read_count(sys, step, "sriov_totalvfs", &total, err) : 0;
    if (r != 0) {
        return r;
    }
    snprintf(text, sizeof(text), "%u", total);
    struct sysfs_path path = sysfs_pci(sys, &step->gpu, "sriov_numvfs");
    return sysfs_write(&path, text, sysfs_subject("gpu", &step->gpu, subject), err);
}

static int change(const struct sysfs *sys, const struct step *step, bool enable, struct error *err)
{
    uint32_t now = 0;
    int r = read_count(sys, step, "sriov_numvfs", &now, err);
    if (r == 0 && (now > 0) != enable) {
        r = sysfs_is_nvidia(sys, &step->gpu) ? run_tool(sys, step, enable ? "-e" : "-d", err)
                                             : write_count(sys, step, enable, err);
    }
    return r != 0 ? r : verify(sys, step, enable, err);
}

int sriov_enable(const struct sysfs *sys, struct step *step, struct error *err)
{
    int r = sriov_check_enable(sys, step, err);
    return r != 0 ? r : change(sys, step, true, err);
}

int sriov_disable(const struct sysfs *sys, struct step *step, struct error *err)
{
    int r = sriov_check_disable(sys, step, err);
    return r != 0 ? r : change(sys, step, false, err);
}

int sriov_force_disable(const struct sysfs *sys, const struct step *step, struct error *err)
{
    int r = check_tool(sys, step, err);
    return r != 0 ? r : change(sys, step, false, err);
}
