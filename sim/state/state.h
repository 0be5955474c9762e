/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated silicon and driver: one struct per host, owned by the cleave-sim daemon. Two faces
 * stand on it: the NVML library (through rpc/) and the kernel's files (through fuse/). Every change
 * goes through a function here, under one lock, and is written to the state file before it returns,
 * so that a killed daemon comes back with what real hardware would have kept.
 *
 * NVML-facing functions return NVML return codes (the NVML_* numbers); kernel-facing ones 0 or
 * -errno. Facts behind each rule: docs/internals/sim.md and the comments at the
 * definitions.
 */
#ifndef SIM_STATE_STATE_H
#define SIM_STATE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pci.h"
#include "catalog/catalog.h"
#include "sim/state/setting.h"

#define SIM_MAX_GPUS 16
#define SIM_MAX_GIS 16
#define SIM_MAX_CIS 8
#define SIM_MAX_VFS 64
#define SIM_MAX_MDEVS 64
#define SIM_MAX_EXTRAS 32
#define SIM_MAX_IDS 32
#define SIM_MAX_FAULTS 64
#define SIM_MAX_EVENTS 128
#define SIM_NONE UINT32_MAX

/* Character devices of NVIDIA's driver: its own number (Linux allocated devices, 195), in which
 * nvidiactl is the last; and one that the kernel gives it for /dev/nvidia-caps. */
#define SIM_NVIDIA_MAJOR 195u
#define SIM_NVIDIACTL_MINOR 255u
#define SIM_CAPS_MAJOR 236u

/* Version that decides the kernel's vGPU interface: before 6.8 mdev, from 6.8 on vendor VFIO. */
enum sim_iface { SIM_MDEV, SIM_VENDOR_VFIO };

struct sim_ci {
    uint32_t id;
    uint32_t profile;     /* NVML_COMPUTE_INSTANCE_PROFILE_* */
    uint32_t start, size; /* compute slices inside the GI */
    char uuid[48];        /* "MIG-…" */
};

/* How the vGPUs of a GI share its engines; policy 0: as the driver starts. */
struct sim_gi_scheduler {
    uint32_t policy, arr, avg_factor, frequency, timeslice_ns;
};

struct sim_gi {
    uint32_t id;
    const struct cat_profile *profile;
    uint32_t start;
    bool heterogeneous;
    struct sim_gi_scheduler scheduler;
    struct sim_ci cis[SIM_MAX_CIS];
    uint32_t n_cis;
};

/* Bytes that vgpu_params takes, a newline among them (VGPU_CONFIG_PARAMS_MAX_LENGTH of
 * nvidia-vgpu-vfio, 460.73.01). */
#define SIM_PARAMS_MAX 1024

/* A vGPU; lives on a VF (vendor VFIO or mdev) or on the PF (mdev without SR-IOV). */
/* Of a vGPU that runs (nvml.h, NVML_GRID_LICENSE_STATE_*). Names are in requests. */
enum sim_licence {
    SIM_LICENCE_UNRESTRICTED, /* "unrestricted": none, not held back yet */
    SIM_LICENCE_UNINITIALIZED,
    SIM_LICENCE_RESTRICTED,
    SIM_LICENCE_UNLICENSED,
    SIM_LICENCE_LICENSED,
    SIM_LICENCE_COUNT
};
WORDS_DECLARE(sim_licence, sim_licence_words)

struct sim_vgpu {
    bool exists;
    const struct cat_vgpu_type *type;
    uint32_t instance;           /* NVML vGPU instance id, unique on the host */
    uint32_t gi_id;              /* SIM_NONE if time-sliced */
    uint32_t placement_id;       /* SIM_NONE if not applicable */
    char uuid[40];               /* vGPU UUID; with mdev also the device's name */
    char params[SIM_PARAMS_MAX]; /* vgpu_params as written */
    int32_t opener;              /* pid of the emulator that has it open, 0 none */
    char vm_uuid[40];            /* of that emulator's -uuid */
    uint32_t iommu_group;        /* of the mdev; a vendor-VFIO vGPU uses its VF's */
    enum sim_licence licence;    /* of the VM that has it open */
    uint64_t licensed_until_us;  /* realtime; 0: licensed without an end */
};

/* What a function's files keep and no one else looks at. Not hardware: the state file does not keep
 * it. */
struct sim_knobs {
    uint32_t enabled; /* how often by its enable file */
    bool broken_parity, d3cold, power_auto;
    bool no_reset;          /* no method is left */
    char reset_methods[16]; /* as written; "": those that there are */
};

