/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/capture/driver.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "nvml/abi.h"

#define MAX_INSTANCES 16

#define FUNCTIONS(X)                                                                               \
    X(nvmlInit_v2)                                                                                 \
    X(nvmlShutdown)                                                                                \
    X(nvmlSystemGetDriverVersion)                                                                  \
    X(nvmlDeviceGetCount_v2)                                                                       \
    X(nvmlDeviceGetHandleByIndex_v2)                                                               \
    X(nvmlDeviceGetHandleByPciBusId_v2)                                                            \
    X(nvmlDeviceGetUUID)                                                                           \
    X(nvmlDeviceGetSerial)

/* NULL in drivers that are too old for them. */
#define LATER_FUNCTIONS(X)                                                                         \
    X(nvmlDeviceGetMigMode)                                                                        \
    X(nvmlDeviceGetGpuInstanceProfileInfo)                                                         \
    X(nvmlDeviceGetGpuInstances)                                                                   \
    X(nvmlGpuInstanceGetInfo)                                                                      \
    X(nvmlGpuInstanceGetComputeInstanceProfileInfo)                                                \
    X(nvmlGpuInstanceGetComputeInstances)                                                          \
    X(nvmlDeviceGetVgpuCapabilities)

struct driver {
    void *library;
#define X(name) __typeof__(name) *name;
    FUNCTIONS(X)
    LATER_FUNCTIONS(X)
#undef X
};

