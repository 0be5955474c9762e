/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/observe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "driver/sysfs/offer.h"
#include "driver/sysfs/reset.h"
#include "driver/sysfs/sriov.h"
#include "driver/sysfs/vgpu_read.h"

#define MAX_GROUP_MEMBERS 256

/* A file that can't be read is unknown, which is not the same as not there: nothing is done to such
 * a GPU. The first such file is the problem. */
static bool note(const struct sysfs *sys, struct gpu *gpu, const struct sysfs_path *path, int r)
{
    if (sysfs_is_answer(r)) {
        return r >= 0;
    }
    if (gpu->problem[0] == '\0') {
        snprintf(gpu->problem, sizeof(gpu->problem), "cannot read %.84s: %.24s",
                 path->text + strlen(sys->root), strerror(-r));
    }
    return false;
}

/* VGA, 3D and other display controllers, and processing accelerators. */
static bool is_gpu_class(uint32_t class)
{
    static const uint32_t classes[] = {0x0300, 0x0302, 0x0380, 0x1200};
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (class >> 8 == classes[i]) {
            return true;
        }
    }
    return false;
}

/* A GPU of NVIDIA or an admitted vendor that is no virtual function. -errno: not known. */
static int is_gpu(const struct sysfs *sys, const struct pci_addr *addr)
{
    uint32_t vendor = 0;
    uint32_t class = 0;
    struct sysfs_path vendor_file = sysfs_pci(sys, addr, "vendor");
    struct sysfs_path class_file = sysfs_pci(sys, addr, "class");
    int r = sysfs_read_hex(&vendor_file, &vendor);
    if (r < 0 || (vendor != PCI_VENDOR_NVIDIA && !pci_vendors_have(&sys->others, vendor))) {
        return sysfs_is_answer(r) ? 0 : r;
    }
    r = sysfs_read_hex(&class_file, &class);
    if (r < 0) {
        return sysfs_is_answer(r) ? 0 : r;
    }
    return is_gpu_class(class) && !fs_exists(sysfs_pci(sys, addr, "physfn").text);
}

static void observe_member(const struct sysfs *sys, const struct pci_addr *addr,
                           struct group_member *member)
{
    member->addr = *addr;
    member->bridge = sysfs_is_bridge(sys, addr);
    sysfs_read_driver(sys, addr, member->driver, sizeof(member->driver));
}

static void observe_group(const struct sysfs *sys, struct gpu *gpu)
{
    gpu->iommu_group = sysfs_read_group(sys, &gpu->addr);
    gpu->group_members.n = 0;
    CLEANUP_STRLIST struct strlist names = {0};
    char name[SYSFS_LINE_MAX];
    struct sysfs_path link = sysfs_pci(sys, &gpu->addr, "iommu_group");
    note(sys, gpu, &link, fs_link_name(link.text, name, sizeof(name)));
    struct sysfs_path dir = sysfs_pci(sys, &gpu->addr, "iommu_group/devices");
    if (gpu->iommu_group == NO_ID || !note(sys, gpu, &dir, fs_list(dir.text, &names))) {
        return;
    }
    for (vec_each(&names, entry)) {
        struct pci_addr member = {0};
        if (pci_addr_parse(*entry, &member) && pci_addr_cmp(&member, &gpu->addr) != 0 &&
            gpu->group_members.n < MAX_GROUP_MEMBERS) {
            observe_member(sys, &member, vec_push(&gpu->group_members));
        }
    }
}

