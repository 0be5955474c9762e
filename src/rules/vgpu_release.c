/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/vgpu_release.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* NVIDIA vGPU software documentation, lifecycle and release notes of each branch for Linux with KVM
 * (docs.nvidia.com/vgpu). By release. */
static const struct {
    const char *release, *driver;
} table[] = {
    {"13", "470"},      {"14", "510"}, {"15", "525"}, {"16", "535"}, {"17", "550"},
    {"17.2", "550.90"}, {"18", "570"}, {"19", "580"}, {"20", "595"},
};

const char *vgpu_release_driver(const char *release)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (str_eq(table[i].release, release)) {
            return table[i].driver;
        }
    }
    return NULL;
}

const char *vgpu_release_of(const char *driver)
{
    size_t len = driver == NULL ? 0 : strcspn(driver, ".");
    for (size_t i = 0; len > 0 && i < ARRAY_SIZE(table); i++) {
        if (strlen(table[i].driver) == len && strncmp(table[i].driver, driver, len) == 0) {
            return table[i].release;
        }
    }
    return NULL;
}

const char *vgpu_releases(void)
{
    return "13 to 20, and 17.2";
}