#define SIM_OVERRIDE_SIZE 64
struct sim_vf {
    struct pci_addr addr;
    char driver[16];                         /* "nvidia", "vfio-pci", "" */
    char driver_override[SIM_OVERRIDE_SIZE]; /* "" none */
    struct sim_knobs knobs;
    uint32_t iommu_group;
    bool removed; /* by its `remove` file; back only when VFs are made again */
    struct sim_vgpu vgpu;
    uint32_t wanted_placement; /* vgpu-placement-id of vgpu_params, SIM_NONE */
};

/* Memory errors since the driver was loaded, and in the board's life. */
struct sim_ecc {
    uint64_t volatile_count, aggregate_count;
};

/* How the driver chooses the GPU instance of a vGPU among those that have room for it. NVIDIA's
 * driver chooses on its own and documents no order (open-gpu-kernel-modules, kernel_vgpu_mgr.c), so
 * that each is possible. Names are in host files. */
enum sim_choice {
    SIM_CHOOSE_FILL,   /* "fill": one that has vGPUs before an empty one, by id */
    SIM_CHOOSE_SPREAD, /* "spread": the one with the fewest vGPUs, by id */
    SIM_CHOOSE_RANDOM, /* "random": by the host's seed */
    SIM_CHOICE_COUNT
};
WORDS_DECLARE(sim_choice, sim_choice_words)

struct sim_gpu {
    const struct gpu_model *model;
    struct pci_addr addr;
    uint32_t pci_device, pci_subsystem;
    char name[96];
    char uuid[48]; /* "GPU-…", made from host name and BDF, stable */
    char serial[16];
    int32_t numa_node;
    uint32_t iommu_group;
    uint32_t minor;
    char driver[16]; /* PF: "nvidia", "vfio-pci", "" */
    char driver_override[SIM_OVERRIDE_SIZE];
    struct sim_knobs knobs;
    int32_t opener; /* pass-through: pid of the emulator, 0 none; without a driver: it still has
                       the GPU, and who unbound it waits */
    char vm_uuid[40];
    bool mig_current, mig_pending;
    bool heterogeneous; /* device-level mixed-size mode */
    uint32_t vfs_total;
    uint32_t n_vfs; /* enabled */
    struct sim_vf vfs[SIM_MAX_VFS];
    struct sim_gi gis[SIM_MAX_GIS];
    uint32_t n_gis;
    struct sim_vgpu pf_vgpus[SIM_MAX_MDEVS]; /* mdevs on the PF (no SR-IOV) */
    uint32_t scheduler_policy; /* NVML: 0 unknown, 1 best effort, 2 equal, 3 fixed share */
    bool lost;                 /* fell off the bus: NVML 15 everywhere */
    bool returns;           /* lost until it is removed and the bus scanned; else until a reboot */
    bool wedged;            /* needs a reset before it does anything: NVML 16 everywhere */
    uint32_t sriov_offset;  /* routing id of the first VF minus the PF's; stride is 1 */
    uint32_t vf_group_base; /* IOMMU group of the first VF; the others follow */
    bool persistenced;      /* nvidia-persistenced keeps the driver on it */
    bool no_reset;          /* the platform exposes no reset (host file `reset: false`) */
    enum sim_choice choice;
    char holder[32]; /* a host process that has the GPU open ("dcgm"), "" none */
    uint32_t busy;   /* bit of a first memory slice: a host program runs on the GI there */
    struct sim_ecc corrected, uncorrected;
    uint32_t last_xid; /* 0 none since the driver was loaded */
    uint32_t settings[SIM_SETTING_COUNT];
    struct {
        uint64_t energy_uj, at_us; /* since the driver was loaded; read at (monotonic clock) */
    } meter;                       /* not hardware: the state file does not keep it */
    bool removed;                  /* by its `remove` file, until a rescan */
    bool sriov_no_autoprobe;
    bool unbind_lock;         /* taken: the driver lets go of the GPU at once when it is unbound */
    uint32_t n_locks_refused; /* so far, of who asked for it; the state file does not keep it */
};

/* Another PCI function that shares an IOMMU group with a GPU (host file `group_members`). */
struct sim_extra {
    struct pci_addr addr;
    uint32_t pci_vendor, pci_device, pci_class; /* class: 0x040300 audio, 0x060400 bridge */
    uint32_t iommu_group;
    bool removed;
    char home_driver[16]; /* what the kernel binds it to: "snd_hda_intel", "pcieport" */
    char driver[16];
    char driver_override[SIM_OVERRIDE_SIZE];
    int32_t opener; /* with vfio-pci: pid of the emulator, 0 none */
    char vm_uuid[40];
    struct sim_knobs knobs;
};

