/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI core's part: which driver a function is bound to, and whether it has virtual ones. */
#include "sim/state/internal.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

/* What a PF, a VF and another function of a shared group have in common. */
struct function {
    char *driver;   /* char[16] */
    char *override; /* char[SIM_OVERRIDE_SIZE] */
    bool *removed;
    const char *home;
    uint32_t vendor, device;
    uint32_t group;
    int32_t opener;      /* that has it as a whole, with vfio-pci; 0: none */
    struct sim_gpu *gpu; /* NULL: an extra */
    struct sim_vf *vf;   /* NULL: a PF or an extra */
};

#define NVIDIA_VENDOR 0x10de
#define DRIVER_SIZE 16

static struct function of_vf(struct sim_gpu *gpu, struct sim_vf *vf)
{
    return (struct function){.driver = vf->driver,
                             .override = vf->driver_override,
                             .removed = &vf->removed,
                             .home = "nvidia",
                             .vendor = NVIDIA_VENDOR,
                             .device = gpu->pci_device,
                             .group = vf->iommu_group,
                             .gpu = gpu,
                             .vf = vf};
}

static struct function of_gpu(struct sim_gpu *gpu)
{
    return (struct function){.driver = gpu->driver,
                             .override = gpu->driver_override,
                             .removed = &gpu->removed,
                             .home = "nvidia",
                             .vendor = NVIDIA_VENDOR,
                             .device = gpu->pci_device,
                             .group = gpu->iommu_group,
                             .opener = gpu->opener,
                             .gpu = gpu};
}

static struct function of_extra(struct sim_extra *extra)
{
    return (struct function){.driver = extra->driver,
                             .override = extra->driver_override,
                             .removed = &extra->removed,
                             .home = extra->home_driver,
                             .vendor = extra->pci_vendor,
                             .device = extra->pci_device,
                             .group = extra->iommu_group,
                             .opener = extra->opener};
}

/* Function n of the host; false past the end. */
static bool nth_function(struct sim_host *host, uint32_t n, struct function *ret_fn)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        struct sim_gpu *gpu = &host->gpus[i];
        if (n <= gpu->n_vfs) {
            *ret_fn = n == 0 ? of_gpu(gpu) : of_vf(gpu, &gpu->vfs[n - 1]);
            return true;
        }
        n -= gpu->n_vfs + 1;
    }
    if (n >= host->n_extras) {
        return false;
    }
    *ret_fn = of_extra(&host->extras[n]);
    return true;
}

static bool find_function(struct sim_host *host, const struct pci_addr *addr,
                          struct function *ret_fn)
{
    struct sim_gpu *gpu = NULL;
    struct sim_vf *vf = sim_find_vf(host, addr, &gpu);
    struct sim_extra *extra = sim_find_extra(host, addr);
    if (vf != NULL) {
        *ret_fn = of_vf(gpu, vf);
    } else if ((gpu = sim_find_gpu(host, addr)) != NULL) {
        *ret_fn = of_gpu(gpu);
    } else if (extra != NULL) {
        *ret_fn = of_extra(extra);
    } else {
        return false;
    }
    return !*ret_fn->removed;
}

static struct sim_id *find_id(struct sim_host *host, const char *driver, uint32_t vendor,
                              uint32_t device)
{
    for (uint32_t i = 0; i < host->n_ids; i++) {
        struct sim_id *id = &host->ids[i];
        if (str_eq(id->driver, driver) && id->vendor == vendor && id->device == device) {
            return id;
        }
    }
    return NULL;
}

/* pci_match_device(): an override admits that driver only; without one the id tables decide.
 * vfio-pci's is empty but for what new_id adds. */
static bool driver_matches(struct sim_host *host, const struct function *fn, const char *driver)
{
    if (host->unloaded && str_eq(driver, "nvidia")) {
        return false;
    }
    if (fn->override[0] != '\0') {
        return str_eq(fn->override, driver);
    }
    return str_eq(fn->home, driver) || find_id(host, driver, fn->vendor, fn->device) != NULL;
}

/* In the order in which they were loaded, and are asked. */
static const char *const drivers[] = {"nvidia", "snd_hda_intel", "pcieport", "xhci_hcd",
                                      "vfio-pci"};

static bool known_driver(const char *driver)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
        if (str_eq(drivers[i], driver)) {
            return true;
        }
    }
    return false;
}

/* Unbound, but a VM still has it. */
static bool is_leaving(const struct function *fn)
{
    return fn->opener != 0 && fn->driver[0] == '\0';
}

