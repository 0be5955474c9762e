/* SPDX-License-Identifier: Apache-2.0 */
/* What a board is attached by: PCIe, and which boards and processors are near. No NVLink: the
 * catalog does not say which boards are bridged. */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define PCIE_LANES 16u
#define MAX_NODES 64u

enum topology { TOPOLOGY_NODE = 40, TOPOLOGY_SYSTEM = 50 };
enum p2p { P2P_OK = 0, P2P_CHIPSET = 1, P2P_NOT_SUPPORTED = 5, P2P_CAPS = 5 };

FACTS_GETTER(nvmlDeviceGetMaxPcieLinkGeneration, uint32_t, facts.pcie_generation)
FACTS_GETTER(nvmlDeviceGetGpuMaxPcieLinkGeneration, uint32_t, facts.pcie_generation)
DEVICE_GETTER(nvmlDeviceGetCurrPcieLinkGeneration, uint32_t, gpu.link_generation)
DEVICE_GETTER(nvmlDeviceGetMaxPcieLinkWidth, uint32_t, PCIE_LANES)
DEVICE_GETTER(nvmlDeviceGetCurrPcieLinkWidth, uint32_t, PCIE_LANES)
DEVICE_GETTER(nvmlDeviceGetPcieReplayCounter, uint32_t, 0)

/* Megatransfers per second of a lane, by generation (PCI Express base specification). */
static uint32_t lane_mbps(uint32_t generation)
{
    static const uint32_t rates[] = {2500, 5000, 8000, 16000, 32000, 64000};
    return rates[generation >= 1 && generation <= 6 ? generation - 1 : 0];
}

DEVICE_GETTER(nvmlDeviceGetPcieSpeed, uint32_t, lane_mbps(gpu.link_generation))

/* By generation, from 1 for 2500 MB/s on (nvml.h, NVML_PCIE_LINK_MAX_SPEED_…). */
FACTS_GETTER(nvmlDeviceGetPcieLinkMaxSpeed, uint32_t, facts.pcie_generation)

int32_t nvmlDeviceGetPcieThroughput(struct nvml_device *device, uint32_t counter, uint32_t *value)
{
    struct rpc_telemetry t;
    int r = telemetry_read(device, value, &t);
    if (r == NVML_SUCCESS && counter > 1) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *value = counter == 0 ? t.now.pcie_tx_kib : t.now.pcie_rx_kib;
    }
    return r;
}

/* ---- neighbours ---- */

static int both(struct nvml_device *one, struct nvml_device *other, const void *out,
                struct rpc_gpu *ret_one, struct rpc_gpu *ret_other)
{
    int r = device_read(one, out, ret_one);
    return r == NVML_SUCCESS ? device_read(other, out, ret_other) : r;
}

/* Each board has a root port of its own: one node's share its host bridges, the rest the system. */
static uint32_t level_between(const struct rpc_gpu *one, const struct rpc_gpu *other)
{
    if (one->index == other->index) {
        return 0;
    }
    bool near = one->numa_node >= 0 && one->numa_node == other->numa_node;
    return near || (one->numa_node < 0 && other->numa_node < 0) ? TOPOLOGY_NODE : TOPOLOGY_SYSTEM;
}

int32_t nvmlDeviceGetTopologyCommonAncestor(struct nvml_device *device1,
                                            struct nvml_device *device2, uint32_t *path_info)
{
    struct rpc_gpu one;
    struct rpc_gpu other;
    int r = both(device1, device2, path_info, &one, &other);
    if (r == NVML_SUCCESS) {
        *path_info = level_between(&one, &other);
    }
    return r;
}

