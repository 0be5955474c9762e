/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run/artifact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"

/* Where each is below the build folder's sim/, and its name where it is installed. */
static const struct {
    const char *built;
    const char *installed;
} places[ARTIFACT_COUNT] = {
    [ARTIFACT_SELF] = {"cleave-sim", "cleave-sim"},
    [ARTIFACT_NVML] = {"nvml/libnvidia-ml.so.1", "libnvidia-ml.so.1"},
    [ARTIFACT_SRIOV_MANAGE] = {"tools/sriov-manage", "sriov-manage"},
    [ARTIFACT_MODPROBE] = {"tools/modprobe", "modprobe"},
    [ARTIFACT_QEMU_WRAPPER] = {"guest/cleave-sim-qemu", "cleave-sim-qemu"},
    [ARTIFACT_START_LIBVIRT] = {"guest/start-libvirt", "start-libvirt"},
    [ARTIFACT_SHELL] = {"shell/shell", "shell"},
};

static char *own_dir(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (len <= 0) {
        return xstrdup(".");
    }
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    return xstrdup(path);
}

int artifact_find(enum artifact which, char **ret_path, struct error *err)
{
    if (which == ARTIFACT_SELF) {
        char path[4096] = "";
        ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (len <= 0) {
            return error_set_errno(err, errno, "cleave-sim", "finding this program");
        }
        *ret_path = xstrdup(path);
        return 0;
    }
    CLEANUP_FREE char *dir = own_dir();
    const char *given = getenv("CLEAVE_SIM_LIBDIR");
    const char *installed = places[which].installed;
    char *tries[] = {
        given != NULL ? xasprintf("%s/%s", given, installed) : NULL,
        xasprintf("%s/%s", dir, places[which].built),
        xasprintf("%s/../lib/cleave-sim/%s", dir, installed),
    };
    char *found = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        if (found == NULL && tries[i] != NULL && fs_exists(tries[i])) {
            found = TAKE_PTR(tries[i]);
        }
        free(tries[i]);
    }
    if (found == NULL) {
        return error_set(err, REASON_NOT_FOUND, installed,
                         "neither %s/%s nor %s/../lib/cleave-sim/%s exists", dir,
                         places[which].built, dir, installed);
    }
    *ret_path = realpath(found, NULL);
    free(found);
    if (*ret_path == NULL) {
        return error_set_errno(err, errno, installed, "finding its real path");
    }
    return 0;
}
