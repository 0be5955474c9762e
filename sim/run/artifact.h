/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated host is made of besides this program: found next to it in the build folder,
 * below the installed library directory, or in $CLEAVE_SIM_LIBDIR. */
#ifndef SIM_RUN_ARTIFACT_H
#define SIM_RUN_ARTIFACT_H

#include "base/error.h"

enum artifact {
    ARTIFACT_SELF, /* cleave-sim */
    ARTIFACT_NVML, /* libnvidia-ml.so.1 */
    ARTIFACT_SRIOV_MANAGE,
    ARTIFACT_MODPROBE,
    ARTIFACT_QEMU_WRAPPER,  /* the emulator's stand-in */
    ARTIFACT_START_LIBVIRT, /* script: returns when libvirt's socket answers */
    ARTIFACT_SHELL,         /* script: cleave on a simulated host, and a shell there */
    ARTIFACT_COUNT
};

/* Path of a file that exists; caller frees. -NOT_FOUND names the places that were looked at. */
int artifact_find(enum artifact which, char **ret_path, struct error *err);

#endif
