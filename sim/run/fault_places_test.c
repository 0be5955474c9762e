/* SPDX-License-Identifier: Apache-2.0 */
/* Places of faults: what is no place would strike nothing, and is refused. */
#include "sim/run/fault_places.h"

#include "base/str.h"
#include "test.h"

static void places_are_known_and_typos_are_not(void **state)
{
    (void)state;
    static const struct {
        const char *at;
        bool known;
    } rows[] = {
        {"nvmlDeviceSetMigMode", true},
        {"nvmlInit_v2", true},
        {"nvml*", true},
        {"nvmlGpuInstance*", true},
        {"nvmlDeviceSetMigMod", false},
        {"nvmlA*", false},
        {"nvidia/current_vgpu_type", true},
        {"current_vgpu_type", true},
        {"*type", true},
        {"/sys/*/current_vgpu_type", true},
        {"/sys/devices/pci0000:40/0000:41:00.2/nvidia/current_vgpu_type", true},
        {"0000:21:00.0/reset", true},
        {"drivers/nvidia/unbind", true},
        {"unbindLock", true},
        {"driver_override", true},
        {"sriov_numvfs", true},
        {"resource0", true},
        {"create", true}, /* of an mdev type */
        {"TYPO", false},
        {"nvidia/current_vgpu_typ", false},
        {"/sys/devices/nothing", false},
        {"nvidio/current_vgpu_type", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (fault_places_have(rows[i].at) != rows[i].known) {
            fail_msg("%s", rows[i].at);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_known_and_typos_are_not),
    };
    return cmocka_run_group_tests_name("fault places", tests, NULL, NULL);
}