static void observe_identity(const struct sysfs *sys, struct gpu *gpu)
{
    uint32_t vendor = PCI_VENDOR_NVIDIA;
    struct sysfs_path file = sysfs_pci(sys, &gpu->addr, "vendor");
    sysfs_read_hex(&file, &vendor);
    gpu->other_vendor = vendor == PCI_VENDOR_NVIDIA ? 0 : vendor;
    file = sysfs_pci(sys, &gpu->addr, "device");
    sysfs_read_hex(&file, &gpu->pci_id);
    file = sysfs_pci(sys, &gpu->addr, "subsystem_device");
    if (sysfs_read_hex(&file, &gpu->pci_subsystem_id) < 0) {
        gpu->pci_subsystem_id = NO_ID;
    }
    file = sysfs_pci(sys, &gpu->addr, "numa_node");
    if (sysfs_read_i32(&file, &gpu->numa_node) < 0 || gpu->numa_node < 0) {
        gpu->numa_node = -1;
    }
    gpu->mmio_bytes = sysfs_read_mmio(sys, &gpu->addr);
    struct sysfs_path link = sysfs_pci(sys, &gpu->addr, "driver");
    note(sys, gpu, &link, fs_link_name(link.text, gpu->driver, sizeof(gpu->driver)));
    sysfs_read_driver(sys, &gpu->addr, gpu->driver, sizeof(gpu->driver));
    reset_read_methods(sys, &gpu->addr, gpu->reset_methods, sizeof(gpu->reset_methods));
    if (reset_is_dead(sys, &gpu->addr)) {
        gpu->fault = GPU_FAULT_CONFIG_SPACE;
        STR_SET(gpu->problem, "its PCI configuration space reads as ones, so it is off the bus");
    }
    if (gpu->other_vendor != 0) {
        snprintf(gpu->name, sizeof(gpu->name), "PCI %04x:%04x", vendor, gpu->pci_id);
    }
}

static void observe_sriov(const struct sysfs *sys, struct gpu *gpu)
{
    struct sysfs_path file = sysfs_pci(sys, &gpu->addr, "sriov_totalvfs");
    if (!note(sys, gpu, &file, sysfs_read_u32(&file, &gpu->vfs_total))) {
        gpu->vfs_total = 0;
        return;
    }
    file = sysfs_pci(sys, &gpu->addr, "sriov_numvfs");
    if (!note(sys, gpu, &file, sysfs_read_u32(&file, &gpu->vfs_enabled))) {
        gpu->vfs_enabled = 0;
    }
    file = sysfs_pci(sys, &gpu->addr, "sriov_offset");
    if (sysfs_read_u32(&file, &gpu->vf_offset) < 0) {
        gpu->vf_offset = NO_ID;
    }
    file = sysfs_pci(sys, &gpu->addr, "sriov_stride");
    if (sysfs_read_u32(&file, &gpu->vf_stride) < 0) {
        gpu->vf_stride = NO_ID;
    }
}

static void learn(struct type_names *names, uint32_t pci_id, const struct vgpu_offer *offer)
{
    for (vec_each(names, known)) {
        if (known->pci_id == pci_id && known->type_id == offer->type_id) {
            STR_SET(known->name, offer->name);
            return;
        }
    }
    struct type_name *name = vec_push(names);
    name->pci_id = pci_id;
    name->type_id = offer->type_id;
    STR_SET(name->name, offer->name);
}

void observe_names(const struct sysfs *sys, struct type_names *names, const struct pci_addr *gpu,
                   const struct pci_addr *function)
{
    uint32_t pci_id = 0;
    struct sysfs_path device = sysfs_pci(sys, gpu, "device");
    CLEANUP_OFFERS struct offers offers = {0};
    if (sysfs_read_hex(&device, &pci_id) < 0 || offers_read_vendor(sys, function, &offers) < 0) {
        return; /* an mdev's type has its name next to it */
    }
    for (vec_each(&offers, offer)) {
        learn(names, pci_id, offer);
    }
}

void observe_learn(struct type_names *names, struct type_names *from)
{
    for (vec_each(from, name)) {
        struct vgpu_offer offer = {.type_id = name->type_id};
        STR_SET(offer.name, name->name);
        learn(names, name->pci_id, &offer);
    }
    vec_done(from);
    *from = (struct type_names){0};
}

static void keep_offers(struct type_names *names, const struct gpu *gpu, struct vf *vf,
                        const struct offers *offers)
{
    for (vec_each(offers, offer)) {
        learn(names, gpu->pci_id, offer);
        *vec_push(&vf->offers) = *offer;
    }
}

