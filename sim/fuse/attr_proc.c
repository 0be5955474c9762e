/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/driver/nvidia as open-gpu-kernel-modules prints it (kernel-open/nvidia/nv-procfs.c), and
 * /sys/module/nvidia. */
#include <string.h>

#include "sim/fuse/attr.h"

int read_driver_version(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%s\n", ref->host->driver_version);
    return 0;
}

/* ---- modules and major numbers ---- */

#define NVIDIA_BYTES 9830400
#define FIRST_CHARACTER_DEVICES "Character devices:\n"

/* As /sys/module has them. Sizes are made up. */
int read_modules(const struct ref *ref, struct strbuf *out)
{
    bool mdev = when_mdev_driver(ref);
    if (when_driver_loaded(ref)) {
        bool vgpu = when_vgpu_host(ref);
        if (vgpu) {
            strbuf_add(out, "nvidia_vgpu_vfio 118784 0 - Live 0x0000000000000000 (POE)\n");
        }
        strbuf_addf(out, "nvidia %d %d %s Live 0x0000000000000000 (POE)\n", NVIDIA_BYTES, vgpu,
                    vgpu ? "nvidia_vgpu_vfio," : "-");
    }
    if (mdev) {
        strbuf_add(out, "mdev 24576 1 nvidia_vgpu_vfio, Live 0x0000000000000000\n");
    }
    strbuf_add(out, "vfio_pci 16384 0 - Live 0x0000000000000000\n"
                    "vfio_iommu_type1 49152 0 - Live 0x0000000000000000\n"
                    "vfio 69632 2 vfio_pci,vfio_iommu_type1, Live 0x0000000000000000\n");
    strbuf_add(out, ref->host->own_modules != NULL ? ref->host->own_modules : "");
    return 0;
}

int read_coresize(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_addf(out, "%d\n", NVIDIA_BYTES);
    return 0;
}

int link_holder(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "../../nvidia_vgpu_vfio");
    return 0;
}

/* Of branch 550 on NVIDIA's driver calls its devices "nvidia", before "nvidia-frontend"
 * (NVIDIA/nvidia-container-toolkit, internal/info/proc/devices). */
int read_devices(const struct ref *ref, struct strbuf *out)
{
    const char *own = ref->host->own_devices != NULL ? ref->host->own_devices
                                                     : FIRST_CHARACTER_DEVICES "\nBlock devices:\n";
    const char *rest =
        str_starts(own, FIRST_CHARACTER_DEVICES) ? own + strlen(FIRST_CHARACTER_DEVICES) : own;
    strbuf_add(out, FIRST_CHARACTER_DEVICES);
    if (when_driver_loaded(ref)) {
        strbuf_addf(out, "%3u %s\n%3u nvidia-caps\n", SIM_NVIDIA_MAJOR,
                    sim_driver_branch(ref->host) >= 550 ? "nvidia" : "nvidia-frontend",
                    SIM_CAPS_MAJOR);
    }
    strbuf_add(out, rest);
    return 0;
}

int read_osrelease(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%s\n", ref->host->kernel);
    return 0;
}

/* os-release(5) */
int read_os_release(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "ID=\"%s\"\nVERSION_ID=\"%s\"\nNAME=\"%s (simulated)\"\n", ref->host->os_id,
                ref->host->os_version, ref->host->os_id);
    return 0;
}

int read_boot_id(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "%s\n", ref->host->boot_id);
    return 0;
}

int read_proc_version(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "NVRM version: NVIDIA UNIX %s  %s  (simulated)\n",
                ref->host->open_modules ? "Open Kernel Module for x86_64" : "x86_64 Kernel Module",
                ref->host->driver_version);
    strbuf_add(out, "GCC version:  gcc version 12.2.0\n");
    return 0;
}

int read_proc_params(const struct ref *ref UNUSED, struct strbuf *out)
{
    strbuf_add(out, "ResmanDebugLevel: 4294967295\n"
                    "RmLogonRC: 1\n"
                    "ModifyDeviceFiles: 1\n"
                    "DeviceFileUID: 0\n"
                    "DeviceFileGID: 0\n"
                    "DeviceFileMode: 438\n"
                    "EnableMSI: 1\n"
                    "EnableGpuFirmware: 18\n");
    return 0;
}

int read_information(const struct ref *ref, struct strbuf *out)
{
    const struct sim_gpu *gpu = ref->fn.gpu;
    char bdf[BDF_SIZE];
    strbuf_addf(out, "Model: \t\t %s\n", gpu->name);
    strbuf_add(out, "IRQ:   \t\t 0\n");
    strbuf_addf(out, "GPU UUID: \t %s\n", gpu->uuid);
    strbuf_add(out, "Video BIOS: \t ??.??.??.??.??\nBus Type: \t PCIe\n"
                    "DMA Size: \t 47 bits\nDMA Mask: \t 0x7fffffffffff\n");
    strbuf_addf(out, "Bus Location: \t %s\n", pci_addr_format(&gpu->addr, bdf));
    strbuf_addf(out, "Device Minor: \t %u\n", gpu->minor);
    strbuf_addf(out, "GPU Firmware: \t %s\n", ref->host->driver_version);
    strbuf_add(out, "GPU Excluded:\t No\n");
    return 0;
}

int read_unbind_lock(const struct ref *ref, struct strbuf *out)
{
    strbuf_add(out, ref->fn.gpu->unbind_lock ? "1\n" : "0\n");
    return 0;
}

/* ---- capabilities of MIG: which minor of /dev/nvidia-caps opens what ---- */

#define MINOR_CONFIG 1
#define MINOR_MONITOR 2
#define GIS_PER_GPU 15
#define CIS_PER_GI 8

static int add_capability(uint32_t minor, struct strbuf *out)
{
    strbuf_addf(out, "DeviceFileMinor: %u\nDeviceFileMode: 256\nDeviceFileModify: 1\n", minor);
    return 0;
}

int read_mig_config(const struct ref *ref UNUSED, struct strbuf *out)
{
    return add_capability(MINOR_CONFIG, out);
}

int read_mig_monitor(const struct ref *ref UNUSED, struct strbuf *out)
{
    return add_capability(MINOR_MONITOR, out);
}

int read_gi_access(const struct ref *ref, struct strbuf *out)
{
    return add_capability(sim_cap_minor(ref->fn.gpu, ref->gi, NULL), out);
}

int read_ci_access(const struct ref *ref, struct strbuf *out)
{
    return add_capability(sim_cap_minor(ref->fn.gpu, ref->gi, ref->ci), out);
}

int read_mig_minors(const struct ref *ref, struct strbuf *out)
{
    strbuf_addf(out, "config %d\nmonitor %d\n", MINOR_CONFIG, MINOR_MONITOR);
    for (uint32_t g = 0; g < ref->host->n_gpus; g++) {
        struct sim_gpu gpu = {.minor = g};
        for (uint32_t i = 0; i < GIS_PER_GPU; i++) {
            struct sim_gi gi = {.id = i};
            strbuf_addf(out, "gpu%u/gi%u/access %u\n", g, i, sim_cap_minor(&gpu, &gi, NULL));
            for (uint32_t c = 0; c < CIS_PER_GI; c++) {
                struct sim_ci ci = {.id = c};
                strbuf_addf(out, "gpu%u/gi%u/ci%u/access %u\n", g, i, c,
                            sim_cap_minor(&gpu, &gi, &ci));
            }
        }
    }
    return 0;
}
