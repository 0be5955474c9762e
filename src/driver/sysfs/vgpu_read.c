/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/vgpu_read.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/parse.h"
#include "base/str.h"
#include "driver/sysfs/offer.h"

/* NVML_INVALID_VGPU_PLACEMENT_ID of nvml.h. */
#define NO_PLACEMENT 0xffff

/* gpu_instance_id and placement_id: a number, or an error or words such as "Not Applicable" when
 * there is none (NVIDIA vGPU user guide, "Getting vGPU details"). */
static uint32_t read_id(const struct sysfs_path *path)
{
    uint32_t id = NO_ID;
    return sysfs_read_u32(path, &id) < 0 ? NO_ID : id;
}

static uint32_t read_placement(const struct sysfs_path *path)
{
    uint32_t id = read_id(path);
    return id == NO_PLACEMENT ? NO_ID : id;
}

static void read_params(const struct sysfs_path *path, struct vgpu *vgpu)
{
    char line[SYSFS_LINE_MAX];
    int r = sysfs_read_line(path, line, sizeof(line));
    vgpu->params_known = r == 0 && STR_SET(vgpu->params, line);
}

/* The kernel gives each file of sysfs an inode number of its own when it is made (kernfs:
 * include/linux/kernfs.h, kernfs_ino()): a device that went and came again has another one. */
static uint64_t read_birth(const struct sysfs_path *path)
{
    struct stat st;
    return stat(path->text, &st) == 0 ? (uint64_t)st.st_ino & INT64_MAX : 0;
}

int vgpu_read_vendor(const struct sysfs *sys, const struct pci_addr *vf, struct vgpu *ret_vgpu)
{
    struct vgpu vgpu = {.gi_id = NO_ID, .placement_id = NO_ID, .vf = *vf};
    struct sysfs_path type = sysfs_pci(sys, vf, "nvidia/current_vgpu_type");
    int r = sysfs_read_u32(&type, &vgpu.type_id);
    if (r < 0) {
        return r;
    }
    if (vgpu.type_id != 0) {
        struct sysfs_path gi = sysfs_pci(sys, vf, "nvidia/gpu_instance_id");
        struct sysfs_path placement = sysfs_pci(sys, vf, "nvidia/placement_id");
        vgpu.gi_id = read_id(&gi);
        vgpu.placement_id = read_placement(&placement);
        struct sysfs_path params = sysfs_pci(sys, vf, "nvidia/vgpu_params");
        read_params(&params, &vgpu);
        struct sysfs_path made = sysfs_pci(sys, vf, "uevent");
        vgpu.birth = read_birth(&made); /* of the function: the vGPU has nothing of its own */
    }
    *ret_vgpu = vgpu;
    return 0;
}

int vgpu_read_mdev(const struct sysfs *sys, const char *uuid, struct vgpu *ret_vgpu)
{
    struct vgpu vgpu = {.gi_id = NO_ID, .placement_id = NO_ID};
    if (!STR_SET(vgpu.mdev_uuid, uuid)) {
        return -ENOENT;
    }
    int r = sysfs_read_mdev_parent(sys, uuid, &vgpu.vf);
    if (r < 0) {
        return r == -EINVAL ? -ENODEV : r; /* no function's, so another driver's */
    }
    struct sysfs_path type = sysfs_path(sys, "/sys/bus/mdev/devices/%s/mdev_type", uuid);
    char dir[NAME_SIZE];
    r = fs_link_name(type.text, dir, sizeof(dir));
    if (r < 0) {
        return r;
    }
    if (!str_starts(dir, "nvidia-") || !parse_u32(dir + strlen("nvidia-"), &vgpu.type_id)) {
        return -ENODEV; /* another tool's mdev */
    }
    struct sysfs_path name_file = sysfs_path(sys, "/sys/bus/mdev/devices/%s/mdev_type/name", uuid);
    char name[SYSFS_LINE_MAX];
    if (sysfs_read_line(&name_file, name, sizeof(name)) == 0) {
        STR_SET(vgpu.type, offer_short_name(name));
    }
    struct sysfs_path gi = sysfs_path(sys, "/sys/bus/mdev/devices/%s/nvidia/gpu_instance_id", uuid);
    struct sysfs_path placement =
        sysfs_path(sys, "/sys/bus/mdev/devices/%s/nvidia/placement_id", uuid);
    vgpu.gi_id = read_id(&gi);
    vgpu.placement_id = read_placement(&placement);
    struct sysfs_path params = sysfs_path(sys, "/sys/bus/mdev/devices/%s/nvidia/vgpu_params", uuid);
    read_params(&params, &vgpu);
    struct sysfs_path made = sysfs_path(sys, "/sys/bus/mdev/devices/%s/uevent", uuid);
    vgpu.birth = read_birth(&made);
    *ret_vgpu = vgpu;
    return 0;
}