static void observe_vf(const struct sysfs *sys, struct type_names *names, struct gpu *gpu,
                       const struct pci_addr *addr)
{
    struct vf *vf = vec_push(&gpu->vfs);
    vf->addr = *addr;
    vf->iommu_group = sysfs_read_group(sys, addr);
    sysfs_read_driver(sys, addr, vf->driver, sizeof(vf->driver));
    CLEANUP_OFFERS struct offers offers = {0};
    struct vgpu vgpu = {0};
    struct sysfs_path current = sysfs_pci(sys, addr, "nvidia/current_vgpu_type");
    struct sysfs_path types = sysfs_pci(sys, addr, "mdev_supported_types");
    int r = vgpu_read_vendor(sys, addr, &vgpu);
    bool is_vendor = note(sys, gpu, &current, r);
    if (is_vendor) {
        vf->iface = VGPU_IFACE_VENDOR_VFIO;
        offers_read_vendor(sys, addr, &offers);
        if (vgpu.type_id != 0) {
            *vec_push(&gpu->vgpus) = vgpu;
        }
    } else if (sysfs_is_answer(r) && note(sys, gpu, &types, offers_read_mdev(sys, addr, &offers))) {
        vf->iface = VGPU_IFACE_MDEV;
    }
    keep_offers(names, gpu, vf, &offers);
    if (vf->iface != VGPU_IFACE_NONE) {
        gpu->iface = vf->iface;
    }
}

static void name_vgpus(const struct type_names *names, struct gpu *gpu)
{
    for (vec_each(&gpu->vgpus, vgpu)) {
        for (vec_each(names, known)) {
            if (vgpu->type[0] == '\0' && known->pci_id == gpu->pci_id &&
                known->type_id == vgpu->type_id) {
                STR_SET(vgpu->type, known->name);
            }
        }
    }
}

/* Which interface vGPUs will have once there are VFs, and NVIDIA's driver has the GPU. NVIDIA's
 * mdev driver registers on the mdev bus when it is loaded; its vendor-VFIO driver has nothing to do
 * with that bus. */
static enum vgpu_interface foresee_interface(const struct sysfs *sys, const struct gpu *gpu)
{
    bool foreign = gpu->driver[0] != '\0' && !str_eq(gpu->driver, "nvidia") &&
                   !str_eq(gpu->driver, "vfio-pci");
    if (gpu->vfs_total == 0 || foreign || !fs_exists(sysfs_path(sys, "%s", SRIOV_MANAGE).text)) {
        return VGPU_IFACE_NONE;
    }
    CLEANUP_STRLIST struct strlist drivers = {0};
    fs_list(sysfs_path(sys, "/sys/bus/mdev/drivers").text, &drivers);
    for (vec_each(&drivers, name)) {
        if (str_starts(*name, "nvidia") || str_eq(*name, "vfio_mdev")) {
            return VGPU_IFACE_MDEV;
        }
    }
    return VGPU_IFACE_VENDOR_VFIO;
}

static void observe_gpu(const struct sysfs *sys, struct type_names *names, struct host *host,
                        const struct pci_addr *addr)
{
    struct gpu *gpu = host_add_gpu(host, addr);
    observe_identity(sys, gpu);
    observe_group(sys, gpu);
    observe_sriov(sys, gpu);
    gpu->iface = VGPU_IFACE_NONE;
    if (gpu->other_vendor != 0) {
        return; /* whatever parts it has, they are not ours to hand out */
    }
    CLEANUP_OFFERS struct offers offers = {0};
    struct sysfs_path types = sysfs_pci(sys, addr, "mdev_supported_types");
    if (note(sys, gpu, &types, offers_read_mdev(sys, addr, &offers))) {
        gpu->iface = VGPU_IFACE_MDEV;
        for (vec_each(&offers, offer)) {
            learn(names, gpu->pci_id, offer);
            *vec_push(&gpu->pf_offers) = *offer;
        }
    }
    CLEANUP_VFS struct sysfs_vfs vfs = {0};
    struct sysfs_path links = sysfs_pci(sys, addr, "virtfn*");
    note(sys, gpu, &links, sysfs_read_vfs(sys, addr, &vfs));
    for (vec_each(&vfs, vf)) {
        observe_vf(sys, names, gpu, vf);
    }
    if (gpu->iface == VGPU_IFACE_NONE) {
        gpu->iface = foresee_interface(sys, gpu);
    }
}

