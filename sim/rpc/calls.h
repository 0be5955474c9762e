/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The binary requests behind the simulated NVML library. There are few of them, each answered from
 * one moment's state: NVML's many getters are views of these replies, made on the client's side.
 *
 * One request is one SEQPACKET message of fixed size, one reply one message: a header and at most
 * one payload. Both ends are built from this file; a client of another build is refused.
 */
#ifndef SIM_RPC_CALLS_H
#define SIM_RPC_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/state/fault.h"

#define RPC_MAGIC 0x434c5607u /* changes with every change of a structure below */
#define RPC_NONE UINT32_MAX
#define RPC_MAX_GPUS 16
#define RPC_MAX_INSTANCES 16
#define RPC_MAX_COMPUTE 8
#define RPC_MAX_PLACEMENTS 64
#define RPC_MAX_TYPES 256
#define RPC_MAX_VGPUS 128
#define RPC_MAX_SAMPLES 100

/* X(symbol, payload type, changes state, arguments). `gpu` is the simulated host's own
 * number of a board, which no driver change moves. */
#define RPC_CALL_MAP(X)                                                                            \
    X(HOST, struct rpc_host, 0, "")                                                                \
    X(GPU, struct rpc_gpu, 0, "gpu")                                                               \
    X(PROFILE, struct rpc_profile, 0, "gpu, enum rpc_key, number")                                 \
    X(INSTANCES, struct rpc_instances, 0, "gpu")                                                   \
    X(TYPES, struct rpc_types, 0, "gpu, enum rpc_types_kind, GI or none")                          \
    X(TYPE, struct rpc_type, 0, "gpu or none, type id")                                            \
    X(PLACEMENTS, struct rpc_placements, 0, "gpu, GI or none, type id, creatable, homogeneous")    \
    X(VGPUS, struct rpc_vgpus, 0, "gpu or none")                                                   \
    X(SET_MIG, struct rpc_activation, 1, "gpu, on")                                                \
    X(GI_CREATE, struct rpc_id, 1, "gpu, profile id, start or none")                               \
    X(GI_DESTROY, struct rpc_nothing, 1, "gpu, GI")                                                \
    X(CI_CREATE, struct rpc_id, 1, "gpu, GI, CI profile, start or none")                           \
    X(CI_DESTROY, struct rpc_nothing, 1, "gpu, GI, CI")                                            \
    X(SET_MIXED, struct rpc_nothing, 1, "gpu, GI or none, on")                                     \
    X(SET_SCHEDULER, struct rpc_nothing, 1,                                                        \
      "gpu, policy, ARR mode, average factor, frequency, time slice")                              \
    X(GI_SCHEDULER, struct rpc_nothing, 1,                                                         \
      "gpu, GI, policy, ARR mode, average factor, frequency, time slice")                          \
    X(SET, struct rpc_nothing, 1, "gpu, enum sim_setting, value, and another two")                 \
    X(SET_VGPU_VERSIONS, struct rpc_nothing, 1, "oldest, newest")                                  \
    X(ECC_CLEAR, struct rpc_nothing, 1, "gpu, aggregate")                                          \
    X(RESET, struct rpc_nothing, 1, "gpu")                                                         \
    X(BOARD, struct rpc_board, 0, "gpu")                                                           \
    X(TELEMETRY, struct rpc_telemetry, 0, "gpu")                                                   \
    X(SAMPLES, struct rpc_samples, 0, "gpu")                                                       \
    X(EVENT, struct rpc_event, 0, "cursor, its upper half")

enum rpc_call {
#define RPC_CALL_ENUM(sym, payload, changes, args) RPC_##sym,
    RPC_CALL_MAP(RPC_CALL_ENUM)
#undef RPC_CALL_ENUM
        RPC_CALL_COUNT,
    RPC_CONTROL = 0x6a736f6e /* JSON text follows in messages of its own */
};

