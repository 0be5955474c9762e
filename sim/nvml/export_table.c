/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What NVIDIA's nvidia-smi needs beyond NVML's public functions: a table of function pointers that
 * it asks for by id and then calls by slot. Optional: without this file it says "Mismatch in
 * versions".
 *
 * The id and slots 81, 213 to 215 and 230 are published in NVIDIA/k8s-test-infra
 * (pkg/gpu/mocknvml/bridge/internal.go, Apache-2.0). The roles of the others were seen by running
 * the programs of drivers 535, 550 and 555 and logging what they call.
 */
#include <stdio.h>
#include <string.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define SLOTS 256

enum slot {
    SLOT_SIZE = 0,
    SLOT_PARSE_ADDRESS = 12,
    SLOT_PATH = 23,
    SLOT_GATE = 72,
    SLOT_ADDRESS_BY_INDEX = 75,
    SLOT_HANDLE_BY_INDEX = 81,
    SLOT_RESET = 168, /* the last of a reset's five */
    SLOT_RESET_FABRIC = 169,
    SLOT_RESET_GROUP = 182,
    SLOT_RESET_GROUP_LIST = 183,
    SLOT_RESET_GROUP_FREE = 184,
    SLOT_COMPUTE_POLICIES = 193,
    SLOT_PROCESSES = 213, /* and the next two */
    SLOT_GPU_PART_NUMBER = 231,
    SLOT_TEMPERATURE_LIMIT = 240,
};

static const void *table[SLOTS];

static int32_t handle_by_index(uint32_t index, struct nvml_device **device)
{
    return nvmlDeviceGetHandleByIndex_v2(index, device);
}

/* ---- -i ADDRESS: read the text, then look for it board by board ---- */