/* A group that a VM has is closed to drivers that use DMA for the host
 * (iommu_device_use_default_domain()); others, of VFIO and of bridges, may come. */
static bool group_is_taken(const struct sim_host *host, const struct function *fn,
                           const char *driver)
{
    bool taken = false;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        taken = taken || (host->gpus[i].opener != 0 && host->gpus[i].iommu_group == fn->group);
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        taken = taken || (host->extras[i].opener != 0 && host->extras[i].iommu_group == fn->group);
    }
    return taken && !str_eq(driver, "vfio-pci") && !str_eq(driver, "pcieport");
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
    if (!find_function(host, addr, &fn) || !driver_matches(host, &fn, driver)) {
        return -ENODEV;
    }
    if (fn.driver[0] != '\0' || is_leaving(&fn) || group_is_taken(host, &fn, driver)) {
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

/* Of a wedged GPU vGPUs can't be removed one by one: those that no one has open go along. */
static bool vgpus_hold(struct sim_gpu *gpu)
{
    return gpu->wedged ? sim_any_opened(gpu) : sim_count_vgpus(gpu) > 0;
}

void sim_set_unbind_lock(struct sim_host *host, struct sim_gpu *gpu, bool on)
{
    bool held =
        gpu->holder[0] != '\0' || gpu->opener != 0 || vgpus_hold(gpu) || sim_nvml_open(host, 0);
    gpu->unbind_lock = on && !held;
    gpu->n_locks_refused += on && held;
}

/* NVIDIA's driver would wait for the user to go away, or have the device torn from under it; a host
 * on which that happened is not worth simulating, so it is refused. vfio-pci lets itself be
 * unbound: see sim_unbind(). */
static bool function_busy(const struct sim_host *host, const struct function *fn)
{
    if (fn->vf != NULL) {
        return fn->vf->vgpu.exists;
    }
    if (fn->gpu == NULL) {
        return false;
    }
    if (fn->gpu->lost && fn->vf == NULL) {
        /* Nothing answers that could be waited for: only who has it open keeps it. */
        return sim_any_opened(fn->gpu) || sim_nvml_open(host, 0);
    }
    bool by_nvml =
        sim_bound_to(fn->driver, "nvidia") && !fn->gpu->unbind_lock && sim_nvml_open(host, 0);
    return fn->gpu->opener != 0 || fn->gpu->n_vfs > 0 || vgpus_hold(fn->gpu) ||
           fn->gpu->holder[0] != '\0' || by_nvml;
}

static void detach(const struct function *fn)
{
    fn->driver[0] = '\0';
    if (fn->gpu != NULL && fn->vf == NULL) {
        sim_gpu_forget_volatile(fn->gpu);
        fn->gpu->unbind_lock = false; /* it goes with the driver */
    }
    if (fn->gpu != NULL && fn->vf == NULL && (fn->gpu->lost || fn->gpu->wedged)) {
        sim_gpu_remove_vfs(fn->gpu);
        for (size_t i = 0; i < SIM_MAX_MDEVS; i++) {
            sim_vgpu_clear(&fn->gpu->pf_vgpus[i]);
        }
    }
}

int sim_unbind(struct sim_host *host, const struct pci_addr *addr, const char *driver)
{
    struct function fn;
    if (!find_function(host, addr, &fn) || fn.driver[0] == '\0' || !str_eq(fn.driver, driver)) {
        return -ENODEV;
    }
    if (!str_eq(driver, "vfio-pci") && function_busy(host, &fn)) {
        return -EBUSY;
    }
    detach(&fn);
    sim_changed(host);
    return 0;
}

int sim_set_driver_override(struct sim_host *host, const struct pci_addr *addr, const char *driver)
{
    struct function fn;
    if (!find_function(host, addr, &fn)) {
        return -ENODEV;
    }
    /* The kernel takes nearly a page of any bytes, but the state file is text. */
    const char *name = driver == NULL ? "" : driver;
    if (!str_is_clean(name) || strlen(name) >= SIM_OVERRIDE_SIZE) {
        return -EINVAL;
    }
    str_copy(fn.override, SIM_OVERRIDE_SIZE, name);
    sim_changed(host);
    return 0;
}

/* A bound function is left alone, and no match is no error; -EINVAL: its group is a VM's. */
static int probe(struct sim_host *host, const struct function *fn)
{
    bool dead = (fn->gpu != NULL && fn->gpu->lost) || is_leaving(fn);
    for (size_t i = 0; i < ARRAY_SIZE(drivers) && fn->driver[0] == '\0' && !dead; i++) {
        if (!driver_matches(host, fn, drivers[i])) {
            continue;
        }
        if (group_is_taken(host, fn, drivers[i])) {
            return -EINVAL;
        }
        attach(fn, drivers[i]);
    }
    return 0;
}

int sim_drivers_probe(struct sim_host *host, const struct pci_addr *addr)
{
    struct function fn;
    if (!find_function(host, addr, &fn)) {
        return -ENODEV;
    }
    int r = probe(host, &fn);
    sim_changed(host);
    return r;
}

void sim_set_autoprobe(struct sim_host *host, struct sim_gpu *gpu, bool on)
{
    *(gpu != NULL ? &gpu->sriov_no_autoprobe : &host->no_autoprobe) = !on;
    sim_changed(host);
}

/* Is it in the table that the driver was built with? */
static bool is_built_in(struct sim_host *host, const char *driver, uint32_t vendor, uint32_t device)
{
    struct function fn;
    for (uint32_t n = 0; nth_function(host, n, &fn); n++) {
        if (str_eq(fn.home, driver) && fn.vendor == vendor && fn.device == device) {
            return true;
        }
    }
    return false;
}

/* new_id_store(): an id that the driver has already is refused. */
int sim_new_id(struct sim_host *host, const char *driver, uint32_t vendor, uint32_t device)
{
    if (find_id(host, driver, vendor, device) != NULL ||
        is_built_in(host, driver, vendor, device)) {
        return -EEXIST;
    }
    if (host->n_ids == SIM_MAX_IDS) {
        return -ENOSPC;
    }
    struct sim_id *id = &host->ids[host->n_ids++];
    *id = (struct sim_id){.vendor = vendor, .device = device};
    STR_SET(id->driver, driver);
    struct function fn;
    for (uint32_t n = 0; nth_function(host, n, &fn); n++) {
        bool lives = !*fn.removed && (fn.gpu == NULL || !fn.gpu->lost) && !is_leaving(&fn) &&
                     !group_is_taken(host, &fn, driver);
        if (lives && fn.driver[0] == '\0' && driver_matches(host, &fn, driver)) {
            attach(&fn, driver);
        }
    }
    sim_changed(host);
    return 0;
}

int sim_remove_id(struct sim_host *host, const char *driver, uint32_t vendor, uint32_t device)
{
    struct sim_id *id = find_id(host, driver, vendor, device);
    if (id == NULL) {
        return -ENODEV;
    }
    *id = host->ids[--host->n_ids];
    sim_changed(host);
    return 0;
}

/* The kernel would remove it under its users, too. */
int sim_remove(struct sim_host *host, const struct pci_addr *addr)
{
    struct function fn;
    if (!find_function(host, addr, &fn)) {
        return -ENODEV;
    }
    if (function_busy(host, &fn)) {
        return -EBUSY;
    }
    detach(&fn);
    fn.override[0] = '\0';
    *fn.removed = true;
    sim_changed(host);
    return 0;
}

/* A GPU that was lost comes back as after a power cycle. */
static void return_lost(struct sim_gpu *gpu)
{
    if (gpu->lost && gpu->returns) {
        sim_gpu_power_on(gpu);
        gpu->driver[0] = '\0';
        gpu->removed = true;
    }
}

/* A bus scan finds what answers: no lost GPU, and no VF, which has no ids of its own. What it finds
 * is bound whatever drivers_autoprobe says (pci_bus_add_device() does not ask; seen on 6.12). */
void sim_rescan(struct sim_host *host)
{
    struct function fn;
    for (uint32_t n = 0; nth_function(host, n, &fn); n++) {
        if (*fn.removed && fn.gpu != NULL && fn.vf == NULL) {
            return_lost(fn.gpu);
        }
        if (!*fn.removed || fn.vf != NULL || (fn.gpu != NULL && fn.gpu->lost)) {
            continue;
        }
        *fn.removed = false;
        (void)probe(host, &fn);
    }
    sim_changed(host);
}

/* ---- SR-IOV ---- */

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
    if ((enable ? sim_count_vgpus(gpu) > 0 : vgpus_hold(gpu)) || gpu->holder[0] != '\0' ||
        sim_nvml_open(host, 0)) {
        gpu->n_locks_refused++;
        return -EBUSY;
    }
    sim_gpu_forget_volatile(gpu);
    sim_gpu_remove_vfs(gpu);
    gpu->unbind_lock = false;
    if (enable) {
        sim_gpu_add_vfs(gpu);
    }
    sim_changed(host);
    return 0;
}
