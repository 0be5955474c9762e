/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host as it is observed: GPUs, their instances, virtual functions, vGPUs and VMs. Plain data:
 * ports fill it, and src/watch adds what cleaved knows better (watch/vm_overlay.h, seen.h, made.h).
 * Unknown is a value, which each field names: TRI_UNKNOWN, NO_ID, -1, "", a `_known` companion; 0
 * only where a known value can't be 0.
 */
#ifndef MODEL_HOST_H
#define MODEL_HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/pci.h"
#include "base/unknown.h"
#include "base/vec.h"
#include "base/words.h"
#include "model/board.h"
#include "model/gpu_scheduler.h"
#include "model/vgpu_licence.h"
#include "model/vgpu_share.h"
#include "schema/schema.h"

#define NAME_SIZE 64
/* A VM's name. libvirt's QEMU driver writes its definition as NAME.xml.new before it renames it to
 * NAME.xml (virFileRewrite() in libvirt's src/util/virfile.c), so that NAME_MAX leaves 247 bytes:
 * seen with 11.3. Other hypervisors' drivers set no limit: see vm_known_as(). */
#define VM_NAME_SIZE 256
#define GPU_UUID_SIZE 48

/* What a GPU is used as; transitions are in plan/mode.h. Names are stored and never change. */
enum gpu_mode { GPU_IDLE, GPU_PASSTHROUGH, GPU_TIME_SLICED, GPU_MIG, GPU_MODE_COUNT };
WORDS_DECLARE(gpu_mode, gpu_mode_words)

/* Linux interface through which vGPUs are made: decided by what sysfs shows, never by version. */
enum vgpu_interface { VGPU_IFACE_NONE, VGPU_IFACE_MDEV, VGPU_IFACE_VENDOR_VFIO };
WORDS_DECLARE(vgpu_interface, vgpu_interface_words)

/* A GPU instance as the driver reports it. Start and size are in memory slices. */
/* A compute instance: which of the compute slices of its GPU instance it has. */
struct gi_compute {
    uint32_t id, start, size;
};
/* NVIDIA MIG User Guide, "Concepts": a GPU instance has seven compute slices at most. */
#define GI_MAX_COMPUTE 8

struct gi {
    uint32_t id;
    uint32_t profile_id; /* driver's GI profile id (nvidia-smi mig -lgip "ID"), not the NVML enum */
    char profile[NAME_SIZE]; /* "1g.24gb+gfx" (without "MIG "), "" if the driver did not say */
    uint32_t start;
    uint32_t size;
    uint32_t n_ci;                             /* compute instances in it */
    struct gi_compute compute[GI_MAX_COMPUTE]; /* by start; those that the driver describes */
    uint32_t n_compute;
    uint32_t processes;             /* that run there, on the host or as a VM's; NO_ID unknown */
    char mig_uuid[GPU_UUID_SIZE];   /* of its first MIG device, "" if it has none */
    struct gpu_scheduler scheduler; /* of the vGPUs that share it, as the driver reports it */
};

/* A vGPU that exists now. */
struct vgpu {
    uint32_t type_id;
    char type[NAME_SIZE];      /* as the kernel interface names it, vendor prefix removed */
    uint32_t gi_id;            /* NO_ID when time-sliced or not reported */
    uint32_t placement_id;     /* NO_ID when not reported */
    char mdev_uuid[40];        /* mdev only, else "" */
    struct pci_addr vf;        /* VF that carries it (mdev on a PF without SR-IOV: the PF) */
    char holder[VM_NAME_SIZE]; /* VM that has the device open, "" if none is known */
    char params[256];          /* plugin parameters: "enable_uvm=1, …" */
    bool params_known;
    /* Changes when its mdev, or the function that carries it, is made again; 0 unknown. */
    uint64_t birth;
    enum tristate ours; /* did cleave make it, by its record (watch/made.c)? */
    /* Derived by host_derive(): */
    struct vgpu_share share;     /* of its GPU's time that it is entitled to */
    struct amount used_percent;  /* of its GPU's engines, as the driver measured */
    struct vgpu_licence licence; /* while a VM has it */
};

