/* SPDX-License-Identifier: Apache-2.0 */
/* Licences of vGPUs, as the host's driver tells them. */
#include <time.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define US_PER_S 1000000

static struct nvml_vgpu_license_expiry expiry_of(const struct rpc_vgpu *vgpu)
{
    struct nvml_vgpu_license_expiry expiry = {.status = NVML_LICENSE_EXPIRY_NOT_APPLICABLE};
    struct tm tm = {0};
    time_t until = (time_t)(vgpu->licensed_until_us / US_PER_S);
    if (vgpu->licence != NVML_LICENSE_LICENSED) {
        return expiry;
    }
    if (until == 0 || gmtime_r(&until, &tm) == NULL) {
        expiry.status = NVML_LICENSE_EXPIRY_PERMANENT; /* node-locked */
        return expiry;
    }
    return (struct nvml_vgpu_license_expiry){.year = (uint32_t)tm.tm_year + 1900,
                                             .month = (uint16_t)(tm.tm_mon + 1),
                                             .day = (uint16_t)tm.tm_mday,
                                             .hour = (uint16_t)tm.tm_hour,
                                             .min = (uint16_t)tm.tm_min,
                                             .sec = (uint16_t)tm.tm_sec,
                                             .status = NVML_LICENSE_EXPIRY_VALID};
}

int32_t nvmlVgpuInstanceGetLicenseInfo_v2(uint32_t vgpu_instance,
                                          struct nvml_vgpu_license_info *license_info)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, license_info, &vgpu);
    if (r == NVML_SUCCESS) {
        *license_info =
            (struct nvml_vgpu_license_info){.is_licensed = vgpu.licence == NVML_LICENSE_LICENSED,
                                            .license_expiry = expiry_of(&vgpu),
                                            .current_state = vgpu.licence};
    }
    return r;
}

int32_t nvmlVgpuInstanceGetLicenseInfo(uint32_t vgpu_instance,
                                       struct nvml_vgpu_license_info *license_info)
{
    return nvmlVgpuInstanceGetLicenseInfo_v2(vgpu_instance, license_info);
}

int32_t nvmlVgpuInstanceGetLicenseStatus(uint32_t vgpu_instance, uint32_t *licensed)
{
    struct rpc_vgpu vgpu;
    int r = vgpu_read(vgpu_instance, licensed, &vgpu);
    if (r == NVML_SUCCESS) {
        *licensed = vgpu.licence == NVML_LICENSE_LICENSED;
    }
    return r;
}