/* The GPU that `function` is, or whose VF it is. */
static struct gpu *find_parent(struct host *host, const struct pci_addr *function)
{
    for (vec_each(&host->gpus, gpu)) {
        if (pci_addr_cmp(&gpu->addr, function) == 0) {
            return gpu;
        }
        for (vec_each(&gpu->vfs, vf)) {
            if (pci_addr_cmp(&vf->addr, function) == 0) {
                return gpu;
            }
        }
    }
    return NULL;
}

/* One of the GPUs has it, and it is not known which. */
static void note_all(const struct sysfs *sys, struct host *host, const struct sysfs_path *path,
                     int r)
{
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->other_vendor == 0) {
            note(sys, gpu, path, r);
        }
    }
}

/* The mdev is there, whatever else is known of it. */
static void add_other_mdev(struct host *host, const char *uuid)
{
    struct other_mdev mdev;
    if (STR_SET(mdev.uuid, uuid)) {
        *vec_push(&host->other_mdevs) = mdev;
    }
}

static void observe_mdev(const struct sysfs *sys, struct host *host, const char *uuid)
{
    struct vgpu vgpu = {0};
    struct pci_addr function = {0};
    struct sysfs_path link = sysfs_path(sys, "/sys/bus/mdev/devices/%s", uuid);
    int r = sysfs_read_mdev_parent(sys, uuid, &function);
    if (r < 0) {
        note_all(sys, host, &link, r == -EINVAL ? -ENOENT : r); /* no function's: not a GPU's */
        add_other_mdev(host, uuid);
        return;
    }
    struct gpu *gpu = find_parent(host, &function);
    if (gpu == NULL) {
        add_other_mdev(host, uuid);
        return;
    }
    r = vgpu_read_mdev(sys, uuid, &vgpu);
    if (r == 0) {
        *vec_push(&gpu->vgpus) = vgpu;
        return;
    }
    add_other_mdev(host, uuid);
    if (r != -ENODEV) { /* another driver's */
        note(sys, gpu, &link, r);
    }
}

static void observe_mdevs(const struct sysfs *sys, struct host *host)
{
    CLEANUP_STRLIST struct strlist uuids = {0};
    struct sysfs_path dir = sysfs_path(sys, "/sys/bus/mdev/devices");
    int r = fs_list(dir.text, &uuids);
    if (r < 0) {
        note_all(sys, host, &dir, r);
    }
    host->mdevs_known = sysfs_is_answer(r);
    for (vec_each(&uuids, uuid)) {
        observe_mdev(sys, host, *uuid);
    }
}

/* Nothing tells when a module was loaded. But the kernel gives each file of sysfs an inode number
 * of its own when it is made (kernfs: include/linux/kernfs.h, kernfs_ino()), and takes the next one
 * when the module comes again; test/lab/test_real_kernel.py looks at that on Linux 6.12. */
static uint64_t read_driver_load(const struct sysfs *sys)
{
    struct sysfs_path path = sysfs_path(sys, "/sys/module/nvidia/initstate");
    struct stat st;
    return stat(path.text, &st) == 0 ? (uint64_t)st.st_ino & INT64_MAX : 0;
}

/* NVIDIA/open-gpu-kernel-modules, kernel-open/nvidia/nv-procfs.c and nv.c: the open flavour calls
 * itself "NVIDIA UNIX Open Kernel Module", the other one "NVIDIA UNIX x86_64 Kernel Module". */
static enum tristate read_open_modules(const struct sysfs *sys)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    if (fs_read(sysfs_path(sys, "/proc/driver/nvidia/version").text, SYSFS_ATTR_MAX, &text, &len) <
        0) {
        return TRI_UNKNOWN;
    }
    return strstr(text, "Open Kernel Module") != NULL ? TRI_YES
           : strstr(text, "Kernel Module") != NULL    ? TRI_NO
                                                      : TRI_UNKNOWN;
}