/* What the driver measured of one vGPU that runs. */
struct vgpu_use {
    char vm_uuid[40];
    char mdev_uuid[40]; /* "" none */
    uint32_t type_id;   /* NO_ID unknown */
    uint32_t percent;   /* of the GPU's engines */
};

/* A vGPU type the kernel offers on a VF now. */
struct vgpu_offer {
    uint32_t type_id;
    char name[NAME_SIZE];
    uint32_t available;
};

struct vf {
    struct pci_addr addr;
    char driver[32];      /* "" when unbound */
    uint32_t iommu_group; /* NO_ID when none */
    enum vgpu_interface iface;
    VEC(struct vgpu_offer) offers;
};

/* Another PCI function of a GPU's IOMMU group. */
struct group_member {
    struct pci_addr addr;
    char driver[32]; /* "" when unbound */
    bool bridge;
};

/* What the driver knows of a VM that has vGPUs of a GPU. */
struct gpu_guest {
    char vm_uuid[40];
    char driver[32]; /* NVIDIA's in the guest */
};

/* Faults of a GPU's hardware. */
enum gpu_fault {
    GPU_FAULT_NONE,
    GPU_FAULT_LOST,         /* the driver can't reach it any more */
    GPU_FAULT_NEEDS_RESET,  /* the driver won't use it before a reset */
    GPU_FAULT_CONFIG_SPACE, /* its PCI configuration reads as ones ("header type 127") */
    GPU_FAULT_COUNT
};

struct gpu {
    struct pci_addr addr;
    uint32_t other_vendor;         /* PCI vendor id of a GPU that isn't NVIDIA's; 0: NVIDIA's */
    uint32_t pci_id;               /* 0xDEVICE, e.g. 0x2bb5 */
    uint32_t pci_subsystem_id;     /* 0xDEVICE of the subsystem; NO_ID unknown */
    char uuid[GPU_UUID_SIZE];      /* "" when the driver does not own the GPU */
    char seen_uuid[GPU_UUID_SIZE]; /* said in this boot at this address; "" it was not */
    char name[96];                 /* driver's product name, or "" */
    char model[NAME_SIZE];         /* catalog key, "" when not catalogued */
    uint32_t index;                /* NVML index, NO_ID when not under the driver */
    uint32_t number;               /* of the GPU at this address in this boot; NO_ID unknown */
    uint64_t mem_bytes;            /* total framebuffer, 0 unknown */
    uint64_t mem_used_bytes;
    bool mem_used_known;
    char driver[32];      /* kernel driver of the PF: "nvidia" (or its vendor's), "vfio-pci", "" */
    uint32_t iommu_group; /* NO_ID when there is none */
    VEC(struct group_member) group_members;
    int32_t numa_node;   /* -1 unknown */
    uint64_t mmio_bytes; /* sum of the PF's 64-bit prefetchable BARs, 0 unknown */
    uint32_t vfs_total;  /* sriov_totalvfs, 0 without SR-IOV */
    uint32_t vfs_enabled;
    /* Routing id of VF n = PF + offset + n * stride, so that VFs can be named before they are
     * enabled (PCIe SR-IOV capability); NO_ID unknown. */
    uint32_t vf_offset, vf_stride;
    enum tristate mig_capable;
    bool mig_enabled;                        /* current */
    bool mig_pending;                        /* pending */
    enum tristate heterogeneous;             /* mixed-size mode now */
    enum tristate ecc;                       /* now */
    enum tristate ecc_pending;               /* after the next reboot */
    enum tristate exclusive_process;         /* compute mode: one process at a time */
    enum tristate display;                   /* is one connected to the board? */
    bool nvlinks_known;                      /* is `nvlinks` known? */
    uint32_t nvlinks;                        /* active ones */
    struct gpu_scheduler scheduler;          /* of time-sliced vGPUs, as the driver reports it */
    enum tristate mig_timeslicing_supported; /* GPU capability, as the driver reports it */
    enum tristate mig_timeslicing_enabled;   /* hypervisor, as the driver reports it */
    enum vgpu_interface iface;
    enum gpu_mode mode;     /* derived by host_derive() */
    char problem[256];      /* why the GPU can't be used ("fell off the bus"), "" if fine */
    char reset_methods[64]; /* the kernel's ways to reset it: "flr bus"; "" none */
    enum gpu_fault fault;   /* what of that a program can act on */
    uint32_t vgpus_running; /* as the driver counts them, NO_ID unknown */
    struct board board;     /* what the driver says that it can be */
    VEC(struct gi) gis;
    VEC(struct vf) vfs;
    VEC(struct vgpu) vgpus;
    VEC(struct vgpu_offer) pf_offers;    /* mdev types on the PF itself (boards without SR-IOV) */
    VEC(struct gpu_guest) guests;        /* those whose driver has said its version */
    VEC(struct vgpu_use) uses;           /* of the vGPUs that run, where the driver says it */
    VEC(struct vgpu_licensee) licensees; /* vGPUs that run, where the driver says it */
    uint32_t schedulers;       /* set of 1 << policy: those that the driver can set; 0 unknown */
    char holder[VM_NAME_SIZE]; /* VM that has the whole GPU, "" if none */
};