/* What a write to a driver's new_id file added to its table. */
struct sim_id {
    char driver[16];
    uint32_t vendor, device;
};

/* Bits of NVML's event types (nvml.h). */
#define SIM_EVENT_SINGLE_BIT_ECC 0x1u
#define SIM_EVENT_DOUBLE_BIT_ECC 0x2u
#define SIM_EVENT_XID 0x8u

struct sim_event {
    uint32_t gpu; /* index in sim_host.gpus */
    uint64_t type;
    uint64_t data; /* the Xid */
};

/* See fault.h. */
struct sim_fault {
    uint32_t id;
    uint32_t bit; /* of those armed now, for struct sim_met */
    char at[128];
    char device[BDF_SIZE]; /* "" any */
    bool reads, writes;
    int nvml, errnum; /* 0 none */
    uint64_t delay_us;
    bool hang, lost, returns, wedged;
    uint32_t xid; /* 0 none */
    bool corrected, uncorrected;
    uint32_t after, count; /* count: strikes left, SIM_NONE without end */
    double probability;
    uint64_t until_us; /* monotonic clock; 0 never */
    uint64_t random;   /* state of its own generator */
    uint64_t seen, struck;
};

/* Versions of the protocol between vGPU manager and guests. */
struct sim_version_range {
    uint32_t oldest, newest;
};

struct sim_host {
    pthread_mutex_t lock; /* held by callers of every function below but load/save/free */
    char name[64];
    char driver_version[32]; /* "580.105.08" */
    char kernel[64];         /* "6.8.0-60-generic" */
    char boot_id[37];        /* another one after each reboot */
    uint32_t driver_loads;   /* of the NVIDIA driver's module, ever */
    enum sim_iface iface;
    bool hypervisor_mig_timeslicing;
    bool vgpu_host;                 /* vGPU manager installed */
    bool open_modules;              /* the driver's flavour */
    char guest_driver[32];          /* in every guest; "": the host's version */
    char os_id[24], os_version[16]; /* of os-release; "": that of the machine below */
    bool unloaded;                  /* the NVIDIA driver: its module is not loaded */
    struct sim_gpu gpus[SIM_MAX_GPUS];
    uint32_t n_gpus;
    uint32_t next_vgpu_instance;
    uint64_t changes; /* grows with each change: clients may poll it */
    struct sim_extra extras[SIM_MAX_EXTRAS];
    uint32_t n_extras;
    struct sim_id ids[SIM_MAX_IDS];
    uint32_t n_ids;
    bool no_autoprobe; /* the PCI bus: a driver that is loaded takes nothing on its own */
    struct sim_version_range vgpu_versions; /* an administrator's; newest 0: the driver's own */
    struct sim_fault faults[SIM_MAX_FAULTS];
    uint32_t n_faults;
    uint32_t next_fault;
    uint64_t seed;       /* of the faults' chances, the boards' load, the choice of instances */
    uint64_t choices;    /* random ones so far */
    uint64_t started_us; /* monotonic clock: the load is a function of the time since */
    bool closing;        /* no one waits for anything any more */
    struct sim_event events[SIM_MAX_EVENTS];
    uint64_t n_events; /* ever: event n is at n % SIM_MAX_EVENTS */
    char *state_path;  /* NULL: not saved */
    char notice[1024]; /* "" or what went wrong with the state file, for the daemon to say */
    /* Called under the lock after each change, before the call that made it returns; may be NULL.
     */
    void (*on_change)(struct sim_host *host, void *data);
    void *on_change_data;
    /* Under the lock, before a reboot: ends what runs on the host. May be NULL. */
    void (*on_power_off)(void *data);
    void *on_power_off_data;
    /* How many processes have NVML open; NULL: none. Under the lock. */
    uint32_t (*nvml_clients)(void *data);
    void *nvml_clients_data;
    /* Asked before each change from outside, so that what an emulator held is free when it has
     * ended, not a moment later; NULL: no one is asked. Under the lock. */
    bool (*process_lives)(int32_t pid);
    /* Can a call be at a fault's place? NULL: not known, and each may be one. */
    bool (*has_place)(const char *at);
    bool nvml_holds_gpus; /* and keep GPUs from being unbound, as on a real host */
    /* What the machine's own kernel says in /proc/modules and /proc/devices, for the simulated one
     * to go on from; NULL: it has no such file. */
    char *own_modules, *own_devices;
    const struct catalog *catalog;
    struct gpu_model *completed[SIM_MAX_GPUS]; /* see complete.h */
    uint32_t n_completed;
    uint64_t busy_us;      /* time spent inside the simulated driver, for benches */
    uint64_t locked_at_us; /* sim_lock()'s clock */
};