/* Of the file's lines the one with that key, without quotes; false: there is none. */
static bool read_release_key(const char *text, const char *key, char *out, size_t size)
{
    size_t len = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        if (strncmp(line, key, len) == 0 && line[len] == '=') {
            const char *value = line + len + 1;
            value += strspn(value, "\"'");
            CLEANUP_FREE char *copy = xstrndup(value, strcspn(value, "\"'\n"));
            return copy[0] != '\0' && str_is_clean(copy) && str_copy(out, size, copy);
        }
        line = *end == '\0' ? NULL : end + 1;
    }
    return false;
}

/* os-release(5): ID and VERSION_ID. */
static void read_os(const struct sysfs *sys, struct host *host)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    char id[24] = "";
    char version[16] = "";
    if (fs_read(sysfs_path(sys, "/etc/os-release").text, SYSFS_ATTR_MAX, &text, &len) < 0 ||
        !read_release_key(text, "ID", id, sizeof(id))) {
        return;
    }
    bool known = read_release_key(text, "VERSION_ID", version, sizeof(version));
    (void)str_print(host->os, sizeof(host->os), "%s%s%s", id, known ? " " : "", version);
}

/* NVIDIA's bridges of the class "other bridge" are NVSwitches (pci.ids: 10de 1af1, 22a3). */
static bool is_nvswitch(const struct sysfs *sys, const struct pci_addr *addr)
{
    uint32_t class = 0;
    struct sysfs_path file = sysfs_pci(sys, addr, "class");
    return sysfs_read_hex(&file, &class) == 0 && class >> 8 == 0x0680 && sysfs_is_nvidia(sys, addr);
}

void observe_host(const struct sysfs *sys, struct type_names *names, struct host *host)
{
    read_os(sys, host);
    host->open_modules = read_open_modules(sys);
    host->nvgrace_vfio =
        fs_exists(sysfs_path(sys, "/sys/bus/pci/drivers/nvgrace-gpu-vfio-pci").text) ? TRI_YES
                                                                                     : TRI_NO;
    struct sysfs_path release = sysfs_path(sys, "/proc/sys/kernel/osrelease");
    sysfs_read_line(&release, host->kernel, sizeof(host->kernel));
    struct sysfs_path boot = sysfs_path(sys, "/proc/sys/kernel/random/boot_id");
    sysfs_read_line(&boot, host->boot_id, sizeof(host->boot_id));
    host->driver_load = read_driver_load(sys);
    host->vfio_pci =
        fs_exists(sysfs_path(sys, "/sys/bus/pci/drivers/vfio-pci").text) ? TRI_YES : TRI_NO;
    host->pci_problem[0] = '\0';
    struct sysfs_path dir = sysfs_path(sys, "/sys/bus/pci/devices");
    CLEANUP_STRLIST struct strlist entries = {0};
    int r = fs_list(dir.text, &entries);
    if (r < 0) {
        snprintf(host->pci_problem, sizeof(host->pci_problem), "cannot read %.150s: %s", dir.text,
                 strerror(-r));
        return;
    }
    host->functions_known = true;
    for (vec_each(&entries, entry)) {
        struct pci_addr addr = {0};
        bool is_function = pci_addr_parse(*entry, &addr);
        r = is_function ? is_gpu(sys, &addr) : 0;
        if (is_function) {
            *vec_push(&host->functions) = addr;
            host->nvswitches += is_nvswitch(sys, &addr);
        }
        if (r > 0) {
            observe_gpu(sys, names, host, &addr);
        } else if (r < 0) {
            snprintf(host->pci_problem, sizeof(host->pci_problem),
                     "cannot read whether %.20s is a GPU: %s", *entry, strerror(-r));
        }
    }
    struct sysfs_path probe = sysfs_path(sys, "/sys/bus/pci/drivers_probe");
    if (host->gpus.n > 0 && access(probe.text, W_OK) != 0 && errno != ENOENT) {
        snprintf(host->pci_problem, sizeof(host->pci_problem),
                 "cleaved may not change GPUs: %.150s: %s", probe.text, strerror(errno));
    }
    observe_mdevs(sys, host);
    for (vec_each(&host->gpus, gpu)) {
        name_vgpus(names, gpu);
    }
}