enum vm_state { VM_UNKNOWN, VM_SHUT_OFF, VM_RUNNING, VM_PAUSED, VM_CRASHED };
WORDS_DECLARE(vm_state, vm_state_words)

/* A host device in a domain's definition. */
struct vm_device {
    bool is_mdev;
    struct pci_addr addr;
    char mdev_uuid[40];
    bool live;             /* in the running definition */
    bool persistent;       /* in the stored definition */
    bool managed;          /* libvirt binds and unbinds it */
    bool by_argument;      /* the emulator gets it past libvirt */
    char claim[NAME_SIZE]; /* whose alias it carries; "": cleave did not put it in */
    /* Of the vGPU that it is, derived by host_derive(): */
    struct vgpu_share share;
    struct amount used_percent;
    struct vgpu_licence licence;
};

/* See device_name(). */
const char *vm_device_name(const struct vm_device *device, char out[BDF_SIZE]);
/* Is it that one: by mdev UUID if it is an mdev, else by address, and then `mdev_uuid` is ""? */
bool vm_device_is(const struct vm_device *device, const struct pci_addr *addr,
                  const char *mdev_uuid);

/* What of a VM's machine decides where it may move. */
struct vm_machine {
    bool known; /* are the others? */
    bool viommu;
    bool host_cpu;     /* the guest sees the host's CPU as it is (host-passthrough) */
    uint32_t threads;  /* per core; 0 libvirt's default, which is one */
    char security[32]; /* kind of its launch security ("sev-snp"), "" none */
};

struct vm {
    char name[VM_NAME_SIZE]; /* see vm_known_as() */
    char uuid[40];
    enum vm_state state;
    uint32_t vcpus;
    uint64_t mem_kib;
    bool transient; /* no stored definition: gone when it stops */
    bool autostart; /* started by libvirt when the host boots */
    bool saved;     /* off, with a saved state that libvirt starts it from (managed save) */
    /* Set: it runs, or may, and why its devices could not be read: it may hold any. */
    char unread[256];
    struct vm_machine machine; /* that it runs as */
    VEC(struct vm_device) devices;
    VEC(struct vm_device) saved_devices; /* of its saved state; none when that can't be read */
};
void vm_drop_devices(struct vm *vm);

/* Does it run, or is it paused? NULL: there is none, and it does not. */
bool vm_is_on(const struct vm *vm);
/* In the stored definition: what carries the claim's alias, or NULL. */
const struct vm_device *vm_defined_for(const struct vm *vm, const char *claim);
/* Does the stored definition have the device? As vm_device_is(). */
bool vm_defines(const struct vm *vm, const struct pci_addr *addr, const char *mdev_uuid);

