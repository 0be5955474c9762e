/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Licences of vGPUs, by three functions of NVML (nvml.h): GetLicenseInfo_v2 since NVML 11.7,
 * GetLicenseInfo since 11.5, and before them GetLicenseStatus, which says yes or no. The times are
 * UTC: nvidia-smi prints them with "GMT".
 */
#include "driver/nvml/nvml_licence.h"

#include <time.h>

#include "base/str.h"
#include "driver/nvml/nvml_use.h"

#define MAX_VGPUS 64
#define FIRST_YEAR 1970
#define LAST_YEAR 9999
#define US_PER_S UINT64_C(1000000)

static const enum vgpu_licence_state states[] = {
    [NVML_LICENSE_UNKNOWN] = VGPU_LICENCE_UNKNOWN,
    [NVML_LICENSE_UNINITIALIZED] = VGPU_LICENCE_UNINITIALIZED,
    [NVML_LICENSE_UNLICENSED_UNRESTRICTED] = VGPU_LICENCE_UNRESTRICTED,
    [NVML_LICENSE_UNLICENSED_RESTRICTED] = VGPU_LICENCE_RESTRICTED,
    [NVML_LICENSE_UNLICENSED] = VGPU_LICENCE_UNLICENSED,
    [NVML_LICENSE_LICENSED] = VGPU_LICENCE_LICENSED,
};

static const enum vgpu_licence_expiry expiries[] = {
    [NVML_LICENSE_EXPIRY_NOT_AVAILABLE] = VGPU_LICENCE_EXPIRY_UNKNOWN,
    [NVML_LICENSE_EXPIRY_INVALID] = VGPU_LICENCE_EXPIRY_INVALID,
    [NVML_LICENSE_EXPIRY_VALID] = VGPU_LICENCE_EXPIRY_VALID,
    [NVML_LICENSE_EXPIRY_NOT_APPLICABLE] = VGPU_LICENCE_EXPIRY_NOT_APPLICABLE,
    [NVML_LICENSE_EXPIRY_PERMANENT] = VGPU_LICENCE_EXPIRY_PERMANENT,
};

/* False: there is no such time. */
static bool read_time(const struct nvml_vgpu_license_expiry *expiry, uint64_t *ret_us)
{
    struct tm tm = {.tm_year = (int)expiry->year - 1900,
                    .tm_mon = expiry->month - 1,
                    .tm_mday = expiry->day,
                    .tm_hour = expiry->hour,
                    .tm_min = expiry->min,
                    .tm_sec = expiry->sec};
    const struct tm given = tm;
    if (expiry->year < FIRST_YEAR || expiry->year > LAST_YEAR) {
        return false;
    }
    time_t seconds = timegm(&tm);
    if (seconds <= 0 || tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday ||
        tm.tm_hour != given.tm_hour || tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec) {
        return false; /* 31 February is no date, and would become one in March */
    }
    *ret_us = (uint64_t)seconds * US_PER_S;
    return true;
}

/* An answer that has no state (`current_state` is younger than `is_licensed`) has one word of it.
 */
static struct vgpu_licence read_info(const struct nvml_vgpu_license_info *info)
{
    const struct vgpu_licence unknown = {0};
    struct vgpu_licence licence = {0};
    if (info->current_state >= ARRAY_SIZE(states) || info->is_licensed > 1) {
        return unknown;
    }
    licence.state = states[info->current_state];
    if (licence.state == VGPU_LICENCE_UNKNOWN) {
        licence.state = info->is_licensed != 0 ? VGPU_LICENCE_LICENSED : VGPU_LICENCE_UNLICENSED;
    }
    if ((licence.state == VGPU_LICENCE_LICENSED) != (info->is_licensed != 0)) {
        return unknown;
    }
    licence.expiry = info->license_expiry.status < ARRAY_SIZE(expiries)
                         ? expiries[info->license_expiry.status]
                         : VGPU_LICENCE_EXPIRY_INVALID;
    if (licence.expiry == VGPU_LICENCE_EXPIRY_VALID &&
        !read_time(&info->license_expiry, &licence.expires_us)) {
        licence.expiry = VGPU_LICENCE_EXPIRY_INVALID;
    }
    return licence;
}

struct vgpu_licence nvml_licence_read(const struct nvml *nvml, uint32_t instance)
{
    struct vgpu_licence licence = {0};
    struct nvml_vgpu_license_info info = {0};
    uint32_t licensed = 0;
    int32_t (*read)(uint32_t, struct nvml_vgpu_license_info *) =
        nvml->nvmlVgpuInstanceGetLicenseInfo_v2 != NULL ? nvml->nvmlVgpuInstanceGetLicenseInfo_v2
                                                        : nvml->nvmlVgpuInstanceGetLicenseInfo;
    if (read != NULL) {
        return read(instance, &info) == NVML_SUCCESS ? read_info(&info) : licence;
    }
    if (nvml->nvmlVgpuInstanceGetLicenseStatus != NULL &&
        nvml->nvmlVgpuInstanceGetLicenseStatus(instance, &licensed) == NVML_SUCCESS &&
        licensed <= 1) {
        licence.state = licensed != 0 ? VGPU_LICENCE_LICENSED : VGPU_LICENCE_UNLICENSED;
    }
    return licence;
}

void nvml_licence_read_all(const struct nvml_gpu *handle, struct gpu *gpu)
{
    const struct nvml *nvml = handle->nvml;
    uint32_t vgpus[MAX_VGPUS];
    uint32_t n = MAX_VGPUS;
    if (nvml->nvmlDeviceGetActiveVgpus == NULL ||
        nvml->nvmlDeviceGetActiveVgpus(handle->device, &n, vgpus) != NVML_SUCCESS) {
        return;
    }
    for (uint32_t i = 0; i < n && i < MAX_VGPUS; i++) {
        struct nvml_vgpu_name name;
        struct vgpu_licence licence = nvml_licence_read(nvml, vgpus[i]);
        if (licence.state == VGPU_LICENCE_UNKNOWN || !nvml_use_name(nvml, vgpus[i], &name)) {
            continue;
        }
        struct vgpu_licensee *licensee = vec_push(&gpu->licensees);
        *licensee = (struct vgpu_licensee){.type_id = name.type_id, .licence = licence};
        STR_SET(licensee->vm_uuid, name.vm_uuid);
        STR_SET(licensee->mdev_uuid, name.mdev_uuid);
    }
}
