/* SPDX-License-Identifier: Apache-2.0 */
#include "model/host_device.h"

#include <string.h>

#include "base/parse.h"
#include "base/str.h"

/* libvirt release notes (libvirt.org/news.html): since 9.7.0 a function that is on its vendor's
 * VFIO driver is assigned with managed='no', since 10.0.0 with managed='yes', too. */
static const uint32_t vendor_vfio_unmanaged[] = {9, 7};
static const uint32_t vendor_vfio_managed[] = {10, 0};

static bool is_function_of(const struct gpu *gpu, const struct pci_addr *addr)
{
    struct pci_addr vf;
    for (uint32_t i = 0; i < gpu->vfs_total && gpu_vf_addr(gpu, i, &vf); i++) {
        if (pci_addr_cmp(&vf, addr) == 0) {
            return true;
        }
    }
    return false;
}

static const struct vf *find_vf(const struct gpu *gpu, const struct pci_addr *addr)
{
    for (vec_each(&gpu->vfs, vf)) {
        if (pci_addr_cmp(&vf->addr, addr) == 0) {
            return vf;
        }
    }
    return NULL;
}

static void find_function(const struct host *host, const struct pci_addr *addr,
                          struct host_device *it)
{
    for (vec_each(&host->gpus, gpu)) {
        it->whole = pci_addr_cmp(&gpu->addr, addr) == 0;
        it->vf = it->whole ? NULL : find_vf(gpu, addr);
        if (it->whole || it->vf != NULL || is_function_of(gpu, addr)) {
            it->gpu = gpu;
            it->vgpu = it->whole ? NULL : gpu_find_vgpu_vf(gpu, addr);
            return;
        }
    }
}

static void find_mdev(const struct host *host, const char *uuid, struct host_device *it)
{
    for (vec_each(&host->gpus, gpu)) {
        const struct vgpu *vgpu = gpu_find_vgpu_mdev(gpu, uuid);
        if (vgpu != NULL) {
            it->gpu = gpu;
            it->vgpu = vgpu;
        }
    }
}

/* ---- what becomes of it ---- */

static enum host_device_state judge_mdev(const struct host *host, const char *uuid,
                                         const struct host_device *it)
{
    if (it->gpu != NULL) {
        return HOST_DEVICE_READY;
    }
    for (vec_each(&host->other_mdevs, mdev)) {
        if (str_eq_case(mdev->uuid, uuid)) {
            return HOST_DEVICE_READY;
        }
    }
    return host->mdevs_known ? HOST_DEVICE_NO_MDEV : HOST_DEVICE_UNKNOWN;
}

bool host_libvirt_is_old(const struct host *host, bool managed)
{
    char version[sizeof(host->libvirt_version)];
    uint32_t numbers[2] = {0, 0};
    (void)STR_SET(version, host->libvirt_version);
    char *dot = strchr(version, '.');
    if (dot != NULL) {
        *dot++ = '\0';
        dot[strcspn(dot, ".")] = '\0';
    }
    if (!parse_u32(version, &numbers[0]) || (dot != NULL && !parse_u32(dot, &numbers[1]))) {
        return false;
    }
    const uint32_t *first = managed ? vendor_vfio_managed : vendor_vfio_unmanaged;
    return numbers[0] < first[0] || (numbers[0] == first[0] && numbers[1] < first[1]);
}

/* libvirt, src/hypervisor/virhostdev.c, virHostdevPreparePCIDevicesImpl(): what is not managed and
 * has no driver of VFIO's "must be manually detached from the host". */
static bool is_with_host(const char *driver, const struct vm_device *device)
{
    return !device->managed && strstr(driver, "vfio") == NULL;
}

static enum host_device_state judge_vf(const struct host *host, const struct vm_device *device,
                                       const struct host_device *it)
{
    if (it->vf == NULL) {
        return HOST_DEVICE_VF_OFF;
    }
    if (it->vf->iface != VGPU_IFACE_VENDOR_VFIO) {
        bool bound = it->vf->driver[0] != '\0'; /* "" is unknown, too */
        return bound && is_with_host(it->vf->driver, device) ? HOST_DEVICE_WITH_HOST
                                                             : HOST_DEVICE_READY;
    }
    if (host_libvirt_is_old(host, device->managed)) {
        return HOST_DEVICE_OLD_LIBVIRT;
    }
    return it->vgpu == NULL ? HOST_DEVICE_NO_VGPU : HOST_DEVICE_READY;
}

/* A managed device is unbound by libvirt itself: from a driver that shares the GPU out it can't. */
static enum host_device_state judge_whole(const struct gpu *gpu, const struct vm_device *device)
{
    if (is_with_host(gpu->driver, device)) {
        return HOST_DEVICE_WITH_HOST;
    }
    bool bound = gpu->driver[0] != '\0' && strstr(gpu->driver, "vfio") == NULL;
    return bound && gpu->vfs_enabled > 0 ? HOST_DEVICE_SHARED_OUT : HOST_DEVICE_READY;
}

static enum host_device_state judge_function(const struct host *host,
                                             const struct vm_device *device,
                                             const struct host_device *it)
{
    if (it->gpu != NULL && it->gpu->problem[0] != '\0') {
        return HOST_DEVICE_UNKNOWN;
    }
    if (it->gpu != NULL && it->whole) {
        return judge_whole(it->gpu, device);
    }
    if (it->gpu != NULL) {
        return judge_vf(host, device, it);
    }
    for (vec_each(&host->functions, addr)) {
        if (pci_addr_cmp(addr, &device->addr) == 0) {
            return HOST_DEVICE_READY;
        }
    }
    return host->functions_known ? HOST_DEVICE_NO_FUNCTION : HOST_DEVICE_UNKNOWN;
}

struct host_device host_device_find(const struct host *host, const struct vm_device *device)
{
    struct host_device it = {0};
    if (device->is_mdev) {
        find_mdev(host, device->mdev_uuid, &it);
        it.state = judge_mdev(host, device->mdev_uuid, &it);
    } else {
        find_function(host, &device->addr, &it);
        it.state = judge_function(host, device, &it);
    }
    return it;
}

bool host_device_bars(enum host_device_state state)
{
    return state != HOST_DEVICE_UNKNOWN && state != HOST_DEVICE_READY;
}
