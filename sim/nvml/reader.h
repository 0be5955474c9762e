/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every exported function first asks one of the readers below, which answer UNINITIALIZED,
 * INVALID_ARGUMENT and GPU_IS_LOST for all of them alike, and then looks at the state that came
 * back. Nothing is cached: two clients always see the same host.
 */
#ifndef SIM_NVML_READER_H
#define SIM_NVML_READER_H

#include <stddef.h>

#include "sim/nvml/handle.h"
#include "sim/nvml/library.h"
#include "sim/nvml/session.h"
#include "sim/rpc/calls.h"

/* One request; arguments beyond those given are zero. */
#define CALL(call, out, ...)                                                                       \
    rpc_call(RPC_##call, (const uint32_t[RPC_MAX_ARGS]){__VA_ARGS__}, (out), sizeof(*(out)))

/* ---- readers ---- */
/* `out` is the caller's result: NULL is an invalid argument. */
int host_read(const void *out, struct rpc_host *ret_host);
/* The board behind a handle, or behind a MIG device. */
int device_read(const struct nvml_device *device, const void *out, struct rpc_gpu *ret_gpu);
int device_ref(const struct nvml_device *device, const void *out, struct ref *ret_ref);
/* Only a whole board will do: INVALID_ARGUMENT for a MIG device. */
int board_ref(const struct nvml_device *device, const void *out, struct ref *ret_ref);
/* A MIG device, or a whole board. */
struct part {
    bool is_mig;
    struct ref ref;
    /* Of a MIG device only: */
    struct rpc_instance instance;
    struct rpc_profile profile; /* of the GPU instance */
    struct rpc_compute compute;
};
/* The board behind a handle, and which part of it. */
int part_read(const struct nvml_device *device, const void *out, struct rpc_gpu *ret_gpu,
              struct part *ret_part);
/* What the board is, and what it does now: whole boards only, a MIG device has neither
 * (NOT_SUPPORTED). */
int facts_read(const struct nvml_device *device, const void *out, struct rpc_board *ret_board);
int telemetry_read(const struct nvml_device *device, const void *out,
                   struct rpc_telemetry *ret_telemetry);
/* A board that hosts vGPUs; else NOT_SUPPORTED. */
int vgpu_board_read(struct nvml_device *device, const void *out, struct rpc_gpu *ret_gpu);
/* Root only: NO_PERMISSION. */
int setting_write(const struct nvml_device *device, enum sim_setting setting, uint32_t value);
/* A live GPU instance; its profile, too, unless ret_profile is NULL. */
int gi_read(const struct nvml_gpu_instance *gi, const void *out, struct ref *ret_ref,
            struct rpc_instance *ret_instance, struct rpc_profile *ret_profile);
int gi_find(struct ref ref, struct rpc_instance *ret_instance, struct rpc_profile *ret_profile);
/* "3g.40gb", "1c.3g.40gb": what a compute instance of that many slices, and its MIG device, are
 * called. */
void ci_name(const struct rpc_profile *gi, uint32_t slices, char *buf, size_t size);
/* Multiprocessors of a compute instance of that many slices. */
uint32_t ci_multiprocessors(struct ref ref, const struct rpc_profile *gi, uint32_t number,
                            uint32_t slices);
int ci_find(const struct rpc_instance *instance, uint32_t id, struct rpc_compute *ret_compute);
int type_read(uint32_t type_id, const void *out, struct rpc_type *ret_type);
/* NOT_FOUND once the vGPU is gone or its VM has stopped. */
int vgpu_read(uint32_t instance, const void *out, struct rpc_vgpu *ret_vgpu);

/* ---- results ---- */
/* Copies a text; INSUFFICIENT_SIZE when it and its end do not fit. */
int text_out(const char *text, char *buf, uint32_t size);
/* The same where the caller's size is in and out. */
int text_out_sized(const char *text, char *buf, uint32_t *size);
/* A list whose capacity is in *count: the number there is comes back in any case. A NULL or short
 * buffer is INSUFFICIENT_SIZE unless the list is empty. */
int list_out(const uint32_t *items, uint32_t n, uint32_t *buf, uint32_t *count);

/* Defines a getter of one number that is an expression of the board's state `gpu`. */
#define DEVICE_GETTER(name, type, expression)                                                      \
    int32_t name(struct nvml_device *device, type *out)                                            \
    {                                                                                              \
        struct rpc_gpu gpu;                                                                        \
        int r = device_read(device, out, &gpu);                                                    \
        if (r == NVML_SUCCESS) {                                                                   \
            *out = (type)(expression);                                                             \
        }                                                                                          \
        return r;                                                                                  \
    }

#define TELEMETRY_GETTER(name, type, expression)                                                   \
    int32_t name(struct nvml_device *device, type *out)                                            \
    {                                                                                              \
        struct rpc_telemetry t;                                                                    \
        int r = telemetry_read(device, out, &t);                                                   \
        if (r == NVML_SUCCESS) {                                                                   \
            *out = (type)(expression);                                                             \
        }                                                                                          \
        return r;                                                                                  \
    }

#define FACTS_GETTER(name, type, expression)                                                       \
    int32_t name(struct nvml_device *device, type *out)                                            \
    {                                                                                              \
        struct rpc_board facts;                                                                    \
        int r = facts_read(device, out, &facts);                                                   \
        if (r == NVML_SUCCESS) {                                                                   \
            *out = (type)(expression);                                                             \
        }                                                                                          \
        return r;                                                                                  \
    }

#endif
