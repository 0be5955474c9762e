/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/bind.h"

#include <errno.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/str.h"
#include "driver/sysfs/holder.h"

static int check_exists(const struct sysfs *sys, const struct step *step, const char *subject,
                        struct error *err)
{
    if (sysfs_pci_exists(sys, &step->gpu)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    return error_set(err, REASON_NOT_FOUND, subject, "there is no PCI function %s",
                     pci_addr_format(&step->gpu, bdf));
}

static int check_driver_loaded(const struct sysfs *sys, const char *driver, const char *subject,
                               struct error *err)
{
    if (fs_exists(sysfs_path(sys, "/sys/bus/pci/drivers/%s", driver).text)) {
        return 0;
    }
    int r =
        error_set(err, REASON_UNAVAILABLE, subject, "the kernel driver %s is not loaded", driver);
    error_hint(err, "modprobe %s", driver);
    return r;
}

/* One other member of the group: may it stay while the GPU goes to a VM? Other GPUs of the group
 * are bound by further steps of the plan, which has judged them: the kernel asks for the whole
 * group only when a VM opens it. */
static int check_member(const struct sysfs *sys, const struct pci_addr *addr, uint32_t group,
                        const char *subject, struct error *err)
{
    struct group_member member = {.addr = *addr, .bridge = sysfs_is_bridge(sys, addr)};
    sysfs_read_driver(sys, addr, member.driver, sizeof(member.driver));
    if (str_eq(member.driver, "nvidia") || !group_member_bars(&member)) {
        return 0;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(addr, bdf);
    int r = error_set(err, REASON_CONFLICT, subject,
                      "IOMMU group %u also has %s, which the host uses with driver %s", group, bdf,
                      member.driver);
    error_hint(err,
               "only one VM can use an IOMMU group: bind %s to vfio-pci too, or put the GPU into a "
               "slot with a group of its own (ACS)",
               bdf);
    return r;
}

static int check_group(const struct sysfs *sys, const struct step *step, const char *subject,
                       struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&step->gpu, bdf);
    uint32_t group = sysfs_read_group(sys, &step->gpu);
    if (group == NO_ID) {
        int r = error_set(err, REASON_UNSUPPORTED, subject, "%s is in no IOMMU group", bdf);
        error_hint(err, "turn the IOMMU on in the firmware (VT-d or AMD-Vi), and on Intel hosts "
                        "with intel_iommu=on on the kernel command line");
        return r;
    }
    CLEANUP_STRLIST struct strlist names = {0};
    int r = fs_list(sysfs_pci(sys, &step->gpu, "iommu_group/devices").text, &names);
    if (r < 0) {
        return error_set_errno(err, -r, subject, "cannot list IOMMU group %u", group);
    }
    for (vec_each(&names, name)) {
        struct pci_addr member = {0};
        if (!pci_addr_parse(*name, &member) || pci_addr_cmp(&member, &step->gpu) == 0) {
            continue;
        }
        r = check_member(sys, &member, group, subject, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

int bind_check_vfio(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    int r = check_exists(sys, step, subject, err);
    if (r == 0) {
        r = check_driver_loaded(sys, "vfio-pci", subject, err);
    }
    if (r == 0) {
        r = check_group(sys, step, subject, err);
    }
    if (r != 0) {
        return r;
    }
    uint32_t vfs = 0;
    struct sysfs_path numvfs = sysfs_pci(sys, &step->gpu, "sriov_numvfs");
    if (sysfs_read_u32(&numvfs, &vfs) == 0 && vfs != 0) {
        char bdf[BDF_SIZE];
        r = error_set(err, REASON_CONFLICT, subject, "%s still has %u virtual functions",
                      pci_addr_format(&step->gpu, bdf), vfs);
        error_hint(err, "disable them first: sriov-manage -d %s", bdf);
    }
    return r;
}

int bind_check_nvidia(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    int r = check_exists(sys, step, subject, err);
    if (r == 0 && sysfs_is_nvidia(sys, &step->gpu)) {
        r = check_driver_loaded(sys, "nvidia", subject, err);
    }
    return r != 0 ? r : holder_check(sys, &step->gpu, subject, err);
}

/* NVIDIA's driver waits without end when it is unbound while a program has the GPU open. Its unbind
 * lock prevents that: write 1, and what reads back says whether it was granted. Drivers without the
 * file are unbound without it (as NVIDIA's own vfio-manage in k8s-driver-manager does). */
static int take_unbind_lock(const struct sysfs *sys, const struct step *step, const char *subject,
                            struct error *err)
{
    char bdf[BDF_SIZE];
    pci_addr_format(&step->gpu, bdf);
    struct sysfs_path lock = sysfs_path(sys, "/proc/driver/nvidia/gpus/%s/unbindLock", bdf);
    if (!fs_exists(lock.text)) {
        return 0;
    }
    for (unsigned i = 0; i < sys->lock_tries; i++) {
        int r = sysfs_write(&lock, "1", subject, err);
        if (r != 0) {
            return r;
        }
        uint32_t granted = 0;
        if (sysfs_read_u32(&lock, &granted) == 0 && granted == 1) {
            return 0;
        }
        if (i + 1 < sys->lock_tries) {
            sysfs_sleep_ms(SYSFS_LOCK_WAIT_MS << i);
        }
    }
    char who[256];
    int r = error_set(err, REASON_IN_USE, subject,
                      "NVIDIA's driver does not grant the unbind lock of %s: %s the GPU open", bdf,
                      holder_name(sys, &step->gpu, who, sizeof(who)));
    error_hint(err, "stop what uses it: nvidia-persistenced, DCGM and its exporter, CUDA programs "
                    "(fuser -v /dev/nvidia*)");
    return r;
}

static int unbind(const struct sysfs *sys, const struct step *step, const char *driver,
                  const char *subject, struct error *err)
{
    int r = str_eq(driver, "nvidia")     ? take_unbind_lock(sys, step, subject, err)
            : str_eq(driver, "vfio-pci") ? holder_check(sys, &step->gpu, subject, err)
                                         : 0;
    if (r != 0) {
        return r;
    }
    char bdf[BDF_SIZE];
    pci_addr_format(&step->gpu, bdf);
    struct sysfs_path file = sysfs_path(sys, "/sys/bus/pci/drivers/%s/unbind", driver);
    return sysfs_write(&file, bdf, subject, err);
}

/* Is the override this one already? "\n": none; the kernel shows that as "(null)". */
static bool overridden_by(const struct sysfs_path *file, const char *override)
{
    char now[64];
    if (sysfs_read_line(file, now, sizeof(now)) != 0) {
        return false;
    }
    return str_eq(override, "\n") ? now[0] == '\0' || str_eq(now, "(null)") : str_eq(now, override);
}

/* Is `driver` what was wanted? "": any but vfio-pci. */
static bool is_wanted(const char *driver, const char *wanted)
{
    return wanted[0] != '\0' ? str_eq(driver, wanted) : !str_eq(driver, "vfio-pci");
}

/* driver: "" whichever the kernel finds, or none. override: what driver_override gets; "\n" clears
 * it. */
static int rebind(const struct sysfs *sys, const struct step *step, const char *driver,
                  const char *override, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    pci_addr_format(&step->gpu, bdf);
    struct sysfs_path override_file = sysfs_pci(sys, &step->gpu, "driver_override");
    /* An undo of what was never allowed must not fail for the same reason. */
    int r = overridden_by(&override_file, override)
                ? 0
                : sysfs_write(&override_file, override, subject, err);
    if (r != 0) {
        return r;
    }
    char now[32];
    sysfs_read_driver(sys, &step->gpu, now, sizeof(now));
    if (now[0] != '\0' && is_wanted(now, driver)) {
        return 0;
    }
    if (now[0] != '\0') {
        r = unbind(sys, step, now, subject, err);
        if (r != 0) {
            return r;
        }
    }
    struct sysfs_path probe = sysfs_path(sys, "/sys/bus/pci/drivers_probe");
    r = sysfs_write(&probe, bdf, subject, err);
    if (r != 0) {
        return r;
    }
    sysfs_read_driver(sys, &step->gpu, now, sizeof(now));
    if (is_wanted(now, driver)) {
        return 0;
    }
    r = error_set(err, REASON_DRIVER, subject, "%s did not bind to %s; its driver is \"%s\"", bdf,
                  driver[0] == '\0' ? "a driver of the host" : driver,
                  now[0] == '\0' ? "none" : now);
    error_hint(err, "the kernel log says why (dmesg)");
    return r;
}

int bind_vfio(const struct sysfs *sys, struct step *step, struct error *err)
{
    int r = bind_check_vfio(sys, step, err);
    return r != 0 ? r : rebind(sys, step, "vfio-pci", "vfio-pci", err);
}

int bind_nvidia(const struct sysfs *sys, struct step *step, struct error *err)
{
    int r = bind_check_nvidia(sys, step, err);
    const char *driver = sysfs_is_nvidia(sys, &step->gpu) ? "nvidia" : "";
    return r != 0 ? r : rebind(sys, step, driver, "\n", err);
}

/* The step with the companion in place of the GPU. */
static struct step of_companion(const struct step *step)
{
    struct step own = *step;
    own.gpu = step->device;
    return own;
}

int bind_check_companion_vfio(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    struct step own = of_companion(step);
    sysfs_subject("gpu", &step->gpu, subject);
    int r = check_exists(sys, &own, subject, err);
    return r != 0 ? r : check_driver_loaded(sys, "vfio-pci", subject, err);
}

int bind_companion_vfio(const struct sysfs *sys, struct step *step, struct error *err)
{
    struct step own = of_companion(step);
    int r = bind_check_companion_vfio(sys, step, err);
    return r != 0 ? r : rebind(sys, &own, "vfio-pci", "vfio-pci", err);
}

int bind_check_companion_home(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    struct step own = of_companion(step);
    sysfs_subject("gpu", &step->gpu, subject);
    int r = check_exists(sys, &own, subject, err);
    return r != 0 ? r : holder_check(sys, &step->device, subject, err);
}

/* The kernel finds the driver that the function had, as it did at boot, unless its module is gone
 * meanwhile: then the function is the host's without a driver. */
int bind_companion_home(const struct sysfs *sys, struct step *step, struct error *err)
{
    struct step own = of_companion(step);
    int r = bind_check_companion_home(sys, step, err);
    r = r != 0 ? r : rebind(sys, &own, "", "\n", err);
    char now[32];
    char bdf[BDF_SIZE];
    sysfs_read_driver(sys, &own.gpu, now, sizeof(now));
    struct sysfs_path file = sysfs_path(sys, "/sys/bus/pci/drivers/%s/bind", step->driver);
    if (r != 0 || now[0] != '\0' || step->driver[0] == '\0' || !fs_exists(file.text)) {
        return r;
    }
    char subject[SYSFS_SUBJECT_SIZE];
    sysfs_subject("gpu", &step->gpu, subject);
    return sysfs_write(&file, pci_addr_format(&own.gpu, bdf), subject, err);
}

int bind_release(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char driver[32];
    sysfs_read_driver(sys, &step->gpu, driver, sizeof(driver));
    if (driver[0] == '\0' || str_eq(driver, "vfio-pci")) {
        return 0;
    }
    return unbind(sys, step, driver, sysfs_subject("gpu", &step->gpu, subject), err);
}

int bind_probe(const struct sysfs *sys, const struct step *step, struct error *err)
{
    char subject[SYSFS_SUBJECT_SIZE];
    char bdf[BDF_SIZE];
    char driver[32];
    sysfs_subject("gpu", &step->gpu, subject);
    pci_addr_format(&step->gpu, bdf);
    struct sysfs_path probe = sysfs_path(sys, "/sys/bus/pci/drivers_probe");
    int r = sysfs_write(&probe, bdf, subject, err);
    if (r != 0) {
        return r;
    }
    sysfs_read_driver(sys, &step->gpu, driver, sizeof(driver));
    if (driver[0] == '\0') {
        r = error_set(err, REASON_DRIVER, subject, "no driver binds to %s", bdf);
        error_hint(err, "the kernel log says why (dmesg)");
    }
    return r;
}
