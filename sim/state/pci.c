/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI core's part: which driver a function is bound to, and SR-IOV. */
#include "sim/state/internal.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* What a PF, a VF and another function of a shared group have in common. */
struct function {
    char *driver;   /* char[16] */
    char *override; /* char[32] */
    const char *home;
    struct sim_gpu *gpu; /* NULL: an extra */
    struct sim_vf *vf;   /* NULL: a PF or an extra */
};

#define DRIVER_SIZE 16
#define OVERRIDE_SIZE 32

static bool find_function(struct sim_host *host, const struct pci_addr *addr,
                          struct function *ret_fn)
{
    *ret_fn = (struct function){.home = "nvidia"};
    ret_fn->vf = sim_find_vf(host, addr, &ret_fn->gpu);
    if (ret_fn->vf != NULL) {
        ret_fn->driver = ret_fn->vf->driver;
        ret_fn->override = ret_fn->vf->driver_override;
        return true;
    }
    ret_fn->gpu = sim_find_gpu(host, addr);
    if (ret_fn->gpu != NULL) {
        ret_fn->driver = ret_fn->gpu->driver;
        ret_fn->override = ret_fn->gpu->driver_override;
        return true;
    }
    struct sim_extra *extra = sim_find_extra(host, addr);
    if (extra != NULL) {
        ret_fn->driver = extra->driver;
        ret_fn->override = extra->driver_override;
        ret_fn->home = extra->home_driver;
        return true;
    }
    return false;
}

/* pci_match_device(): an override admits that driver only; without one the id table decides, and
 * vfio-pci's is empty. */
static bool driver_matches(const struct function *fn, const char *driver)
{
    return str_eq(fn->override[0] != '\0' ? fn->override : fn->home, driver);
}

static bool known_driver(const char *driver)
{
    static const char *const drivers[] = {"nvidia", "vfio-pci", "snd_hda_intel", "pcieport",
                                          "xhci_hcd"};
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        if (str_eq(drivers[i], driver)) {
            return true;
        }
    }
    return false;
}

static void attach(const struct function *fn, const char *driver)
{
    str_copy(fn->driver, DRIVER_SIZE, driver);
    if (fn->gpu != NULL && fn->vf == NULL && str_eq(driver, "vfio-pci") &&
        !fn->gpu->model->mig_needs_reset) {
        /* vfio-pci resets the function; MIG mode of Hopper and later does not survive that. */
        fn->gpu->mig_current = false;
        fn->gpu->mig_pending = false;
    }
}

int sim_bind(struct sim_host *host, const struct pci_addr *addr, const char *driver)
{
    struct function fn;
    if (!known_driver(driver)) {
        return -ENOENT;
    }
    if (!find_function(host, addr, &fn) || !driver_matches(&fn, driver)) {
        return -ENODEV;
    }
    if (fn.driver[0] != '\0') {
        return -EBUSY;
    }
    if (fn.gpu != NULL && fn.gpu->lost) {
        return -EIO;
    }
    attach(&fn, driver);
    sim_changed(host);
    return 0;
}

bool sim_nvml_open(const struct sim_host *host, uint32_t own)
{
    return host->nvml_holds_gpus && host->nvml_clients != NULL &&
           host->nvml_clients(host->nvml_clients_data) > own;
}

void sim_set_unbind_lock(struct sim_host *host, struct sim_gpu *gpu, bool on)
{
    bool held = gpu->holder[0] != '\0' || gpu->opener != 0 || sim_count_vgpus(gpu) > 0 ||
                sim_nvml_open(host, 0);
    gpu->unbind_lock = on && !held;
}

/* The kernel itself would wait for the user to go away, or tear the device from under it; a host
 * on which that happened is not worth simulating, so it is refused. */
static bool function_busy(const struct sim_host *host, const struct function *fn)
{
    if (fn->vf != NULL) {
        return fn->vf->vgpu.exists;
    }
    if (fn->gpu == NULL) {
        return false;
    }
    bool by_nvml =
        sim_bound_to(fn->driver, "nvidia") && !fn->gpu->unbind_lock && sim_nvml_open(host, 0);
    return fn->gpu->opener != 0 || fn->gpu->n_vfs > 0 || sim_count_vgpus(fn->gpu) > 0 ||
           fn->gpu->holder[0] != '\0' || by_nvml;
}