/* Reads a host file (data/hosts, YAML); every mistake names file, line and key. A path that starts
 * with "board:" is a list of boards (board.h). */
int sim_host_load(const char *path, const struct catalog *catalog, struct sim_host **ret_host,
                  struct error *err);
/* What a host file says, said again; NULL: the file's. */
struct sim_host_changes {
    const char *name, *driver, *kernel;
};
int sim_host_load_as(const char *path, const struct sim_host_changes *changes,
                     const struct catalog *catalog, struct sim_host **ret_host, struct error *err);
/* Restores from / keeps saving to a state file. */
int sim_host_attach_state(struct sim_host *host, const char *state_path, struct error *err);
void sim_host_free(struct sim_host *host);
DEFINE_FREEP(struct sim_host *, sim_host_free)
/* The end is near: calls that faults delay or hold come back. Takes the lock itself. */
void sim_close(struct sim_host *host);
/* pthread_mutex_lock/unlock on host->lock that also count the time in between as busy_us. */
void sim_lock(struct sim_host *host);
void sim_unlock(struct sim_host *host);

struct sim_gpu *sim_find_gpu(struct sim_host *host, const struct pci_addr *addr);
struct sim_vf *sim_find_vf(struct sim_host *host, const struct pci_addr *addr,
                           struct sim_gpu **ret_gpu);
struct sim_gi *sim_find_gi(struct sim_gpu *gpu, uint32_t id);
struct sim_ci *sim_find_ci(struct sim_gi *gi, uint32_t id);
struct sim_extra *sim_find_extra(struct sim_host *host, const struct pci_addr *addr);
/* The mdev of that UUID; its parent is *ret_vf, or the PF when *ret_vf is NULL. */
struct sim_vgpu *sim_find_mdev(struct sim_host *host, const char *uuid, struct sim_gpu **ret_gpu,
                               struct sim_vf **ret_vf);
/* Every vGPU of a GPU in turn: start with *cursor = 0; NULL at the end. *ret_vf NULL: on the PF. */
struct sim_vgpu *sim_next_vgpu(struct sim_gpu *gpu, uint32_t *cursor, struct sim_vf **ret_vf);
/* Minor number below /dev/nvidia-caps of a GPU instance, or of a compute instance in it (ci not
 * NULL). */
uint32_t sim_cap_minor(const struct sim_gpu *gpu, const struct sim_gi *gi, const struct sim_ci *ci);
/* What the driver counts of the board's memory, by the ECC mode; what it keeps of that for itself;
 * the window to it. Nominal where no source gives the board's own. */
uint32_t sim_memory_mib(const struct sim_gpu *gpu);
uint32_t sim_reserved_mib(const struct sim_gpu *gpu);
uint64_t sim_bar1_mib(const struct sim_gpu *gpu);
bool sim_has_hbm(const struct gpu_model *model);
/* PCI Express generations: what the link can, and what it is now. */
uint32_t sim_link_generation_max(const struct sim_gpu *gpu);
uint32_t sim_link_generation(struct sim_gpu *gpu);
/* NVML index → GPU: only those bound to nvidia, by PCI address. NULL past the end. */
struct sim_gpu *sim_nvml_gpu(struct sim_host *host, uint32_t index);
uint32_t sim_nvml_count(struct sim_host *host);

/* ---- NVML-facing: return NVML codes ---- */
/* *ret_activation is what nvmlDeviceSetMigMode reports: 0, 19 (in use) or 16 (reset required). */
int sim_set_mig_mode(struct sim_host *host, struct sim_gpu *gpu, bool on, int *ret_activation);
/* start SIM_NONE: the driver chooses. */
int sim_gi_create(struct sim_host *host, struct sim_gpu *gpu, const struct cat_profile *profile,
                  uint32_t start, struct sim_gi **ret_gi);
