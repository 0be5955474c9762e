/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NVIDIA Management Library, loaded at run time so that cleave builds and runs without it. It
 * is opened once; it is initialised only while an operation runs, because a process that has NVML
 * initialised keeps the GPU from being unbound ("Cannot obtain unbindLock when an NVML client is
 * open"). A function that this driver lacks is NULL here: "driver too old".
 */
#ifndef DRIVER_NVML_NVML_LIBRARY_H
#define DRIVER_NVML_NVML_LIBRARY_H

#include <stdbool.h>

#include "base/error.h"
#include "nvml/abi.h"

/* Without these nothing works. */
#define NVML_NEEDED(X)                                                                             \
    X(nvmlInit_v2)                                                                                 \
    X(nvmlShutdown)                                                                                \
    X(nvmlSystemGetDriverVersion)                                                                  \
    X(nvmlSystemGetNVMLVersion)                                                                    \
    X(nvmlDeviceGetCount_v2)                                                                       \
    X(nvmlDeviceGetHandleByIndex_v2)                                                               \
    X(nvmlDeviceGetHandleByPciBusId_v2)                                                            \
    X(nvmlDeviceGetIndex)                                                                          \
    X(nvmlDeviceGetName)                                                                           \
    X(nvmlDeviceGetUUID)                                                                           \
    X(nvmlDeviceGetPciInfo_v3)                                                                     \
    X(nvmlDeviceGetMemoryInfo)

/* Without these a feature is missing. */
#define NVML_OPTIONAL(X)                                                                           \
    X(nvmlErrorString)                                                                             \
    X(nvmlDeviceGetMigMode)                                                                        \
    X(nvmlDeviceSetMigMode)                                                                        \
    X(nvmlDeviceGetGpuInstanceProfileInfo)                                                         \
    X(nvmlDeviceGetGpuInstanceProfileInfoV)                                                        \
    X(nvmlDeviceGetGpuInstancePossiblePlacements_v2)                                               \
    X(nvmlDeviceGetGpuInstances)                                                                   \
    X(nvmlDeviceCreateGpuInstanceWithPlacement)                                                    \
    X(nvmlGpuInstanceGetInfo)                                                                      \
    X(nvmlGpuInstanceDestroy)                                                                      \
    X(nvmlGpuInstanceGetComputeInstanceProfileInfo)                                                \
    X(nvmlGpuInstanceGetComputeInstances)                                                          \
    X(nvmlGpuInstanceCreateComputeInstance)                                                        \
    X(nvmlComputeInstanceGetInfo_v2)                                                               \
    X(nvmlComputeInstanceDestroy)                                                                  \
    X(nvmlDeviceGetMaxMigDeviceCount)                                                              \
    X(nvmlDeviceGetMigDeviceHandleByIndex)                                                         \
    X(nvmlDeviceGetGpuInstanceId)                                                                  \
    X(nvmlDeviceGetComputeRunningProcesses_v3)                                                     \
    X(nvmlDeviceGetGraphicsRunningProcesses_v3)                                                    \
    X(nvmlDeviceGetMPSComputeRunningProcesses_v3)                                                  \
    X(nvmlDeviceGetArchitecture)                                                                   \
    X(nvmlDeviceGetVirtualizationMode)                                                             \
    X(nvmlDeviceGetSupportedVgpus)                                                                 \
    X(nvmlVgpuTypeGetName)                                                                         \
    X(nvmlVgpuTypeGetFramebufferSize)                                                              \
    X(nvmlVgpuTypeGetDeviceID)                                                                     \
    X(nvmlVgpuTypeGetGpuInstanceProfileId)                                                         \
    X(nvmlVgpuTypeGetMaxInstances)                                                                 \
    X(nvmlVgpuTypeGetMaxInstancesPerGpuInstance)                                                   \
    X(nvmlVgpuTypeGetMaxInstancesPerVm)                                                            \
    X(nvmlGetVgpuDriverCapabilities)                                                               \
    X(nvmlDeviceGetVgpuCapabilities)                                                               \
    X(nvmlDeviceGetVgpuHeterogeneousMode)                                                          \
    X(nvmlDeviceSetVgpuHeterogeneousMode)                                                          \
    X(nvmlDeviceGetVgpuSchedulerCapabilities)                                                      \
    X(nvmlDeviceGetVgpuSchedulerState)                                                             \
    X(nvmlDeviceSetVgpuSchedulerState)                                                             \
    X(nvmlGpuInstanceGetVgpuSchedulerState)                                                        \
    X(nvmlGpuInstanceSetVgpuSchedulerState)                                                        \
    X(nvmlDeviceGetVgpuUtilization)                                                                \
    X(nvmlDeviceGetActiveVgpus)                                                                    \
    X(nvmlVgpuInstanceGetGpuInstanceId)                                                            \
    X(nvmlEventSetCreate)                                                                          \
    X(nvmlEventSetFree)                                                                            \
    X(nvmlEventSetWait_v2)                                                                         \
    X(nvmlDeviceRegisterEvents)                                                                    \
    X(nvmlDeviceGetEccMode)                                                                        \
    X(nvmlDeviceGetNvLinkState)                                                                    \
    X(nvmlDeviceGetVgpuMetadata)                                                                   \
    X(nvmlGetVgpuCompatibility)                                                                    \
    X(nvmlVgpuInstanceGetMetadata)                                                                 \
    X(nvmlVgpuInstanceGetFbUsage)                                                                  \
    X(nvmlVgpuInstanceGetLicenseInfo)                                                              \
    X(nvmlVgpuInstanceGetLicenseInfo_v2)                                                           \
    X(nvmlVgpuInstanceGetLicenseStatus)                                                            \
    X(nvmlVgpuInstanceGetMdevUUID)                                                                 \
    X(nvmlVgpuInstanceGetType)                                                                     \
    X(nvmlVgpuInstanceGetVmID)                                                                     \
    X(nvmlVgpuInstanceGetVmDriverVersion)                                                          \
    X(nvmlVgpuTypeGetCapabilities)                                                                 \
    X(nvmlDeviceGetVbiosVersion)                                                                   \
    X(nvmlDeviceGetComputeMode)                                                                    \
    X(nvmlDeviceGetDisplayMode)                                                                    \
    X(nvmlSystemGetConfComputeState)

struct nvml {
    void *handle; /* of dlopen(); NULL until the library was found */
#define NVML_MEMBER(name) __typeof__(name) *name;
    NVML_NEEDED(NVML_MEMBER)
    NVML_OPTIONAL(NVML_MEMBER)
#undef NVML_MEMBER
};

/* Loads the library if that has not happened, and initialises it: -UNAVAILABLE with what is
 * missing. Every success must be followed by nvml_close(). */
int nvml_open(struct nvml *nvml, struct error *err);
void nvml_close(struct nvml *nvml);
/* Unloads the library. */
void nvml_done(struct nvml *nvml);

/* CLEANUP for an open library: shuts it down at the end of the scope. */
static inline void nvml_closep(struct nvml **nvml)
{
    if (*nvml != NULL) {
        nvml_close(*nvml);
    }
}
#define CLEANUP_NVML CLEANUP(nvml_closep)

/* The library's own text for a code, clean and bounded. `out` is returned. */
#define NVML_TEXT_SIZE 80
const char *nvml_text(const struct nvml *nvml, int32_t code, char out[NVML_TEXT_SIZE]);

/* Fails with the reason that fits the code: "<message>: the driver says "…" (NVML 19)", and a hint
 * on what to do next. Returns -reason. */
int nvml_fail(const struct nvml *nvml, int32_t code, struct error *err, const char *subject,
              const char *fmt, ...) PRINTF_ATTR(5, 6);
/* Fails because a function is missing from this driver: -UNSUPPORTED. */
int nvml_too_old(struct error *err, const char *subject, const char *function);

/* Copies a text that the library filled, at most `size` bytes of it: empty unless terminated and
 * clean. */
void nvml_copy_text(char *dst, size_t dst_size, const char *src, size_t size);
#define NVML_COPY(dst, src) nvml_copy_text((dst), sizeof(dst), (src), sizeof(src))

#endif
