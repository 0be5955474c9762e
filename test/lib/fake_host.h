/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host in a few kilobytes, without pointers: it can be mapped from a file, and then it outlives
 * the process like hardware does. fake_ports_new() gives the three ports over it, bounded and
 * simple: what it refuses, real hardware refuses too.
 */
#ifndef TEST_LIB_FAKE_HOST_H
#define TEST_LIB_FAKE_HOST_H

#include "exec/ports.h"
#include "model/host.h"

#define FAKE_GPUS 4
#define FAKE_GIS 8
#define FAKE_VFS 16
#define FAKE_VMS 16
#define FAKE_DEVICES 16
#define FAKE_VF_OFFSET 4

struct fake_gi {
    bool used;
    uint32_t id, profile_id, start, size, n_ci;
    char profile[NAME_SIZE];
};

struct fake_vf {
    char type[NAME_SIZE]; /* "": no vGPU */
    uint32_t type_id, gi_id, placement_id;
    char params[VGPU_PARAMS_TEXT_SIZE]; /* its vgpu_params */
    uint64_t birth;                     /* as in struct vgpu */
};

struct fake_gpu {
    struct pci_addr addr;
    uint32_t pci_id, pci_subsystem_id, memory_slices;
    char driver[32];
    bool mig, mig_capable, mig_timeslicing, mixed;
    uint8_t board; /* its UUID is that of a GPU at this bus; 0: where it is */
    bool wedged;   /* needs a reset */
    bool no_reset; /* and the platform offers none */
    bool blind;    /* its files give I/O errors: no vGPU can be seen, nor a virtual function */
    bool fills;    /* its driver puts a vGPU next to others before it takes an empty instance */
    struct gpu_scheduler scheduler;
    uint32_t vfs_total, vfs_enabled, next_gi_id;
    struct fake_gi gis[FAKE_GIS];
    struct fake_vf vfs[FAKE_VFS];
};

#define FAKE_SAVED_MDEV "33333333-0000-4000-8000-000000000001"

struct fake_vm {
    char name[VM_NAME_SIZE]; /* "": none */
    char uuid[40];
    bool running;
    bool paused;      /* while it runs */
    bool saved;       /* it has a saved state, with its devices of now */
    bool saved_mdevs; /* that has them as mediated devices */
    bool managed;     /* libvirt takes its devices from their drivers */
    bool deaf;        /* its guest does not shut down when asked */
    bool killed;      /* it was ended without being asked */
    bool locked;      /* its hook runs: who asks about it waits */
    bool stuck;       /* its start does not come back, and it is seen off */
    bool broken;      /* its start fails in the end */
    bool firm;        /* who asks to stop it gets no answer */
    uint32_t n_devices;
    struct pci_addr devices[FAKE_DEVICES];
    char claims[FAKE_DEVICES][NAME_SIZE]; /* who put them in */
};

struct fake_host {
    struct fake_gpu gpus[FAKE_GPUS];
    uint32_t n_gpus;
    uint32_t boots;
    uint64_t driver_load; /* as in struct host */
    bool mismatch;        /* NVML refuses: the driver on disk is newer than the loaded one */
    struct fake_vm vms[FAKE_VMS];
    size_t n_vms;            /* that ever were */
    uint64_t libvirt_starts; /* after the first */
    size_t n_ends;           /* that its events reported */
    struct vm_end ends[FAKE_VMS];
    bool reports_vms;    /* its events say what becomes of VMs; else only looks do */
    bool reports_starts; /* by cleave itself, at once */
    size_t n_reports;    /* for the next look */
    struct vm_report reports[FAKE_VMS];
};

/* A GPU at <bus>:00.0 under the nvidia driver, by PCI ids. */
struct fake_gpu *fake_host_add_gpu(struct fake_host *host, uint8_t bus, uint32_t pci_id,
                                   uint32_t pci_subsystem_id);
struct fake_vm *fake_host_add_vm(struct fake_host *host, const char *name);
struct fake_gpu *fake_host_gpu(struct fake_host *host, const struct pci_addr *addr);
struct fake_vm *fake_host_vm(struct fake_host *host, const char *name);
/* For the next look, which says it of the VM. */
void fake_host_report(struct fake_host *host, const char *vm, enum vm_happening happening);
/* Is the device in the definition of a running VM? */
bool fake_host_held(const struct fake_host *host, const struct pci_addr *device);
uint32_t fake_host_count_vgpus(const struct fake_host *host);
uint32_t fake_host_count_gis(const struct fake_host *host);
/* Same GIs (but for their ids), vGPUs, modes, drivers and VM devices? */
bool fake_host_same(const struct fake_host *a, const struct fake_host *b);

/* GPU instances, vGPUs and virtual functions go, as at a reboot. */
void fake_host_forget(struct fake_host *host);
/* As the machine's own: VMs end, GPUs forget all but Ampere's MIG mode, the boot id is another. */
void fake_host_reboot(struct fake_host *host);

/* Maps the file (made if need be); unmapped by munmap() or at exit. */
struct fake_host *fake_host_map(const char *path);

/* Ports over `host`, which stays the caller's. */
struct ports fake_ports_new(struct fake_host *host);
struct guest_port *fake_guest_port_new(struct fake_host *host); /* the one of them */
/* Like libvirt's hook script: called by start() ("prepare", "release" when that fails) and stop()
 * ("release") while the VM is locked. */
typedef int fake_hook_fn(const char *vm, const char *operation, void *data, struct error *err);
void fake_guest_set_hook(struct guest_port *port, fake_hook_fn *fn, void *data);
/* An event of libvirt's: a VM has changed. */
void fake_guest_report(struct guest_port *port);
/* The host in memory is a plain struct, and ports are called from several threads: each call takes
 * the lock. */
void fake_lock(void);
void fake_unlock(void);
void ports_free(struct ports *ports);

#endif