int sim_gi_destroy(struct sim_host *host, struct sim_gpu *gpu, uint32_t gi_id);
/* How many more there may be; with MIG off, where the mode changes without a reset, too. */
uint32_t sim_gi_remaining(struct sim_gpu *gpu, const struct cat_profile *profile);
int sim_ci_create(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                  uint32_t ci_profile, struct sim_ci **ret_ci);
/* At slice wanted_start; SIM_NONE: the driver chooses, as above. */
int sim_ci_create_at(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                     uint32_t ci_profile, uint32_t wanted_start, struct sim_ci **ret_ci);
int sim_ci_destroy(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi, uint32_t ci_id);
/* Does a host program run on the instance? */
bool sim_gi_is_busy(const struct sim_gpu *gpu, const struct sim_gi *gi);
int sim_set_heterogeneous(struct sim_host *host, struct sim_gpu *gpu, bool on);
int sim_gi_set_heterogeneous(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                             bool on);
/* policy: 1 best effort, 2 equal share, 3 fixed share. */
int sim_set_scheduler(struct sim_host *host, struct sim_gpu *gpu, uint32_t policy);
int sim_gi_set_scheduler(struct sim_host *host, struct sim_gpu *gpu, struct sim_gi *gi,
                         const struct sim_gi_scheduler *scheduler);
/* The caller has checked the value. */
int sim_set_setting(struct sim_host *host, struct sim_gpu *gpu, enum sim_setting setting,
                    uint32_t value);
void sim_clear_ecc(struct sim_host *host, struct sim_gpu *gpu, bool aggregate);
/* nvidia-smi -r: IN_USE while anything holds the GPU; a pending MIG mode takes effect. */
int sim_gpu_reset(struct sim_host *host, struct sim_gpu *gpu);
/* The kernel's: whatever driver the function has, or none. */
int sim_function_reset(struct sim_host *host, struct sim_gpu *gpu);
/* Types that could be created now on the GPU (NVML "creatable"); returns the count written. */
uint32_t sim_creatable_types(struct sim_host *host, struct sim_gpu *gpu,
                             const struct cat_vgpu_type **ret_types, uint32_t max);
/* Types the GPU supports at all under the hypervisor's settings (time-sliced MIG-backed hidden when
 * the hypervisor's switch is off). A type without a known id gets one from 60000 on, stable per
 * model: sim_type_id(). */
uint32_t sim_supported_types(struct sim_host *host, struct sim_gpu *gpu,
                             const struct cat_vgpu_type **ret_types, uint32_t max);
uint32_t sim_type_id(const struct gpu_model *model, const struct cat_vgpu_type *type);
const struct cat_vgpu_type *sim_type_by_id(const struct gpu_model *model, uint32_t type_id);

/* 580 of "580.105.08". */
uint32_t sim_driver_branch(const struct sim_host *host);
/* Does the host's driver know the number NVML_GPU_INSTANCE_PROFILE_*? */
bool sim_driver_has_profile(const struct sim_host *host, uint32_t number);
/* What the driver can, and what an administrator left of it. */
struct sim_version_range sim_vgpu_versions_preset(const struct sim_host *host);
struct sim_version_range sim_vgpu_versions(const struct sim_host *host);
/* Until the driver is loaded again. INVALID_ARGUMENT beyond what it can; IN_USE under VMs. */
int sim_set_vgpu_versions(struct sim_host *host, struct sim_version_range range);
/* The parameter that keeps a vGPU from being migrated (vGPU user guide 17, "Migrating a VM
 * Configured with vGPU": unified memory, debuggers, profilers), or NULL. */
const char *sim_vgpu_unmovable(const struct sim_vgpu *vgpu);

/* ---- kernel-facing: return 0 or -errno ---- */
int sim_bind(struct sim_host *host, const struct pci_addr *addr, const char *driver);
int sim_unbind(struct sim_host *host, const struct pci_addr *addr, const char *driver);
int sim_set_driver_override(struct sim_host *host, const struct pci_addr *addr, const char *driver);
int sim_drivers_probe(struct sim_host *host, const struct pci_addr *addr);
/* drivers_autoprobe of the bus (gpu NULL), or of the VFs that the GPU will get. */
void sim_set_autoprobe(struct sim_host *host, struct sim_gpu *gpu, bool on);
/* A driver's new_id: what is unbound and matches is bound at once. -EEXIST, -ENOSPC. */
int sim_new_id(struct sim_host *host, const char *driver, uint32_t vendor, uint32_t device);
int sim_remove_id(struct sim_host *host, const char *driver, uint32_t vendor, uint32_t device);
/* A function's `remove` file, and the bus's `rescan`. */
int sim_remove(struct sim_host *host, const struct pci_addr *addr);
void sim_rescan(struct sim_host *host);
/* Do more than `own` processes have NVML open, and so the GPUs? */
bool sim_nvml_open(const struct sim_host *host, uint32_t own);
/* The driver's unbindLock file: granted when no one has the GPU open. */
void sim_set_unbind_lock(struct sim_host *host, struct sim_gpu *gpu, bool on);
/* What sriov-manage -e/-d does: rebinds the driver (so GIs and the mixed-size flag are wiped),
 * makes or removes the VFs. */
