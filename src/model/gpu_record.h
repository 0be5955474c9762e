/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleaved remembers of a GPU beyond claims: how it is wanted (so that a reboot can be undone),
 * whether it takes new claims, and what is wrong with it. One record per GPU about which anything
 * was ever said; kept under the GPU's UUID where that is known, else under its address.
 */
#ifndef MODEL_GPU_RECORD_H
#define MODEL_GPU_RECORD_H

#include "model/gpu_scheduler.h"
#include "model/host.h"
#include "model/plan.h"

/* No new claims here; what is there stays. */
struct cordon {
    bool set;
    char by[NAME_SIZE];
    char why[256];
    uint64_t since_us; /* realtime */
};

/* Something is broken: nothing is planned on the GPU until it is recovered. */
struct quarantine {
    bool set;
    char kind[32]; /* "xid", "ecc", "lost", "needs-reset", "config-space", "reset-failed",
                      "restore-failed", "stuck-vf" */
    char why[256];
    char boot_id[40];  /* of the boot in which it happened */
    uint64_t since_us; /* realtime */
};

/* A virtual function that does not let go of its vGPU though no VM has it: it gets no new one until
 * the GPU is recovered. With more of them than this the GPU is quarantined. */
#define GPU_RECORD_STUCK_VFS 8
struct stuck_vf {
    struct pci_addr addr;
    char why[256];
    uint64_t since_us; /* realtime */
};

/* A function of the GPU's board that was bound to vfio-pci with the GPU, and the driver it gets
 * back. A device has eight functions at most. */
#define GPU_RECORD_COMPANIONS 7
struct companion {
    struct pci_addr addr;
    char driver[32];
};

struct gpu_record {
    char uuid[GPU_UUID_SIZE];       /* "" while the driver never reported it */
    struct pci_addr addr;           /* where it was seen last */
    bool mode_set;                  /* does `mode` mean something? */
    enum gpu_mode mode;             /* wanted: by `gpu mode`, or by the last plan that changed it */
    bool vfs;                       /* virtual functions wanted */
    bool mixed;                     /* mixed sizes wanted */
    struct gpu_scheduler scheduler; /* wanted; SCHEDULER_UNKNOWN: no one chose one */
    struct cordon cordon;
    struct quarantine quarantine;
    struct stuck_vf stuck_vfs[GPU_RECORD_STUCK_VFS];
    size_t n_stuck_vfs;
    struct companion companions[GPU_RECORD_COMPANIONS];
    size_t n_companions;
};

struct gpu_records {
    struct gpu_record *items;
    size_t n;
    size_t cap;
};

/* The key in the store: UUID, else address. Returns out. */
const char *gpu_record_key(const struct gpu_record *record, char out[GPU_UUID_SIZE]);
/* Of this GPU: by UUID; by address when one of the two UUIDs is not known. NULL: none. */
struct gpu_record *gpu_records_find(const struct gpu_records *records, const struct gpu *gpu);
struct gpu_record *gpu_records_find_addr(const struct gpu_records *records,
                                         const struct pci_addr *addr);
/* One of which nothing is wanted, for a GPU that has none. */
struct gpu_record gpu_record_of(const struct gpu *gpu);

/* NULL: the function is not stuck. */
const struct stuck_vf *gpu_record_find_stuck(const struct gpu_record *record,
                                             const struct pci_addr *vf);
/* NULL: it was not bound with the GPU. */
const struct companion *gpu_record_find_companion(const struct gpu_record *record,
                                                  const struct pci_addr *function);
/* False when there is no room for another. One that is known is renewed. */
bool gpu_record_add_stuck(struct gpu_record *record, const struct stuck_vf *stuck);
/* False: it was not stuck. */
bool gpu_record_drop_stuck(struct gpu_record *record, const struct pci_addr *vf);

/* The steps of a plan that was done, followed in the record: mode, virtual functions, mixed sizes,
 * scheduler, companions. Steps of other GPUs are passed over. True if anything changed. */
bool gpu_record_follow(struct gpu_record *record, const struct plan *plan);

extern const struct schema gpu_record_schema;
json_t *gpu_record_to_json(const struct gpu_record *record);
int gpu_record_from_stored_json(const json_t *json, struct gpu_record *ret_record,
                                struct error *err);
/* For a GPU's `cordoned` and `quarantine` in the API: an object, or null when not set. */
json_t *cordon_to_json(const struct cordon *cordon);
/* The quarantine's end, as the error's hint: a recovery, or, where one failed already, a reboot. */
void quarantine_hint(const struct quarantine *quarantine, const char *bdf, struct error *err);
json_t *quarantine_to_json(const struct quarantine *quarantine);
json_t *stuck_vfs_to_json(const struct gpu_record *record);

#endif