int sim_unbind(struct sim_host *host, const struct pci_addr *addr, const char *driver)
{
    struct function fn;
    if (!find_function(host, addr, &fn) || fn.driver[0] == '\0' || !str_eq(fn.driver, driver)) {
        return -ENODEV;
    }
    if (function_busy(host, &fn)) {
        return -EBUSY;
    }
    fn.driver[0] = '\0';
    if (fn.gpu != NULL && fn.vf == NULL) {
        sim_gpu_forget_volatile(fn.gpu);
        fn.gpu->unbind_lock = false; /* it goes with the driver */
    }
    sim_changed(host);
    return 0;
}

int sim_set_driver_override(struct sim_host *host, const struct pci_addr *addr, const char *driver)
{
    struct function fn;
    if (!find_function(host, addr, &fn)) {
        return -ENODEV;
    }
    char text[OVERRIDE_SIZE] = "";
    if (driver != NULL && !STR_SET(text, driver)) {
        return -EINVAL;
    }
    str_copy(fn.override, OVERRIDE_SIZE, str_trim(text));
    sim_changed(host);
    return 0;
}

/* bus_rescan_devices_helper(): a bound device is left alone, and no match is no error. */
int sim_drivers_probe(struct sim_host *host, const struct pci_addr *addr)
{
    struct function fn;
    if (!find_function(host, addr, &fn)) {
        return -ENODEV;
    }
    const char *driver = fn.override[0] != '\0' ? fn.override : fn.home;
    bool dead = fn.gpu != NULL && fn.gpu->lost;
    if (fn.driver[0] == '\0' && known_driver(driver) && !dead) {
        attach(&fn, driver);
        sim_changed(host);
    }
    return 0;
}

/* ---- SR-IOV ---- */

/* Routing ids: bus, device, function in 16 bits; the first VF comes sriov_offset after the PF. */
static struct pci_addr vf_addr(const struct sim_gpu *gpu, uint32_t index)
{
    uint32_t rid =
        (uint32_t)gpu->addr.bus << 8 | (uint32_t)gpu->addr.device << 3 | gpu->addr.function;
    rid += gpu->sriov_offset + index;
    return (struct pci_addr){.domain = gpu->addr.domain,
                             .bus = (uint8_t)(rid >> 8),
                             .device = (uint8_t)(rid >> 3 & 31),
                             .function = (uint8_t)(rid & 7)};
}

void sim_gpu_remove_vfs(struct sim_gpu *gpu)
{
    memset(gpu->vfs, 0, sizeof(gpu->vfs));
    gpu->n_vfs = 0;
}

static void add_vfs(struct sim_gpu *gpu)
{
    for (uint32_t i = 0; i < gpu->vfs_total; i++) {
        struct sim_vf *vf = &gpu->vfs[i];
        *vf = (struct sim_vf){.addr = vf_addr(gpu, i),
                              .driver = "nvidia",
                              .iommu_group = gpu->vf_group_base + i,
                              .wanted_placement = SIM_NONE};
        sim_vgpu_clear(&vf->vgpu);
    }
    gpu->n_vfs = gpu->vfs_total;
}

int sim_sriov(struct sim_host *host, struct sim_gpu *gpu, bool enable)
{
    if (gpu->lost) {
        return -EIO;
    }
    if (!sim_bound_to(gpu->driver, "nvidia") || !host->vgpu_host || gpu->vfs_total == 0) {
        return -ENODEV;
    }
    if (enable == (gpu->n_vfs > 0)) {
        return 0;
    }
    /* sriov-manage takes the driver's unbindLock, which an NVML client or a VM keeps from it. */
    if (sim_count_vgpus(gpu) > 0 || gpu->holder[0] != '\0' || sim_nvml_open(host, 0)) {
        return -EBUSY;
    }
    sim_gpu_forget_volatile(gpu);
    sim_gpu_remove_vfs(gpu);
    gpu->unbind_lock = false;
    if (enable) {
        add_vfs(gpu);
    }
    sim_changed(host);
    return 0;
}
