/* SPDX-License-Identifier: Apache-2.0 */
/* What NVML may answer of a licence, and what is made of it. */
#include "driver/nvml/nvml_licence.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "test.h"

static struct nvml_vgpu_license_info answer;
static int32_t code;
static uint32_t status;

static int32_t get_info(uint32_t instance, struct nvml_vgpu_license_info *info)
{
    assert_int_equal(instance, 5);
    *info = answer;
    return code;
}

static int32_t get_status(uint32_t instance, uint32_t *licensed)
{
    assert_int_equal(instance, 5);
    *licensed = status;
    return code;
}

#define DATE(year_, month_, day_, hour_)                                                           \
    {.year = (year_),                                                                              \
     .month = (month_),                                                                            \
     .day = (day_),                                                                                \
     .hour = (hour_),                                                                              \
     .status = NVML_LICENSE_EXPIRY_VALID}
#define STATUS(of) {.status = NVML_LICENSE_EXPIRY_##of}

static const struct {
    struct nvml_vgpu_license_info info;
    enum vgpu_licence_state state;
    enum vgpu_licence_expiry expiry;
    const char *expires;
} rows[] = {
    {{1, DATE(2030, 1, 1, 0), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_VALID,
     "2030-01-01T00:00:00.000000Z"},
    {{1, DATE(2028, 2, 29, 23), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_VALID,
     "2028-02-29T23:00:00.000000Z"},
    {{1, STATUS(PERMANENT), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_PERMANENT,
     ""},
    {{1, STATUS(NOT_AVAILABLE), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    {{1, STATUS(INVALID), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{0, STATUS(NOT_APPLICABLE), NVML_LICENSE_UNLICENSED_UNRESTRICTED},
     VGPU_LICENCE_UNRESTRICTED,
     VGPU_LICENCE_EXPIRY_NOT_APPLICABLE,
     ""},
    {{0, STATUS(NOT_AVAILABLE), NVML_LICENSE_UNLICENSED_RESTRICTED},
     VGPU_LICENCE_RESTRICTED,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    {{0, STATUS(NOT_AVAILABLE), NVML_LICENSE_UNLICENSED},
     VGPU_LICENCE_UNLICENSED,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    {{0, STATUS(NOT_AVAILABLE), NVML_LICENSE_UNINITIALIZED},
     VGPU_LICENCE_UNINITIALIZED,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    /* Without a state, as the first form of the structure. */
    {{1, DATE(2030, 1, 1, 0), NVML_LICENSE_UNKNOWN},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_VALID,
     "2030-01-01T00:00:00.000000Z"},
    {{0, STATUS(NOT_AVAILABLE), NVML_LICENSE_UNKNOWN},
     VGPU_LICENCE_UNLICENSED,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    /* Dates that do not exist. */
    {{1, DATE(2030, 2, 31, 0), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{1, DATE(2030, 13, 1, 0), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{1, DATE(2030, 1, 1, 24), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{1, DATE(0, 0, 0, 0), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{1, DATE(UINT32_MAX, 1, 1, 0), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{1, {.status = 200}, NVML_LICENSE_LICENSED},
     VGPU_LICENCE_LICENSED,
     VGPU_LICENCE_EXPIRY_INVALID,
     ""},
    {{0, STATUS(PERMANENT), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_UNKNOWN,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    {{1, STATUS(PERMANENT), NVML_LICENSE_UNLICENSED},
     VGPU_LICENCE_UNKNOWN,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    {{7, STATUS(PERMANENT), NVML_LICENSE_LICENSED},
     VGPU_LICENCE_UNKNOWN,
     VGPU_LICENCE_EXPIRY_UNKNOWN,
     ""},
    {{1, STATUS(PERMANENT), 6}, VGPU_LICENCE_UNKNOWN, VGPU_LICENCE_EXPIRY_UNKNOWN, ""},
};

/* Either form of the function is read alike. */
static void an_answer_is_checked_and_never_guessed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
        const struct nvml nvml = {
            .nvmlVgpuInstanceGetLicenseInfo_v2 = i % 2 == 0 ? get_info : NULL,
            .nvmlVgpuInstanceGetLicenseInfo = i % 2 == 0 ? NULL : get_info,
        };
        char time[CLOCK_TEXT_SIZE] = "";
        char name[16];
        snprintf(name, sizeof(name), "row %zu", i / 2);
        answer = rows[i / 2].info;
        code = NVML_SUCCESS;
        struct vgpu_licence licence = nvml_licence_read(&nvml, 5);
        if (licence.expires_us != 0) {
            clock_format(licence.expires_us, time, sizeof(time));
        }
        if (licence.state != rows[i / 2].state || licence.expiry != rows[i / 2].expiry ||
            !str_eq(time, rows[i / 2].expires)) {
            fail_msg("%s: state %d, expiry %d, \"%s\"", name, (int)licence.state,
                     (int)licence.expiry, time);
        }
    }
}

static void a_driver_that_fails_or_lacks_the_functions_leaves_it_unknown(void **state)
{
    (void)state;
    const struct nvml none = {0};
    const struct nvml failing = {.nvmlVgpuInstanceGetLicenseInfo_v2 = get_info,
                                 .nvmlVgpuInstanceGetLicenseStatus = get_status};
    const struct nvml old = {.nvmlVgpuInstanceGetLicenseStatus = get_status};
    answer = rows[0].info;
    code = NVML_ERROR_NOT_FOUND;
    status = 1;
    assert_int_equal(nvml_licence_read(&none, 5).state, VGPU_LICENCE_UNKNOWN);
    assert_int_equal(nvml_licence_read(&failing, 5).state, VGPU_LICENCE_UNKNOWN);
    assert_int_equal(nvml_licence_read(&old, 5).state, VGPU_LICENCE_UNKNOWN);
    code = NVML_SUCCESS;
    assert_int_equal(nvml_licence_read(&old, 5).state, VGPU_LICENCE_LICENSED);
    assert_int_equal(nvml_licence_read(&old, 5).expiry, VGPU_LICENCE_EXPIRY_UNKNOWN);
    status = 0;
    assert_int_equal(nvml_licence_read(&old, 5).state, VGPU_LICENCE_UNLICENSED);
    status = 7;
    assert_int_equal(nvml_licence_read(&old, 5).state, VGPU_LICENCE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_checked_and_never_guessed),
        cmocka_unit_test(a_driver_that_fails_or_lacks_the_functions_leaves_it_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