/* Walks the boards that `wanted` likes. A NULL list: the count alone. */
static int collect(const struct rpc_gpu *from, uint32_t level, uint32_t *count,
                   struct nvml_device **devices)
{
    struct rpc_host host;
    int r = host_read(count, &host);
    uint32_t room = devices != NULL ? *count : 0;
    uint32_t n = 0;
    for (uint32_t i = 0; r == NVML_SUCCESS && i < host.n_nvml; i++) {
        struct rpc_gpu gpu;
        if (CALL(GPU, &gpu, host.nvml[i]) != NVML_SUCCESS ||
            (from != NULL && (gpu.index == from->index || level_between(from, &gpu) != level))) {
            continue;
        }
        if (n < room) {
            devices[n] =
                handle_device((struct ref){.gpu = host.nvml[i], .gi = RPC_NONE, .ci = RPC_NONE});
        }
        n++;
    }
    if (r == NVML_SUCCESS) {
        *count = n;
    }
    return r == NVML_SUCCESS && devices != NULL && n > room ? NVML_ERROR_INSUFFICIENT_SIZE : r;
}

int32_t nvmlDeviceGetTopologyNearestGpus(struct nvml_device *device, uint32_t level,
                                         uint32_t *count, struct nvml_device **device_array)
{
    struct rpc_gpu from;
    int r = device_read(device, count, &from);
    return r == NVML_SUCCESS ? collect(&from, level, count, device_array) : r;
}

int32_t nvmlDeviceOnSameBoard(struct nvml_device *device1, struct nvml_device *device2,
                              int32_t *on_same_board)
{
    struct rpc_gpu one;
    struct rpc_gpu other;
    int r = both(device1, device2, on_same_board, &one, &other);
    if (r == NVML_SUCCESS) {
        *on_same_board = one.index == other.index;
    }
    return r;
}

/* Over PCIe, within a node; NVLink there is none. */
int32_t nvmlDeviceGetP2PStatus(struct nvml_device *device1, struct nvml_device *device2,
                               uint32_t p2p_index, uint32_t *p2p_status)
{
    struct rpc_gpu one;
    struct rpc_gpu other;
    int r = both(device1, device2, p2p_status, &one, &other);
    if (r == NVML_SUCCESS && p2p_index >= P2P_CAPS) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    bool near = level_between(&one, &other) <= TOPOLOGY_NODE;
    bool nvlink = p2p_index == 2;
    *p2p_status = nvlink ? P2P_NOT_SUPPORTED : (near ? P2P_OK : P2P_CHIPSET);
    return NVML_SUCCESS;
}

/* ---- processors and memory near a board: what the kernel says of its node ---- */

/* "0-3,8-11" into a bit set of `words`. */
static void parse_cpu_list(const char *text, uint64_t *set, uint32_t words)
{
    unsigned first = 0;
    int used = 0;
    while (sscanf(text, "%u%n", &first, &used) == 1) {
        unsigned last = first;
        text += used;
        if (sscanf(text, "-%u%n", &last, &used) == 1) {
            text += used;
        }
        for (unsigned cpu = first; cpu <= last && cpu / 64 < words; cpu++) {
            set[cpu / 64] |= 1ull << (cpu % 64);
        }
        text += *text == ',' ? 1 : 0;
    }
}

static bool read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");
    bool read = file != NULL && fgets(line, (int)size, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    return read;
}

int32_t nvmlDeviceGetCpuAffinity(struct nvml_device *device, uint32_t cpu_set_size,
                                 uint64_t *cpu_set)
{
    struct rpc_gpu gpu;
    char line[1024];
    char path[64];
    int r = device_read(device, cpu_set, &gpu);
    if (r != NVML_SUCCESS || cpu_set_size == 0) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    memset(cpu_set, 0, cpu_set_size * sizeof(cpu_set[0]));
    snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", gpu.numa_node);
    if (!read_line(path, line, sizeof(line)) &&
        !read_line("/sys/devices/system/cpu/online", line, sizeof(line))) {
        return NVML_ERROR_UNKNOWN;
    }
    parse_cpu_list(line, cpu_set, cpu_set_size);
    return NVML_SUCCESS;
}

int32_t nvmlDeviceGetCpuAffinityWithinScope(struct nvml_device *device, uint32_t cpu_set_size,
                                            uint64_t *cpu_set, uint32_t scope)
{
    int32_t r = nvmlDeviceGetCpuAffinity(device, cpu_set_size, cpu_set);
    return r == NVML_SUCCESS && scope > 1 ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlDeviceGetMemoryAffinity(struct nvml_device *device, uint32_t node_set_size,
                                    uint64_t *node_set, uint32_t scope)
{
    struct rpc_gpu gpu;
    int r = device_read(device, node_set, &gpu);
    if (r == NVML_SUCCESS && (node_set_size == 0 || scope > 1)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS && (gpu.numa_node < 0 || gpu.numa_node >= (int32_t)MAX_NODES)) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        memset(node_set, 0, node_set_size * sizeof(node_set[0]));
        node_set[0] = 1ull << gpu.numa_node;
    }
    return r;
}

