/* SPDX-License-Identifier: Apache-2.0 */
/* Finding devices, and what they are. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/pci.h"
#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define PCI_CLASS_DISPLAY 0x03u
#define PCI_SUBCLASS_3D 0x02u

/* ---- finding ---- */

int32_t nvmlDeviceGetCount_v2(uint32_t *device_count)
{
    struct rpc_host host;
    int r = host_read(device_count, &host);
    if (r == NVML_SUCCESS) {
        *device_count = host.n_nvml;
    }
    return r;
}

int32_t nvmlDeviceGetCount(uint32_t *device_count)
{
    return nvmlDeviceGetCount_v2(device_count);
}

static struct ref board(uint32_t number)
{
    return (struct ref){.gpu = number, .gi = RPC_NONE, .ci = RPC_NONE};
}

/* A lost board has no handle to give; one that needs a reset has. */
static int give_handle(uint32_t number, struct nvml_device **device)
{
    struct rpc_gpu gpu;
    int r = CALL(GPU, &gpu, number);
    if (r == NVML_SUCCESS || r == NVML_ERROR_RESET_REQUIRED) {
        *device = handle_device(board(number));
        return NVML_SUCCESS;
    }
    return r;
}

int32_t nvmlDeviceGetHandleByIndex_v2(uint32_t index, struct nvml_device **device)
{
    struct rpc_host host;
    int r = host_read(device, &host);
    if (r == NVML_SUCCESS && index >= host.n_nvml) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    return r == NVML_SUCCESS ? give_handle(host.nvml[index], device) : r;
}

int32_t nvmlDeviceGetHandleByIndex(uint32_t index, struct nvml_device **device)
{
    return nvmlDeviceGetHandleByIndex_v2(index, device);
}

