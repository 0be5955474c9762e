/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways in which GPUs could serve a claim: for one in exact words a single one on each GPU; for a
 * need those that src/advise ranks for the GPU's board. Whether there is room is not looked at.
 * Private to src/plan.
 */
#ifndef PLAN_OPTIONS_H
#define PLAN_OPTIONS_H

#include "place/place.h"
#include "plan/plan_request.h"

struct option {
    uint32_t gpu;           /* number of it on the host */
    struct claim_spec spec; /* exact words */
    uint32_t order;         /* of its mode, whatever the board; 0 of a claim in exact words */
    uint32_t unused_gib;    /* beyond the need, rounded up */
    uint32_t memory_mib;    /* beyond the need, exactly */
    bool smallest;          /* the first of its mode on the GPU */
};
struct options {
    struct option *items;
    size_t n;
    size_t cap;
};

/* Keys that options_score() fills in. */
#define OPTION_KEYS 2

/* Appends the options on all GPUs, by GPU and in it the best first. Of a claim with a need those
 * GPUs are left out that it does not select. */
void options_list(const struct planner *planner, const struct claim *claim,
                  struct options *ret_options);
/* Are mode, type and profile the same? */
bool option_is_same_way(const struct claim_spec *a, const struct claim_spec *b);
/* Writes the words into `spec` by which a claim gets that of a board for the need. */
void option_set_words(const struct need *need, enum claim_mode mode,
                      const struct cat_vgpu_type *type, const struct cat_profile *profile,
                      struct claim_spec *spec);
/* The claim in the option's words. */
struct claim option_claim(const struct option *option, const struct claim *claim);
/* A better mode first, then what leaves less memory unused. */
void option_score(const struct option *option, uint32_t keys[OPTION_KEYS]);
/* "L40S-8Q (time-sliced) on 0000:41:00.0, 0 MiB beyond the need, chosen of 14 ways". */
void options_describe(const struct options *options, size_t chosen, const char *bdf,
                      char out[CHOICE_TEXT_SIZE]);
/* Why the GPU has no option for an open claim; -reason. 0: it has one. */
int options_refuse(const struct planner *planner, const struct claim *claim, const struct gpu *gpu,
                   struct error *err);

#endif