/* ---- confidential computing: off, and not to be had ---- */

int32_t nvmlSystemGetConfComputeCapabilities(struct nvml_conf_compute_system_caps *capabilities)
{
    struct rpc_host host;
    int r = host_read(capabilities, &host);
    if (r == NVML_SUCCESS) {
        *capabilities = (struct nvml_conf_compute_system_caps){0};
    }
    return r;
}

int32_t nvmlSystemGetConfComputeState(struct nvml_conf_compute_system_state *state)
{
    struct rpc_host host;
    int r = host_read(state, &host);
    if (r == NVML_SUCCESS) {
        *state = (struct nvml_conf_compute_system_state){0};
    }
    return r;
}

int32_t nvmlSystemGetConfComputeGpusReadyState(uint32_t *is_accepting_work)
{
    struct rpc_host host;
    int r = host_read(is_accepting_work, &host);
    if (r == NVML_SUCCESS) {
        *is_accepting_work = 0;
    }
    return r;
}

int32_t nvmlDeviceGetConfComputeProtectedMemoryUsage(struct nvml_device *device,
                                                     struct nvml_memory *memory)
{
    struct rpc_gpu gpu;
    int r = device_read(device, memory, &gpu);
    if (r == NVML_SUCCESS) {
        *memory = (struct nvml_memory){0};
    }
    return r;
}

int32_t nvmlDeviceGetConfComputeMemSizeInfo(struct nvml_device *device,
                                            struct nvml_conf_compute_mem_size_info *mem_info)
{
    struct rpc_gpu gpu;
    int r = device_read(device, mem_info, &gpu);
    if (r == NVML_SUCCESS) {
        *mem_info = (struct nvml_conf_compute_mem_size_info){.unprotected_mem_size_kib =
                                                                 gpu.memory_bytes >> 10};
    }
    return r;
}

/* ---- chip to chip ---- */

int32_t nvmlDeviceGetC2cModeInfoV(struct nvml_device *device,
                                  struct nvml_c2c_mode_info_v1 *c2c_mode_info)
{
    struct rpc_gpu gpu;
    int r = device_read(device, c2c_mode_info, &gpu);
    if (r == NVML_SUCCESS) {
        c2c_mode_info->is_c2c_enabled = gpu.own_numa_node >= 0;
    }
    return r;
}

/* Boards that no fabric manager has registered. */
int32_t nvmlDeviceGetGpuFabricInfo(struct nvml_device *device,
                                   struct nvml_gpu_fabric_info *gpu_fabric_info)
{
    struct rpc_gpu gpu;
    int r = device_read(device, gpu_fabric_info, &gpu);
    if (r == NVML_SUCCESS && gpu.arch < NVML_ARCH_HOPPER) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        *gpu_fabric_info = (struct nvml_gpu_fabric_info){0};
    }
    return r;
}

int32_t nvmlDeviceGetGpuFabricInfoV(struct nvml_device *device,
                                    struct nvml_gpu_fabric_info_v3 *info)
{
    struct rpc_gpu gpu;
    int r = device_read(device, info, &gpu);
    if (r == NVML_SUCCESS && gpu.arch < NVML_ARCH_HOPPER) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    if (info->version == NVML_VERSION(struct nvml_gpu_fabric_info_v3, 3)) {
        *info = (struct nvml_gpu_fabric_info_v3){.version = info->version};
        return NVML_SUCCESS;
    }
    if (info->version == NVML_VERSION(struct nvml_gpu_fabric_info_v2, 2)) {
        memset((char *)info + sizeof(info->version), 0,
               sizeof(struct nvml_gpu_fabric_info_v2) - sizeof(info->version));
        return NVML_SUCCESS;
    }
    return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
}
