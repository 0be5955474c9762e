/* SPDX-License-Identifier: Apache-2.0 */
/* One GPU through NVML: how it is found, its MIG mode and its GPU instances with their handles. All
 * functions need an open library. */
#ifndef DRIVER_NVML_NVML_GPU_H
#define DRIVER_NVML_NVML_GPU_H

#include "driver/nvml/nvml_library.h"
#include "model/host.h"

#define NVML_MAX_INSTANCES 64 /* of one kind that a driver may report */
#define NVML_MAX_PROCESSES 256
/* Numbers (NVML_GPU_INSTANCE_PROFILE_*) that are asked for. Newer drivers may have profiles of
 * which this header knows nothing; one that doesn't know a number says INVALID_ARGUMENT. */
#define NVML_MAX_PROFILES 32

/* A GPU that a step is about. */
struct nvml_gpu {
    const struct nvml *nvml;
    struct nvml_device *device;
    char subject[BDF_SIZE + 4]; /* "gpu/0000:41:00.0" */
};

struct nvml_gi {
    struct gi gi; /* as observed */
    struct nvml_gpu_instance *handle;
};

struct nvml_gis {
    struct nvml_gi *items;
    size_t n;
    size_t cap;
};
void nvml_gis_done(struct nvml_gis *gis);

/* -NOT_FOUND when the driver does not own a GPU at that address. */
int nvml_gpu_find(const struct nvml *nvml, const struct pci_addr *addr, struct nvml_gpu *ret_gpu,
                  struct error *err);

/* -UNSUPPORTED on a board without MIG. */
int nvml_gpu_mig_mode(const struct nvml_gpu *gpu, bool *ret_current, bool *ret_pending,
                      struct error *err);

/* Does the code say that the GPU, or its driver, has none of what was asked for? Another error says
 * nothing of what there is. */
bool nvml_has_none(int32_t code);

/* NVML's code; see nvml_has_none() for a board or a driver without a GPU instance profile of that
 * number. Fills all but its places. */
int32_t nvml_gpu_profile(const struct nvml_gpu *gpu, uint32_t number,
                         struct board_profile *ret_profile);

/* Every GPU instance, with its profile's name, its compute instances counted, and the UUID of its
 * first MIG device. Empty when MIG mode is off. */
int nvml_gpu_instances(const struct nvml_gpu *gpu, struct nvml_gis *ret_gis, struct error *err);

/* The one at exactly that place, or NULL. */
struct nvml_gi *nvml_gis_at(const struct nvml_gis *gis, uint32_t start, uint32_t size);

/* Walks a GI's compute instances; stops when they can't be listed, or `visit` returns a code other
 * than NVML_SUCCESS, and returns that. */
int32_t nvml_gi_each_ci(const struct nvml *nvml, struct nvml_gpu_instance *gi,
                        int32_t (*visit)(const struct nvml *nvml, struct nvml_compute_instance *ci,
                                         void *data),
                        void *data);

/* Mixed-size mode; -UNSUPPORTED when the board or the driver has none (or MIG mode is on). */
int nvml_gpu_mixed(const struct nvml_gpu *gpu, bool *ret_on, struct error *err);

/* How many vGPUs run on the GPU, or on one GI (NO_ID: all). A driver that makes none has none; one
 * that should know and does not tell is an error. */
int nvml_gpu_running_vgpus(const struct nvml_gpu *gpu, uint32_t gi_id, uint32_t *ret_running,
                           struct error *err);

#endif
