/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/vgpu_release.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

/* Branches and their updates with the host driver of each: NVIDIA vGPU software documentation,
 * release notes for Linux with KVM, driver versions (docs.nvidia.com/vgpu), and the list of the
 * packages for Linux KVM (github.com/nvidiavgpuarchive/index, which names both). Two updates of one
 * driver (17.2 and 17.3) look alike. An update that is not here is unknown. By release. */
static const struct {
    const char *release, *driver;
} table[] = {
    {"13", "470"},           {"13.0", "470.63"},      {"13.1", "470.82"},
    {"13.2", "470.103.02"},  {"13.3", "470.129.04"},  {"13.4", "470.141.05"},
    {"13.6", "470.161.02"},  {"13.7", "470.182.02"},  {"13.8", "470.199.03"},
    {"13.9", "470.223.02"},  {"13.10", "470.239.01"}, {"13.12", "470.256.02"},
    {"14", "510"},           {"14.0", "510.47.03"},   {"14.1", "510.73.06"},
    {"14.2", "510.85.03"},   {"14.4", "510.108.03"},  {"15", "525"},
    {"15.0", "525.60.12"},   {"15.1", "525.85.07"},   {"15.2", "525.105.14"},
    {"15.3", "525.125.03"},  {"15.4", "525.147.01"},  {"16", "535"},
    {"16.0", "535.54.06"},   {"16.1", "535.104.06"},  {"16.2", "535.129.03"},
    {"16.3", "535.154.02"},  {"16.4", "535.161.05"},  {"16.5", "535.161.05"},
    {"16.6", "535.183.04"},  {"16.7", "535.183.04"},  {"16.8", "535.216.01"},
    {"16.9", "535.230.02"},  {"16.10", "535.247.02"}, {"16.11", "535.261.04"},
    {"16.12", "535.274.03"}, {"16.13", "535.288.01"}, {"16.14", "535.309.01"},
    {"17", "550"},           {"17.0", "550.54.10"},   {"17.1", "550.54.16"},
    {"17.2", "550.90.05"},   {"17.3", "550.90.05"},   {"17.4", "550.127.06"},
    {"17.5", "550.144.02"},  {"17.6", "550.163.02"},  {"18", "570"},
    {"18.0", "570.124.03"},  {"18.1", "570.133.10"},  {"18.2", "570.148.06"},
    {"18.3", "570.158.02"},  {"18.4", "570.172.07"},  {"18.5", "570.195.02"},
    {"18.6", "570.211.01"},  {"19", "580"},           {"19.0", "580.65.05"},
    {"19.1", "580.82.02"},   {"19.2", "580.95.02"},   {"19.3", "580.105.06"},
    {"19.4", "580.126.08"},  {"19.5", "580.159.01"},  {"20", "595"},
    {"20.0", "595.58.02"},   {"20.1", "595.71.03"},
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

/* Drivers for Windows have numbers of their own: the branches of the Windows drivers in the same
 * packages, first and last. A Linux driver in a guest has its host's branch. */
static const struct {
    const char *release;
    uint32_t first, last;
} windows[] = {
    {"13", 471, 475}, {"14", 511, 514}, {"15", 527, 529}, {"16", 536, 539},
    {"17", 551, 553}, {"18", 572, 573}, {"19", 580, 582}, {"20", 595, 596},
};

const char *vgpu_release_of_guest(const char *driver)
{
    const char *linux_release = vgpu_release_of(driver);
    char branch[16] = "";
    uint32_t number = 0;
    if (linux_release != NULL || driver == NULL || !STR_SET(branch, driver)) {
        return linux_release;
    }
    branch[strcspn(branch, ".")] = '\0';
    for (size_t i = 0; parse_u32(branch, &number) && i < ARRAY_SIZE(windows); i++) {
        if (number >= windows[i].first && number <= windows[i].last) {
            return windows[i].release;
        }
    }
    return NULL;
}

const char *vgpu_releases(void)
{
    return "13 to 20, and their updates as 17.2";
}