/* Walks the boards until `matches` likes one. */
static int find_board(const void *key, struct nvml_device **device,
                      bool (*matches)(const struct rpc_name *name, const void *key))
{
    struct rpc_host host;
    int r = host_read(device, &host);
    if (r == NVML_SUCCESS && key == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; r == NVML_SUCCESS && i < host.n_nvml; i++) {
        if (matches(&host.names[i], key)) {
            return give_handle(host.nvml[i], device);
        }
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

static bool has_address(const struct rpc_name *name, const void *key)
{
    const struct pci_addr *addr = key;
    return name->domain == addr->domain && name->bus == addr->bus && name->device == addr->device;
}

static bool has_serial(const struct rpc_name *name, const void *key)
{
    return strcmp(name->serial, key) == 0;
}

static bool has_uuid(const struct rpc_name *name, const void *key)
{
    return strcmp(name->uuid, key) == 0;
}

int32_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci_bus_id, struct nvml_device **device)
{
    struct pci_addr addr;
    int r = session_check();
    if (r != NVML_SUCCESS || !pci_addr_parse(pci_bus_id, &addr)) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    return find_board(&addr, device, has_address);
}

int32_t nvmlDeviceGetHandleByPciBusId(const char *pci_bus_id, struct nvml_device **device)
{
    return nvmlDeviceGetHandleByPciBusId_v2(pci_bus_id, device);
}

int32_t nvmlDeviceGetHandleBySerial(const char *serial, struct nvml_device **device)
{
    return find_board(serial, device, has_serial);
}

static int find_mig_device(const char *uuid, struct nvml_device **device)
{
    struct rpc_host host;
    int r = host_read(device, &host);
    for (uint32_t g = 0; r == NVML_SUCCESS && g < host.n_nvml; g++) {
        struct rpc_instances all;
        if (CALL(INSTANCES, &all, host.nvml[g]) != NVML_SUCCESS) {
            continue;
        }
        for (uint32_t i = 0; i < all.n; i++) {
            for (uint32_t c = 0; c < all.items[i].n_compute; c++) {
                if (strcmp(all.items[i].compute[c].uuid, uuid) == 0) {
                    *device = handle_device((struct ref){.gpu = host.nvml[g],
                                                         .gi = all.items[i].id,
                                                         .ci = all.items[i].compute[c].id});
                    return NVML_SUCCESS;
                }
            }
        }
    }
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_FOUND : r;
}

int32_t nvmlDeviceGetHandleByUUID(const char *uuid, struct nvml_device **device)
{
    if (uuid != NULL && strncmp(uuid, "MIG-", 4) == 0) {
        return find_mig_device(uuid, device);
    }
    return find_board(uuid, device, has_uuid);
}

int32_t nvmlDeviceGetHandleByUUIDV(const struct nvml_uuid_v1 *uuid, struct nvml_device **device)
{
    int r = session_check();
    if (r != NVML_SUCCESS || uuid == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    if (uuid->version != NVML_VERSION(struct nvml_uuid_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    if (uuid->type != NVML_UUID_ASCII ||
        memchr(uuid->value.str, '\0', sizeof(uuid->value.str)) == NULL) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    return nvmlDeviceGetHandleByUUID(uuid->value.str, device);
}

/* ---- identity ---- */

int32_t nvmlDeviceGetName(struct nvml_device *device, char *name, uint32_t length)
{
    struct rpc_gpu gpu;
    struct part part;
    int r = part_read(device, name, &gpu, &part);
    if (r != NVML_SUCCESS || !part.is_mig) {
        return r == NVML_SUCCESS ? text_out(gpu.name, name, length) : r;
    }
    char own[sizeof(part.profile.name) + 8];
    char text[sizeof(gpu.name) + sizeof(own) + 8];
    ci_name(&part.profile, part.compute.size, own, sizeof(own));
    snprintf(text, sizeof(text), "%s MIG %s", gpu.name, own);
    return text_out(text, name, length);
}

int32_t nvmlDeviceGetUUID(struct nvml_device *device, char *uuid, uint32_t length)
{
    struct rpc_gpu gpu;
    struct part part;
    int r = part_read(device, uuid, &gpu, &part);
    if (r != NVML_SUCCESS) {
        return r;
    }
    return text_out(part.is_mig ? part.compute.uuid : gpu.uuid, uuid, length);
}

/* Of a MIG device: within its board (nvml.h). */
int32_t nvmlDeviceGetIndex(struct nvml_device *device, uint32_t *index)
{
    struct rpc_gpu gpu;
    struct part part;
    int r = part_read(device, index, &gpu, &part);
    if (r == NVML_SUCCESS) {
        *index = part.is_mig ? part.compute.index : gpu.index;
    }
    return r;
}

int32_t nvmlDeviceGetSerial(struct nvml_device *device, char *serial, uint32_t length)
{
    struct rpc_gpu gpu;
    int r = device_read(device, serial, &gpu);
    return r == NVML_SUCCESS ? text_out(gpu.serial, serial, length) : r;
}

DEVICE_GETTER(nvmlDeviceGetMinorNumber, uint32_t, gpu.minor)
DEVICE_GETTER(nvmlDeviceGetBoardId, uint32_t, gpu.bus << 8 | gpu.device)
DEVICE_GETTER(nvmlDeviceGetModuleId, uint32_t, gpu.index)
DEVICE_GETTER(nvmlDeviceGetMultiGpuBoard, uint32_t, 0)
DEVICE_GETTER(nvmlDeviceGetArchitecture, uint32_t, gpu.arch)
DEVICE_GETTER(nvmlDeviceGetDisplayMode, uint32_t, NVML_DISABLED)
DEVICE_GETTER(nvmlDeviceGetDisplayActive, uint32_t, NVML_DISABLED)

int32_t nvmlDeviceGetBrand(struct nvml_device *device, uint32_t *type)
{
    struct rpc_gpu gpu;
    int r = device_read(device, type, &gpu);
    if (r == NVML_SUCCESS) {
        *type = strstr(gpu.name, "RTX") != NULL ? NVML_BRAND_NVIDIA_RTX : NVML_BRAND_NVIDIA;
    }
    return r;
}

/* Only where the GPU is a NUMA node itself (nvml.h); which one it is next to says the affinity. */
int32_t nvmlDeviceGetNumaNodeId(struct nvml_device *device, uint32_t *node)
{
    struct rpc_gpu gpu;
    int r = device_read(device, node, &gpu);
    if (r == NVML_SUCCESS && gpu.own_numa_node < 0) {
        return NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *node = (uint32_t)gpu.own_numa_node;
    }
    return r;
}

int32_t nvmlDeviceGetCudaComputeCapability(struct nvml_device *device, int32_t *major,
                                           int32_t *minor)
{
    struct rpc_gpu gpu;
    int r = device_read(device, minor != NULL ? major : NULL, &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    /* CUDA C++ Programming Guide, compute capabilities; Blackwell's differ between data-centre
     * (10.0) and RTX boards (12.0). */
    static const struct {
        uint32_t arch;
        int32_t major, minor;
    } known[] = {{NVML_ARCH_VOLTA, 7, 0}, {NVML_ARCH_TURING, 7, 5}, {NVML_ARCH_AMPERE, 8, 0},
                 {NVML_ARCH_ADA, 8, 9},   {NVML_ARCH_HOPPER, 9, 0}, {NVML_ARCH_BLACKWELL, 10, 0}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].arch == gpu.arch) {
            bool rtx = gpu.arch == NVML_ARCH_BLACKWELL && strstr(gpu.name, "RTX") != NULL;
            *major = rtx ? 12 : known[i].major;
            *minor = known[i].minor;
            return NVML_SUCCESS;
        }
    }
    return NVML_ERROR_NOT_SUPPORTED;
}

/* ---- PCI ---- */

static void fill_pci(const struct rpc_gpu *gpu, struct nvml_pci_info *out)
{
    *out = (struct nvml_pci_info){.domain = gpu->domain,
                                  .bus = gpu->bus,
                                  .device = gpu->device,
                                  .pci_device_id = gpu->pci_id,
                                  .pci_sub_system_id = gpu->pci_subsystem};
    snprintf(out->bus_id, sizeof(out->bus_id), "%08X:%02X:%02X.0", gpu->domain, gpu->bus,
             gpu->device);
    snprintf(out->bus_id_legacy, sizeof(out->bus_id_legacy), "%04X:%02X:%02X.0",
             gpu->domain & 0xFFFF, gpu->bus, gpu->device & 0x1F);
}

/* Callers of the older forms bring a shorter structure, so only that much of it is written. */
static int pci_info(const struct nvml_device *device, void *pci, size_t size)
{
    struct rpc_gpu gpu;
    int r = device_read(device, pci, &gpu);
    if (r == NVML_SUCCESS) {
        struct nvml_pci_info info;
        fill_pci(&gpu, &info);
        memcpy(pci, &info, size);
    }
    return r;
}

int32_t nvmlDeviceGetPciInfo(struct nvml_device *device, struct nvml_pci_info *pci)
{
    return pci_info(device, pci, offsetof(struct nvml_pci_info, pci_sub_system_id));
}

int32_t nvmlDeviceGetPciInfo_v2(struct nvml_device *device, struct nvml_pci_info *pci)
{
    return pci_info(device, pci, offsetof(struct nvml_pci_info, bus_id));
}

int32_t nvmlDeviceGetPciInfo_v3(struct nvml_device *device, struct nvml_pci_info *pci)
{
    return pci_info(device, pci, sizeof(*pci));
}

int32_t nvmlDeviceGetPciInfoExt(struct nvml_device *device, struct nvml_pci_info_ext_v1 *pci)
{
    struct rpc_gpu gpu;
    int r = device_read(device, pci, &gpu);
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (pci->version != NVML_VERSION(struct nvml_pci_info_ext_v1, 1)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    struct nvml_pci_info info;
    fill_pci(&gpu, &info);
    *pci = (struct nvml_pci_info_ext_v1){.version = pci->version,
                                         .domain = info.domain,
                                         .bus = info.bus,
                                         .device = info.device,
                                         .pci_device_id = info.pci_device_id,
                                         .pci_sub_system_id = info.pci_sub_system_id,
                                         .base_class = PCI_CLASS_DISPLAY,
                                         .sub_class = PCI_SUBCLASS_3D};
    memcpy(pci->bus_id, info.bus_id, sizeof(pci->bus_id));
    return NVML_SUCCESS;
}

/* ---- memory ---- */

/* Of a board, or of a MIG device's GPU instance, which says of itself what can be had. */
static int memory_of(const struct nvml_device *device, const void *out,
                     struct nvml_memory_v2 *ret_memory)
{
    struct rpc_gpu gpu;
    struct part part;
    int r = part_read(device, out, &gpu, &part);
    if (r != NVML_SUCCESS) {
        return r;
    }
    uint64_t total = part.is_mig ? part.profile.memory_mib << 20 : gpu.memory_bytes;
    uint64_t reserved = part.is_mig ? 0 : gpu.reserved_bytes;
    uint64_t used = part.is_mig ? 0 : gpu.used_bytes;
    *ret_memory = (struct nvml_memory_v2){
        .total = total, .reserved = reserved, .used = used, .free = total - used - reserved};
    return NVML_SUCCESS;
}

/* The first form counts what is reserved as used (nvml.h). */
int32_t nvmlDeviceGetMemoryInfo(struct nvml_device *device, struct nvml_memory *memory)
{
    struct nvml_memory_v2 all;
    int r = memory_of(device, memory, &all);
    if (r == NVML_SUCCESS) {
        *memory = (struct nvml_memory){
            .total = all.total, .used = all.used + all.reserved, .free = all.free};
    }
    return r;
}

int32_t nvmlDeviceGetMemoryInfo_v2(struct nvml_device *device, struct nvml_memory_v2 *memory)
{
    struct nvml_memory_v2 all;
    int r = memory_of(device, memory, &all);
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (memory->version != NVML_VERSION(struct nvml_memory_v2, 2)) {
        return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    }
    all.version = memory->version;
    *memory = all;
    return NVML_SUCCESS;
}

/* A MIG device has the part of its memory slices, less one MiB (nvidia-smi of an A100 40GB: 65536
 * MiB, 3g.20gb 32767, 1g.5gb 8191; of an H100: 131072, 1g.10gb 16383). */
int32_t nvmlDeviceGetBAR1MemoryInfo(struct nvml_device *device,
                                    struct nvml_bar1_memory *bar1_memory)
{
    struct rpc_gpu gpu;
    struct part part;
    int r = part_read(device, bar1_memory, &gpu, &part);
    if (r == NVML_SUCCESS) {
        uint64_t size = gpu.bar1_bytes;
        if (part.is_mig) {
            size = size / gpu.memory_slices * part.instance.placement.size - (UINT64_C(1) << 20);
        }
        *bar1_memory = (struct nvml_bar1_memory){.bar1_total = size, .bar1_free = size};
    }
    return r;
}

int32_t nvmlDeviceGetAttributes_v2(struct nvml_device *device,
                                   struct nvml_device_attributes *attributes)
{
    struct rpc_gpu gpu;
    struct part part;
    int r = part_read(device, attributes, &gpu, &part);
    if (r != NVML_SUCCESS || !part.is_mig) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_NOT_SUPPORTED; /* for MIG devices only */
    }
    const struct rpc_profile *profile = &part.profile;
    *attributes = (struct nvml_device_attributes){
        .multiprocessor_count =
            ci_multiprocessors(part.ref, profile, part.compute.profile, part.compute.size),
        .shared_copy_engine_count = profile->copy_engines,
        .shared_decoder_count = profile->decoders,
        .shared_encoder_count = profile->encoders,
        .shared_jpeg_count = profile->jpeg,
        .shared_ofa_count = profile->ofa,
        .gpu_instance_slice_count = profile->compute_slices,
        .compute_instance_slice_count = part.compute.size,
        .memory_size_mb = profile->memory_mib};
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetAttributes(struct nvml_device *device,
                                struct nvml_device_attributes *attributes)
{
    return nvmlDeviceGetAttributes_v2(device, attributes);
}