#define RPC_MAX_ARGS 8
#define RPC_MAX_FUNCTION 64
struct rpc_request {
    uint32_t magic;
    uint32_t call;
    uint32_t args[RPC_MAX_ARGS];
    /* The exported function that the client is in, "" unknown: armed faults name it. */
    char function[RPC_MAX_FUNCTION];
    struct sim_met met; /* by the call of it that this request is a part of */
};

/* A reply's first bytes; `size` bytes of payload follow, none unless `code` is NVML_SUCCESS. */
struct rpc_reply {
    int32_t code;
    uint32_t size;
    struct sim_met met; /* for the call's next request */
};

struct rpc_nothing {
    uint32_t unused;
};

/* What a board is found by, also when it answers nothing. */
struct rpc_name {
    uint32_t domain, bus, device;
    char uuid[48];
    char serial[16];
};

struct rpc_host {
    char name[64];
    char driver_version[32];
    uint32_t branch; /* 580 of "580.105.08" */
    uint32_t n_nvml; /* GPUs that the NVIDIA driver owns, in NVML order */
    uint32_t nvml[RPC_MAX_GPUS];
    struct rpc_name names[RPC_MAX_GPUS]; /* in the same order */
    uint32_t vgpu_host;                  /* vGPU manager installed */
    char guest_driver[32];               /* in every guest */
    uint32_t mdev;                       /* the kernel's vGPU interface is mdev */
    struct sim_version_range vgpu_versions_preset, vgpu_versions;
};

struct rpc_gpu {
    char name[96];
    char uuid[48];
    char serial[16];
    uint32_t index; /* NVML index */
    uint32_t minor;
    uint32_t domain, bus, device;
    uint32_t pci_id, pci_subsystem; /* device << 16 | vendor */
    int32_t numa_node;              /* the processor's that it is next to */
    int32_t own_numa_node; /* of its memory, where that is one of the system's nodes; else -1 */
    uint64_t memory_bytes, reserved_bytes, used_bytes;
    uint64_t bar1_bytes;
    uint32_t link_generation; /* of PCI Express, now */
    uint32_t arch;            /* NVML's number */
    uint32_t sm;              /* multiprocessors of the largest profile, RPC_NONE unknown */
    uint32_t mig_capable, mig_current, mig_pending;
    uint32_t max_instances, compute_slices, memory_slices;
    uint32_t vgpu_host; /* can host vGPUs now */
    uint32_t sriov, vfs_enabled;
    uint32_t mixed_capable, mixed; /* mixed-size mode */
    uint32_t scheduler_policy;
    uint32_t timesliced_mig_capable, timesliced_mig_enabled;
    uint32_t has_me_profiles, has_double_memory;
    uint32_t settings[SIM_SETTING_COUNT];
};

/* What a board is, whatever it does. Texts are "" where no source tells. */
struct rpc_board {
    uint32_t power_mw, min_power_mw; /* its limit by default, and the lowest that can be set */
    uint32_t graphics_mhz, lowest_mhz, memory_mhz, video_mhz;
    uint32_t max_celsius, slowdown_celsius, shutdown_celsius;
    uint32_t pcie_generation;
    uint32_t remap_banks;
    bool hbm;
    bool tlimit; /* temperatures are reported as distances from a limit */
    bool row_remapper, page_retirement;
    char vbios[32], board_part[32], gpu_part[32];
    char inforom_image[32], inforom_oem[16], inforom_ecc[16];
};

/* Percent of the board. */
struct rpc_usage {
    uint32_t sm, memory, encoder, decoder, jpeg, ofa;
};

struct rpc_sample {
    uint64_t time_us; /* since 1970 */
    struct rpc_usage usage;
    uint32_t power_mw;
    uint32_t graphics_mhz, memory_mhz, video_mhz;
    uint32_t pcie_tx_kib, pcie_rx_kib; /* per second */
    uint32_t pstate;
    uint32_t reasons; /* for clocks below the highest, nvmlClocksEventReason… */
};

struct rpc_ecc {
    uint64_t volatile_count, aggregate_count;
};