/* What cleave calls a VM: by its name, or by its UUID when the name can't be kept whole, being
 * longer than VM_NAME_SIZE or no clean text (base/str.h; libvirt allows tabs): half a name might be
 * another VM's. Borrowed from its arguments. */
const char *vm_known_as(const char *name, const char *uuid);

/* Libvirt said so, in an event, of a VM that is not there now, and has not defined or started it
 * since. */
struct vm_end {
    char uuid[40];
    bool undefined;
    bool stopped;
};

/* What became of a VM, as libvirt's events say it. */
enum vm_happening {
    VM_HAPPENED_STARTED,
    VM_HAPPENED_STOPPED,  /* in order */
    VM_HAPPENED_KILLED,   /* without its guest being asked */
    VM_HAPPENED_CRASHED,  /* its guest or its emulator */
    VM_HAPPENED_LEFT,     /* it moved to another host */
    VM_HAPPENED_REBOOTED, /* its guest */
    VM_HAPPENED_PAUSED,
    VM_HAPPENED_RESUMED,
    VM_HAPPENED_DEFINED, /* or its definition was changed */
    VM_HAPPENED_UNDEFINED,
    VM_HAPPENING_COUNT
};

/* An event of libvirt's, no matter who made it happen. */
struct vm_report {
    char name[VM_NAME_SIZE]; /* as of struct vm */
    char uuid[40];
    enum vm_happening happening;
    uint64_t at_us; /* realtime */
    char text[96];  /* for people, with the cause where libvirt tells it */
};

struct other_mdev {
    char uuid[40];
};

struct host {
    char name[NAME_SIZE];
    char driver_version[32]; /* NVIDIA driver, "" unknown */
    char nvml_version[32];
    char kernel[NAME_SIZE];
    char boot_id[40]; /* changes with every boot; "" unknown */
    /* Changes when NVIDIA's driver is loaded again, which takes all that it had made; 0 unknown. */
    uint64_t driver_load;
    char libvirt_version[32];
    char qemu_version[32];
    char os[48];                /* ID and VERSION_ID of os-release: "rhel 9.4"; "" unknown */
    char cpu_arch[16];          /* "x86_64" */
    char cpu_vendor[32];        /* "Intel" */
    char cpu_model[64];         /* as libvirt names it */
    enum tristate open_modules; /* is NVIDIA's driver the flavour with open kernel modules? */
    enum tristate nvgrace_vfio; /* is the kernel's VFIO driver for Grace's GPUs loaded? */
    enum tristate confidential; /* are the GPUs in confidential-computing mode? */
    uint32_t nvswitches;        /* among `functions` */
    /* Changes with every connection to libvirt: while it is the same, so is the libvirt that
     * answers, and a VM that it had and has no more was undefined, or ended. 0 unknown. */
    uint64_t libvirt_session;
    /* One sentence each when a source is missing ("libnvidia-ml.so.1 not found"), else "". */
    char nvml_problem[256];
    bool nvml_unasked; /* that is: a step in hand keeps NVML closed */
    char vgpu_problem[256];
    char pci_problem[256];
    enum tristate vfio_pci; /* is the kernel's driver for pass-through loaded? */
    char libvirt_problem[256];
    /* Is `functions` all that the kernel has, is `other_mdevs`? False: a device that is in neither
     * may be there. */
    bool functions_known, mdevs_known;
    VEC(struct pci_addr) functions;     /* PCI functions of whatever kind */
    VEC(struct other_mdev) other_mdevs; /* mediated devices that are vGPUs of no GPU here */
    VEC(struct gpu) gpus;
    VEC(struct vm) vms;
    VEC(struct vm_end) vm_ends;
    /* What happened since the look before, in its order. `vm_reports_whole`: libvirt reports, and
     * nothing was left out of them. */
    VEC(struct vm_report) vm_reports;
    bool vm_reports_whole;
};

struct host *host_new(void);
void host_free(struct host *host);
DEFINE_FREEP(struct host *, host_free)

