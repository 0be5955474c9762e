/* SPDX-License-Identifier: Apache-2.0 */
/* What a path of the simulated kernel is about: what the slots of its pattern (node.h) stand for.
 */
#ifndef SIM_FUSE_REF_H
#define SIM_FUSE_REF_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/fuse/function.h"
#include "sim/state/state.h"

/* Borrowed from the host, valid under its lock. */
struct ref {
    struct sim_host *host;
    char root[ROOT_NAME_SIZE];
    struct function fn;
    char driver[16];
    uint32_t group;
    uint32_t virtfn;
    uint32_t bar;
    struct sim_vgpu *mdev; /* with fn its parent */
    const struct cat_vgpu_type *type;
    struct sim_gi *gi;
    struct sim_ci *ci;
    bool privileged; /* the caller is root: reads all of `config` */
};

#endif
