/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which GPU is tried first for a claim, by what the claim finds there: one in use in the right mode
 * before an idle one, so that idle GPUs stay whole. Pure.
 */
#ifndef PLACE_PREFERENCE_H
#define PLACE_PREFERENCE_H

#include <stdint.h>

/* What the claim finds on the GPU, the best first. */
enum preference_for {
    PREFERENCE_RESERVED,   /* the claim's device is reserved there already */
    PREFERENCE_BY_HAND,    /* the definition of the claim's own VM names the GPU */
    PREFERENCE_RIGHT_MODE, /* it is used in the mode that the claim needs */
    PREFERENCE_IDLE,
    PREFERENCE_OTHER_MODE,   /* it is used otherwise */
    PREFERENCE_TAKES_OTHERS, /* other GPUs of its IOMMU group would have to leave the host with it
                              */
    PREFERENCE_SPOKEN_FOR    /* another claim, or another VM's definition, names all of it */
};

struct preference {
    enum preference_for what;
    uint32_t n_claims;  /* on it */
    uint32_t n_members; /* of its IOMMU group, when idle and passed through */
};

#define PREFERENCE_KEYS 3

/* Fills in keys of a place_score: what the claim finds; then many claims in the right mode, few
 * members of the group if idle, else few claims. */
void preference_score(const struct preference *preference, uint32_t keys[PREFERENCE_KEYS]);

#endif
