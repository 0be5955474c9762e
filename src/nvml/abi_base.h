/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVML's C ABI, declared by ourselves: handles, return codes and what several subjects share. The
 * names and layouts are the public interface's (NVML API reference); spelling and words are ours.
 * abi_layout.c proves the layouts. Enumerations travel as 32-bit integers.
 */
#ifndef NVML_ABI_BASE_H
#define NVML_ABI_BASE_H

#include <stdint.h>

/* Handles: never dereferenced by a client. A MIG device is a struct nvml_device, too. */
struct nvml_device;
struct nvml_unit;
struct nvml_gpu_instance;
struct nvml_compute_instance;
struct nvml_event_set;
struct nvml_system_event_set;
struct nvml_gpm_sample;
struct nvml_cper_cursor_handle;

/* First word of a versioned structure; a library refuses any other with
 * NVML_ERROR_ARGUMENT_VERSION_MISMATCH. */
#define NVML_VERSION(type, version) ((uint32_t)(sizeof(type) | (uint32_t)(version) << 24))

/* X(symbol, code, since, text): return codes, the driver branch that first had each (0: always),
 * and the text of nvmlErrorString() in driver 555. Older drivers say "Unknown Error". */
#define NVML_RETURN_MAP(X)                                                                         \
    X(NVML_SUCCESS, 0, 0, "Success")                                                               \
    X(NVML_ERROR_UNINITIALIZED, 1, 0, "Uninitialized")                                             \
    X(NVML_ERROR_INVALID_ARGUMENT, 2, 0, "Invalid Argument")                                       \
    X(NVML_ERROR_NOT_SUPPORTED, 3, 0, "Not Supported")                                             \
    X(NVML_ERROR_NO_PERMISSION, 4, 0, "Insufficient Permissions")                                  \
    X(NVML_ERROR_ALREADY_INITIALIZED, 5, 0, "Already Initialized")                                 \
    X(NVML_ERROR_NOT_FOUND, 6, 0, "Not Found")                                                     \
    X(NVML_ERROR_INSUFFICIENT_SIZE, 7, 0, "Insufficient Size")                                     \
    X(NVML_ERROR_INSUFFICIENT_POWER, 8, 0, "Insufficient External Power")                          \
    X(NVML_ERROR_DRIVER_NOT_LOADED, 9, 0, "Driver Not Loaded")                                     \
    X(NVML_ERROR_TIMEOUT, 10, 0, "Timeout")                                                        \
    X(NVML_ERROR_IRQ_ISSUE, 11, 0, "Interrupt Request Issue")                                      \
    X(NVML_ERROR_LIBRARY_NOT_FOUND, 12, 0, "NVML Shared Library Not Found")                        \
    X(NVML_ERROR_FUNCTION_NOT_FOUND, 13, 0, "Function Not Found")                                  \
    X(NVML_ERROR_CORRUPTED_INFOROM, 14, 0, "Corrupted infoROM")                                    \
    X(NVML_ERROR_GPU_IS_LOST, 15, 0, "GPU is lost")                                                \
    X(NVML_ERROR_RESET_REQUIRED, 16, 0, "GPU requires reset")                                      \
    X(NVML_ERROR_OPERATING_SYSTEM, 17, 0, "GPU access blocked by the operating system")            \
    X(NVML_ERROR_LIB_RM_VERSION_MISMATCH, 18, 0, "Driver/library version mismatch")                \
    X(NVML_ERROR_IN_USE, 19, 0, "In use by another client")                                        \
    X(NVML_ERROR_MEMORY, 20, 0, "Insufficient Memory")                                             \
    X(NVML_ERROR_NO_DATA, 21, 0, "No data")                                                        \
    X(NVML_ERROR_VGPU_ECC_NOT_SUPPORTED, 22, 0, "vGPU ECC not supported")                          \
    X(NVML_ERROR_INSUFFICIENT_RESOURCES, 23, 0, "Insufficient Resources")                          \
    X(NVML_ERROR_FREQ_NOT_SUPPORTED, 24, 0, "Invalid Frequency")                                   \
    X(NVML_ERROR_ARGUMENT_VERSION_MISMATCH, 25, 0, "Argument version mismatch")                    \
    X(NVML_ERROR_DEPRECATED, 26, 0, "Requested functionality has been deprecated")                 \
    X(NVML_ERROR_NOT_READY, 27, 0, "System is not in ready state")                                 \
    X(NVML_ERROR_GPU_NOT_FOUND, 28, 550, "No supported GPUs were found")                           \
    X(NVML_ERROR_INVALID_STATE, 29, 550,                                                           \
      "Resource not in correct state to perform requested operation")                              \
    X(NVML_ERROR_RESET_TYPE_NOT_SUPPORTED, 30, 580, "Reset type not supported")                    \
    X(NVML_ERROR_UNKNOWN, 999, 0, "Unknown Error")

enum nvml_return {
#define NVML_RETURN_ENUM(sym, code, since, text) sym = code,
    NVML_RETURN_MAP(NVML_RETURN_ENUM)
#undef NVML_RETURN_ENUM
};

/* A sample's value; a companion field of enum nvml_value_type says which member holds. */
enum nvml_value_type {
    NVML_VALUE_DOUBLE,
    NVML_VALUE_U32,
    NVML_VALUE_ULONG,
    NVML_VALUE_U64,
    NVML_VALUE_I64,
    NVML_VALUE_I32,
    NVML_VALUE_U16,
};
union nvml_value {
    double f64;
    int32_t i32;
    uint32_t u32;
    uint64_t ulong_value;
    uint64_t u64;
    int64_t i64;
    uint16_t u16;
};

struct nvml_mask255 {
    uint32_t mask[8];
};

enum nvml_enable_state { NVML_DISABLED, NVML_ENABLED };

#endif