struct rpc_telemetry {
    struct rpc_sample now;
    uint32_t limit_mw; /* enforced */
    uint64_t energy_mj;
    uint32_t celsius, memory_celsius;
    struct rpc_ecc corrected, uncorrected;
    uint32_t last_xid;
    uint64_t uptime_us; /* of the host */
};

struct rpc_samples {
    uint32_t n;
    uint32_t period_us;
    struct rpc_sample items[RPC_MAX_SAMPLES]; /* oldest first */
};

struct rpc_event {
    uint64_t next;   /* cursor after this one; the cursor of the newest for a cursor of -1 */
    uint32_t exists; /* else nothing has happened since */
    uint32_t gpu;
    uint64_t type, data;
};

/* How PROFILE finds a GPU instance profile. */
enum rpc_key { RPC_BY_NUMBER, RPC_BY_ID };

struct rpc_placement {
    uint32_t start, size;
};

struct rpc_profile {
    char name[64];       /* "1g.24gb+gfx" */
    uint32_t id, number; /* -lgip id; NVML's profile number */
    uint32_t compute_slices, memory_slices, max_instances, remaining;
    uint32_t sm, copy_engines, decoders, encoders, jpeg, ofa;
    uint32_t gfx;
    uint64_t memory_mib;
    uint32_t n_placements;
    struct rpc_placement placements[RPC_MAX_PLACEMENTS];
};

struct rpc_compute {
    uint32_t id, profile, start, size;
    uint32_t index; /* of the MIG device, among those of the board */
    char uuid[48];  /* of the MIG device */
};

struct rpc_instance {
    uint32_t id, profile_id;
    struct rpc_placement placement;
    uint32_t mixed;
    uint32_t busy; /* a host program runs there */
    struct {
        uint32_t policy, arr, avg_factor, frequency, timeslice_ns; /* policy 0: the driver's own */
    } scheduler;
    uint32_t n_compute;
    struct rpc_compute compute[RPC_MAX_COMPUTE];
};

/* By id, and so are the compute instances of each. */
struct rpc_instances {
    uint32_t n;
    struct rpc_instance items[RPC_MAX_INSTANCES];
};

enum rpc_types_kind { RPC_SUPPORTED, RPC_CREATABLE };

struct rpc_types {
    uint32_t n;
    uint32_t ids[RPC_MAX_TYPES];
};

struct rpc_type {
    char name[64]; /* full: "NVIDIA L40S-8Q" */
    char series;
    uint32_t id;
    uint32_t pci_id, pci_subsystem; /* device << 16 | vendor */
    uint64_t framebuffer_mib;
    uint32_t mig_backed;
    uint32_t gi_profile_id; /* RPC_NONE when time-sliced */
    uint32_t max_per_gpu, max_per_gi;
};

struct rpc_placements {
    uint32_t size;
    uint32_t n;
    uint32_t ids[RPC_MAX_PLACEMENTS];
};

struct rpc_vgpu {
    uint32_t gpu; /* the host's number of the board */
    uint32_t instance, type_id;
    uint32_t gi_id, placement_id;           /* RPC_NONE */
    uint32_t domain, bus, device, function; /* of the VF, or of the board */
    uint64_t framebuffer_mib;
    uint32_t running;           /* a VM has it open */
    uint32_t unmovable;         /* by a parameter of its own */
    uint32_t licence;           /* as NVML numbers its states */
    uint64_t licensed_until_us; /* 0: without an end */
    struct rpc_usage usage;
    uint64_t used_mib;
    char uuid[40];
    char mdev_uuid[40]; /* "" with vendor VFIO */
    char vm_uuid[40];   /* "" while no VM has it */
};

struct rpc_vgpus {
    uint32_t n;
    struct rpc_vgpu items[RPC_MAX_VGPUS];
};

struct rpc_activation {
    int32_t status;
};

struct rpc_id {
    uint32_t id;
};

#define RPC_MAX_PAYLOAD 65536
_Static_assert(sizeof(struct rpc_vgpus) <= RPC_MAX_PAYLOAD, "a reply fits one message");
_Static_assert(sizeof(struct rpc_instances) <= RPC_MAX_PAYLOAD, "a reply fits one message");

#endif
