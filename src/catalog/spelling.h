/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of GPU instance profiles and vGPU types as other tools write them, brought to the catalog's
 * own. Nothing is looked up here: what is no name of the catalog comes out as it went in, and is
 * refused by the one who looks it up.
 *
 *   nvidia-smi   MIG 3g.20gb · MIG 3g.20gb Device 0:
 *   Kubernetes   nvidia.com/mig-1g.5gb.me · nvidia.com/GRID_A100-1-5C
 *   Slurm        gpu:1g.5gb · gres/gpu:a100_1g.5gb · Type=1g.5gb
 *   mdev         nvidia-474 · /sys/…/mdev_supported_types/nvidia-474
 *   Proxmox VE   mdev=nvidia-474
 *   vSphere      grid_a100-1-5c
 *
 * docs/howto/names.md has the whole list.
 */
#ifndef CATALOG_SPELLING_H
#define CATALOG_SPELLING_H

#include <stdbool.h>

#include "base/error.h"

#define SPELLING_SIZE 128

struct spelling {
    char name[SPELLING_SIZE];  /* "1g.5gb+me", "GRID A100-1-5C", or an id: "474" */
    char board[SPELLING_SIZE]; /* of a profile, what Slurm writes before it: "a100"; else "" */
    bool shared;               /* of a profile, with Kubernetes' ".shared" behind it */
};

struct spelling spelling_of_profile(const char *text);
struct spelling spelling_of_type(const char *text);

/* Is it a word of Kubernetes or Slurm, where a number behind the last ":" is a count? For
 * nvidia-smi it is where the instance starts. */
bool spelling_has_count(const char *text);

/* Behind what Slurm and others write before a name with a "=", which is no count: "Type=1g.5gb". */
const char *spelling_behind_key(const char *text);

/* -INVALID, with what it is, for what other tools write that names no profile and no type: a line
 * of gres.conf, a label of a node, a PCI address. Else 0. */
int spelling_refuse(const char *text, struct error *err);

#endif