int sim_sriov(struct sim_host *host, struct sim_gpu *gpu, bool enable);
/* Vendor VFIO: current_vgpu_type. type_id 0 deletes. The driver picks GI and placement. */
int sim_vf_set_type(struct sim_host *host, struct sim_gpu *gpu, struct sim_vf *vf,
                    uint32_t type_id);
uint32_t sim_vf_creatable(struct sim_host *host, struct sim_gpu *gpu, struct sim_vf *vf,
                          const struct cat_vgpu_type **ret_types, uint32_t max);
int sim_vf_set_params(struct sim_host *host, struct sim_gpu *gpu, struct sim_vf *vf,
                      const char *params);
/* The same for any vGPU (an mdev on the PF has no VF). */
int sim_vgpu_set_params(struct sim_host *host, struct sim_gpu *gpu, struct sim_vgpu *vgpu,
                        const char *params);
/* mdev: parent is a VF (SR-IOV boards) or the PF. */
int sim_mdev_create(struct sim_host *host, const struct pci_addr *parent, uint32_t type_id,
                    const char *uuid);
int sim_mdev_remove(struct sim_host *host, const char *uuid);
uint32_t sim_mdev_available(struct sim_host *host, const struct pci_addr *parent,
                            const struct cat_vgpu_type *type);
/* The emulator opened / closed an assigned device (called by the emulator wrapper through ctl).
 * -EBUSY when another process has it. `name` is a BDF or an mdev UUID. */
int sim_open_device(struct sim_host *host, const char *name, int32_t pid, const char *vm_uuid);
/* The VM that just opened the vGPU has a client configuration token, or not. */
void sim_licence_start(struct sim_vgpu *vgpu, bool has_token);
/* until: RFC 3339, of a licence alone; "": without an end. -EINVAL: no such state or time. */
int sim_set_licence(struct sim_host *host, struct sim_vgpu *vgpu, const char *state,
                    const char *until);
void sim_close_device(struct sim_host *host, const char *name, int32_t pid);
/* Has an emulator any device of the IOMMU group open? */
bool sim_group_is_open(struct sim_host *host, uint32_t group);
/* Closes what processes hold that `alive` denies: the kernel does so when an emulator dies. */
void sim_forget_dead(struct sim_host *host, bool (*alive)(int32_t pid));
/* What tests and demonstrations do to a host from outside: "lost" (0/1/rescan), "wedged",
 * "no_reset" (0/1), "holder", "busy" (a mask of first memory slices), "instance_choice" (fill,
 * spread, random). */
int sim_set(struct sim_host *host, struct sim_gpu *gpu, const char *key, const char *value);

/* ---- what the driver reports on its own ---- */
void sim_raise_xid(struct sim_host *host, struct sim_gpu *gpu, uint32_t xid);
void sim_raise_ecc(struct sim_host *host, struct sim_gpu *gpu, bool uncorrected);
/* The GPU falls off the bus: until a reboot, or until it is removed and the bus scanned. */
void sim_lose(struct sim_host *host, struct sim_gpu *gpu, bool returns);
/* The GPU needs a reset, by nvidia-smi or its `reset` file; a reboot is one, too. */
void sim_wedge(struct sim_host *host, struct sim_gpu *gpu);
/* The next event from *cursor on (start with n_events for what is still to come), NULL if none. */
const struct sim_event *sim_next_event(const struct sim_host *host, uint64_t *cursor);

/* ---- life ---- */
void sim_reboot(struct sim_host *host);       /* what survives: Ampere's MIG mode */
int sim_driver_reload(struct sim_host *host); /* -EBUSY while a VM has a device */
/* Its two halves: a host whose driver loads late is a reboot and an unload. NVML and the driver's
 * files are not there in between. */
int sim_driver_unload(struct sim_host *host);
void sim_driver_load(struct sim_host *host);

#endif