struct driver *driver_open(const char **ret_why)
{
    CLEANUP_FREE struct driver *driver = xcalloc(1, sizeof(*driver));
    driver->library = dlopen(NVML_SONAME, RTLD_NOW | RTLD_LOCAL);
    if (driver->library == NULL) {
        *ret_why = NVML_SONAME " is not installed";
        return NULL;
    }
    bool whole = true;
#define X(name)                                                                                    \
    driver->name = __extension__(__typeof__(driver->name)) dlsym(driver->library, #name);          \
    whole = whole && driver->name != NULL;
    FUNCTIONS(X)
#undef X
#define X(name)                                                                                    \
    driver->name = __extension__(__typeof__(driver->name)) dlsym(driver->library, #name);
    LATER_FUNCTIONS(X)
#undef X
    if (!whole || driver->nvmlInit_v2() != NVML_SUCCESS) {
        *ret_why = whole ? "the NVIDIA driver does not answer" : NVML_SONAME " is too old";
        dlclose(driver->library);
        return NULL;
    }
    return TAKE_PTR(driver);
}

void driver_close(struct driver *driver)
{
    if (driver != NULL) {
        driver->nvmlShutdown();
        dlclose(driver->library);
        free(driver);
    }
}

bool driver_version(struct driver *driver, char out[32])
{
    return driver->nvmlSystemGetDriverVersion(out, 32) == NVML_SUCCESS;
}

/* ---- instances ---- */

static void add_compute(struct driver *driver, struct nvml_gpu_instance *gi, json_t *compute)
{
    for (uint32_t kind = 0; kind < NVML_CI_PROFILE_COUNT; kind++) {
        struct nvml_compute_instance_profile_info info;
        struct nvml_compute_instance *instances[MAX_INSTANCES];
        uint32_t n = MAX_INSTANCES;
        if (driver->nvmlGpuInstanceGetComputeInstanceProfileInfo(gi, kind, NVML_CI_ENGINE_SHARED,
                                                                 &info) != NVML_SUCCESS ||
            info.instance_count > MAX_INSTANCES ||
            driver->nvmlGpuInstanceGetComputeInstances(gi, info.id, instances, &n) !=
                NVML_SUCCESS) {
            continue;
        }
        for (uint32_t i = 0; i < n; i++) {
            json_array_append_new(compute, json_integer(info.slice_count));
        }
    }
}

static void add_instance(struct driver *driver, struct nvml_gpu_instance *gi,
                         const struct gpu_model *model, json_t *instances)
{
    struct nvml_gpu_instance_info info;
    if (driver->nvmlGpuInstanceGetInfo(gi, &info) != NVML_SUCCESS) {
        return;
    }
    const struct cat_profile *profile = model_profile_by_id(model, info.profile_id);
    if (profile == NULL) {
        return;
    }
    json_t *item = json_pack("{s:s, s:I}", "profile", profile->name, "start",
                             (json_int_t)info.placement.start);
    CLEANUP_JSON json_t *compute = json_array();
    add_compute(driver, gi, compute);
    if (json_array_size(compute) > 0) {
        json_object_set(item, "compute", compute);
    }
    json_array_append_new(instances, item);
}

static void add_instances(struct driver *driver, struct nvml_device *device,
                          const struct gpu_model *model, json_t *instances)
{
    if (driver->nvmlDeviceGetGpuInstances == NULL ||
        driver->nvmlDeviceGetGpuInstanceProfileInfo == NULL ||
        driver->nvmlGpuInstanceGetInfo == NULL ||
        driver->nvmlGpuInstanceGetComputeInstanceProfileInfo == NULL ||
        driver->nvmlGpuInstanceGetComputeInstances == NULL) {
        return;
    }
    for (uint32_t kind = 0; kind < NVML_GI_PROFILE_COUNT; kind++) {
        struct nvml_gpu_instance_profile_info info;
        struct nvml_gpu_instance *gis[MAX_INSTANCES];
        uint32_t n = MAX_INSTANCES;
        if (driver->nvmlDeviceGetGpuInstanceProfileInfo(device, kind, &info) != NVML_SUCCESS ||
            info.instance_count > MAX_INSTANCES ||
            driver->nvmlDeviceGetGpuInstances(device, info.id, gis, &n) != NVML_SUCCESS) {
            continue;
        }
        for (uint32_t i = 0; i < n; i++) {
            add_instance(driver, gis[i], model, instances);
        }
    }
}

/* ---- a GPU ---- */

void driver_describe(struct driver *driver, const struct pci_addr *addr,
                     const struct gpu_model *model, bool names, json_t *gpu)
{
    char bdf[BDF_SIZE];
    char text[96];
    struct nvml_device *device = NULL;
    if (driver->nvmlDeviceGetHandleByPciBusId_v2(pci_addr_format(addr, bdf), &device) !=
        NVML_SUCCESS) {
        return; /* under vfio-pci, say */
    }
    if (names && driver->nvmlDeviceGetUUID(device, text, sizeof(text)) == NVML_SUCCESS) {
        json_object_set_new(gpu, "uuid", json_string(text));
    }
    if (names && driver->nvmlDeviceGetSerial(device, text, sizeof(text)) == NVML_SUCCESS) {
        json_object_set_new(gpu, "serial", json_string(text));
    }
    uint32_t current = 0;
    uint32_t pending = 0;
    if (driver->nvmlDeviceGetMigMode == NULL ||
        driver->nvmlDeviceGetMigMode(device, &current, &pending) != NVML_SUCCESS ||
        current == NVML_DISABLED) {
        return;
    }
    CLEANUP_JSON json_t *instances = json_array();
    json_object_set_new(gpu, "mig", json_true());
    add_instances(driver, device, model, instances);
    if (json_array_size(instances) > 0) {
        json_object_set(gpu, "instances", instances);
    }
}

bool driver_mig_timeslicing(struct driver *driver)
{
    uint32_t n = 0;
    if (driver->nvmlDeviceGetVgpuCapabilities == NULL ||
        driver->nvmlDeviceGetCount_v2(&n) != NVML_SUCCESS) {
        return true;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct nvml_device *device = NULL;
        uint32_t able = 0;
        uint32_t enabled = 1;
        if (driver->nvmlDeviceGetHandleByIndex_v2(i, &device) == NVML_SUCCESS &&
            driver->nvmlDeviceGetVgpuCapabilities(
                device, NVML_DEVICE_VGPU_MIG_TIMESLICING_SUPPORTED, &able) == NVML_SUCCESS &&
            driver->nvmlDeviceGetVgpuCapabilities(device, NVML_DEVICE_VGPU_MIG_TIMESLICING_ENABLED,
                                                  &enabled) == NVML_SUCCESS &&
            able != 0 && enabled == 0) {
            return false;
        }
    }
    return true;
}