static int32_t parse_address(const char *text, uint32_t *domain, uint32_t *bus, uint32_t *device,
                             uint32_t *function)
{
    bool whole = domain != NULL && bus != NULL && device != NULL && function != NULL;
    if (text == NULL || !whole) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    *domain = 0;
    bool read = sscanf(text, "%8x:%2x:%2x.%1x", domain, bus, device, function) == 4;
    if (!read) {
        *domain = 0;
        read = sscanf(text, "%2x:%2x.%1x", bus, device, function) == 3;
    }
    return read ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

static int32_t address_by_index(uint32_t index, uint32_t *domain, uint32_t *bus, uint32_t *device)
{
    struct nvml_device *handle = NULL;
    struct rpc_gpu gpu;
    int r = nvmlDeviceGetHandleByIndex_v2(index, &handle);
    if (r == NVML_SUCCESS) {
        r = device_read(handle, bus != NULL && device != NULL ? domain : NULL, &gpu);
    }
    if (r == NVML_SUCCESS) {
        *domain = gpu.domain;
        *bus = gpu.bus;
        *device = gpu.device;
    }
    return r;
}

/* 0 would end `nvidia-smi vgpu` and `pmon` with "not supported"; which of them a board can, its
 * virtualization mode says. */
static int32_t gate(struct nvml_device *device, uint32_t *out)
{
    struct rpc_gpu gpu;
    int r = device_read(device, out, &gpu);
    if (r == NVML_SUCCESS) {
        *out = 1;
    }
    return r;
}

/* `compute-policy -l`: the one there is, how long a program has the board before the next. */
#define POLICY_TIMESLICE 0
#define TIMESLICE_DEFAULT 0

struct compute_policies {
    uint32_t n;
    struct {
        uint32_t policy, value;
    } items[];
};

static int32_t compute_policies(struct nvml_device *device, struct compute_policies *policies)
{
    struct ref ref;
    int r = board_ref(device, policies, &ref);
    if (r == NVML_SUCCESS) {
        policies->n = 1;
        policies->items[0].policy = POLICY_TIMESLICE;
        policies->items[0].value = TIMESLICE_DEFAULT;
    }
    return r;
}

static int32_t no_processes(struct nvml_device *device, uint32_t *count)
{
    struct rpc_gpu gpu;
    int r = device_read(device, count, &gpu);
    if (r == NVML_SUCCESS) {
        *count = 0;
    }
    return r;
}

/* A number about a board. */
static int32_t zero(struct nvml_device *device, uint32_t *out)
{
    struct ref ref;
    int r = device_ref(device, out, &ref);
    if (r == NVML_SUCCESS) {
        *out = 0;
    }
    return r;
}

static int32_t gpu_part_number(struct nvml_device *device, char *text, uint32_t length)
{
    struct rpc_board facts;
    int r = facts_read(device, text, &facts);
    if (r == NVML_SUCCESS && facts.gpu_part[0] == '\0') {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    return r == NVML_SUCCESS ? text_out(facts.gpu_part, text, length) : r;
}

/* Degrees left up to the limit. */
static int32_t temperature_limit(struct nvml_device *device, int32_t *celsius)
{
    struct rpc_board facts;
    struct rpc_telemetry t;
    int r = facts_read(device, celsius, &facts);
    if (r == NVML_SUCCESS && !facts.tlimit) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = telemetry_read(device, celsius, &t);
    }
    if (r == NVML_SUCCESS) {
        *celsius = (int32_t)facts.max_celsius - (int32_t)t.celsius;
    }
    return r;
}

/* ---- topo -m ---- */

enum path { PATH_ONE_BRIDGE, PATH_BRIDGES, PATH_HOST_BRIDGE, PATH_NODE, PATH_SYSTEM };

/* Between two PCI addresses. */
static int32_t path_between(const char *one, const char *other, uint32_t *path)
{
    struct nvml_device *first = NULL;
    struct nvml_device *second = NULL;
    uint32_t level = 0;
    int r = nvmlDeviceGetHandleByPciBusId_v2(one, &first);
    if (r == NVML_SUCCESS) {
        r = nvmlDeviceGetHandleByPciBusId_v2(other, &second);
    }
    if (r == NVML_SUCCESS) {
        r = nvmlDeviceGetTopologyCommonAncestor(first, second, &level);
    }
    if (r == NVML_SUCCESS) {
        *path = level / 10 > 0 ? level / 10 - 1 : PATH_ONE_BRIDGE; /* NVML counts 10, 20, … 50 */
    }
    return r;
}

/* ---- reset: may it be, which boards go together, do it ---- */

static int32_t reset_fabric(uint32_t *state)
{
    struct rpc_host host;
    int r = host_read(state, &host);
    if (r == NVML_SUCCESS) {
        *state = 0;
    }
    return r;
}

/* No board takes another one with it, so a group needs no memory. */
static int32_t reset_group(const void **group, struct nvml_device *const *devices, uint32_t n)
{
    int r = session_check();
    if (r == NVML_SUCCESS && (group == NULL || devices == NULL || n == 0)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS) {
        *group = table;
    }
    return r;
}

static int32_t reset_group_list(const void *group, char **addresses, uint32_t *n)
{
    (void)group;
    (void)addresses;
    if (n == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    *n = 0;
    return NVML_SUCCESS;
}

static int32_t reset_group_free(const void *group)
{
    (void)group;
    return NVML_SUCCESS;
}

static int32_t reset(uint32_t n, struct nvml_device *const *devices)
{
    session_enter("reset"); /* as `cleave-sim ctl reset` is called */
    int r = session_check();
    if (r == NVML_SUCCESS && devices == NULL) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; r == NVML_SUCCESS && i < n && i < RPC_MAX_GPUS; i++) {
        struct ref ref;
        struct rpc_nothing nothing;
        r = board_ref(devices[i], devices, &ref);
        if (r == NVML_SUCCESS) {
            r = CALL(RESET, &nothing, ref.gpu);
        }
    }
    return r;
}

static int32_t nothing(void)
{
    return NVML_ERROR_NOT_SUPPORTED;
}

static const uint16_t zero_slots[] = {20, 226, 232, 242, 243};

/* Filled when the library is loaded, before anyone can ask. */
__attribute__((constructor)) static void fill_table(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        table[i] = (const void *)(uintptr_t)nothing;
    }
    for (size_t i = 0; i < sizeof(zero_slots) / sizeof(zero_slots[0]); i++) {
        table[zero_slots[i]] = (const void *)(uintptr_t)zero;
    }
    for (size_t i = 0; i < 3; i++) {
        table[SLOT_PROCESSES + i] = (const void *)(uintptr_t)no_processes;
    }
    table[SLOT_GATE] = (const void *)(uintptr_t)gate;
    table[SLOT_COMPUTE_POLICIES] = (const void *)(uintptr_t)compute_policies;
    table[SLOT_PARSE_ADDRESS] = (const void *)(uintptr_t)parse_address;
    table[SLOT_ADDRESS_BY_INDEX] = (const void *)(uintptr_t)address_by_index;
    table[SLOT_PATH] = (const void *)(uintptr_t)path_between;
    table[SLOT_RESET_FABRIC] = (const void *)(uintptr_t)reset_fabric;
    table[SLOT_RESET_GROUP] = (const void *)(uintptr_t)reset_group;
    table[SLOT_RESET_GROUP_LIST] = (const void *)(uintptr_t)reset_group_list;
    table[SLOT_RESET_GROUP_FREE] = (const void *)(uintptr_t)reset_group_free;
    table[SLOT_RESET] = (const void *)(uintptr_t)reset;
    table[SLOT_GPU_PART_NUMBER] = (const void *)(uintptr_t)gpu_part_number;
    table[SLOT_TEMPERATURE_LIMIT] = (const void *)(uintptr_t)temperature_limit;
    table[SLOT_HANDLE_BY_INDEX] = (const void *)(uintptr_t)handle_by_index;
    table[SLOT_SIZE] = (const void *)sizeof(table);
}

EXPORT int32_t nvmlInternalGetExportTable(const void **export_table, const void *id)
{
    static const uint8_t known[16] = {0xc4, 0xfe, 0x3e, 0x6c, 0xc9, 0x8f, 0x6c, 0x4e,
                                      0xa3, 0x27, 0xee, 0x69, 0x6e, 0x12, 0xf7, 0xc4};
    if (export_table == NULL || id == NULL) {
        return NVML_ERROR_INVALID_ARGUMENT;
    }
    if (memcmp(id, known, sizeof(known)) != 0) {
        return NVML_ERROR_NOT_FOUND;
    }
    *export_table = table;
    return NVML_SUCCESS;
}