/* A deep copy; the caller frees it. */
struct host *host_copy(const struct host *host);

/* The first VM that may hold any device, because what it runs with could not be read; or NULL. */
const struct vm *host_find_unread_vm(const struct host *host);

/* Moves VMs and what is known of libvirt from `from` to `host`, in place of its own. */
void host_take_guests(struct host *host, struct host *from);

/* Finds a GPU by PCI address or appends one of which nothing else is known yet. */
struct gpu *host_add_gpu(struct host *host, const struct pci_addr *addr);

/* By UUID, PCI address in any accepted form, or number ("0"). NULL if there is none. */
struct gpu *host_find_gpu(const struct host *host, const char *text);
/* Sets -NOT_FOUND, and says which GPUs it may mean: those of the model, or the nearest name. */
int host_unknown_gpu(const struct host *host, const char *text, struct error *err);
struct gpu *host_find_gpu_addr(const struct host *host, const struct pci_addr *addr);
/* A UUID is taken for one first, as virsh takes it: some VM may have it as its name. */
struct vm *host_find_vm(const struct host *host, const char *name_or_uuid);
/* A VM whose name is another's UUID is known by its own. */
void host_settle_vm_name(const struct host *host, struct vm *vm);
/* By UUID if that is known ("" is not) and listed, for names change; else by name. */
struct vm *host_find_vm_of(const struct host *host, const char *name, const char *uuid);
/* Does it keep the group from a VM: no bridge, and bound to a driver that is none of VFIO's (Linux
 * kernel documentation, VFIO, "Usage": each device of a group is bound to a VFIO driver, or to
 * none)? */
bool group_member_bars(const struct group_member *member);
/* Another function of the same board: its audio, USB or UCSI function. */
bool pci_same_slot(const struct pci_addr *a, const struct pci_addr *b);
/* Does the host itself have the GPU: nvidia, or any driver but vfio-pci for another vendor's? */
bool gpu_at_home(const struct gpu *gpu);
/* Has no driver it, or one that is neither NVIDIA's nor for pass-through? Only of NVIDIA's GPUs. */
bool gpu_is_astray(const struct gpu *gpu);
/* Does another program's driver, such as nouveau, have it? */
bool gpu_is_taken(const struct gpu *gpu);
/* By the UUID by which the driver knows it, or knew it last at its address; NULL, also for "". */
struct gpu *host_find_gpu_known(const struct host *host, const char *uuid);
/* The board with the UUID, wherever it sits, or else what sits at the address, unless that is known
 * to be another board. `uuid` "": the address is all that is known of it. NULL: it is not there. */
struct gpu *host_find_board(const struct host *host, const char *uuid, const struct pci_addr *addr);
/* By which the driver knows the board, or knew it last at this address; "" unknown. */
const char *gpu_known_uuid(const struct gpu *gpu);
struct gi *gpu_find_gi(const struct gpu *gpu, uint32_t id);
/* By the memory slices that it takes; NULL: no instance takes just those. */
struct gi *gpu_find_gi_at(const struct gpu *gpu, uint32_t start, uint32_t size);
struct vgpu *gpu_find_vgpu_vf(const struct gpu *gpu, const struct pci_addr *vf);
struct vgpu *gpu_find_vgpu_mdev(const struct gpu *gpu, const char *mdev_uuid);
/* By its mdev UUID, or where that is "" by its function. */
struct vgpu *gpu_find_vgpu(const struct gpu *gpu, const char *mdev_uuid, const struct pci_addr *vf);

/* Address of VF `index`, enabled or not yet; false when it can't be known. */
bool gpu_vf_addr(const struct gpu *gpu, uint32_t index, struct pci_addr *ret_addr);

extern const struct schema gpu_schema;
extern const struct schema vm_schema;
extern const struct schema host_schema;
json_t *gpu_to_json(const struct gpu *gpu);
json_t *vm_to_json(const struct vm *vm);
json_t *host_to_json(const struct host *host); /* summary without the lists */

#endif
