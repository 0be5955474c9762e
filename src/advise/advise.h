/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What serves a need: for each of the five modes on one board, yes or no, the smallest type or
 * profile that does, and why. Pure: it asks the catalog and the rules (data/rules), no host.
 */
#ifndef ADVISE_ADVISE_H
#define ADVISE_ADVISE_H

#include "catalog/catalog.h"
#include "model/check.h"
#include "model/claim.h"
#include "model/need.h"
#include "rules/rules.h"

enum verdict {
    VERDICT_YES,         /* "yes" */
    VERDICT_WITH_CHANGE, /* "with-change": once the GPU is set up otherwise */
    VERDICT_NO,          /* "no" */
    VERDICT_COUNT
};
WORDS_DECLARE(verdict, verdict_words)

/* The source of a reason that no rule gives: what is in the way on the GPU that was asked about. */
#define ADVISE_SOURCE_HOST "this host as it is now"

/* One mode on one board. Borrowed of catalog and rules, which must live as long. */
struct advice {
    enum claim_mode mode;
    enum verdict verdict;
    uint32_t rank;  /* 1: best; 0: it doesn't serve */
    uint32_t order; /* the lower, the better: of modes of whatever board */
    const struct gpu_model *model;
    const struct cat_vgpu_type *type;  /* NULL: none, or no vGPU */
    const struct cat_profile *profile; /* NULL: no GPU instance, or an unknown one */
    bool whole;                        /* it takes all of the GPU's memory or compute */
    uint32_t per_gpu;                  /* VMs like this on one GPU; CAT_UNKNOWN */
    licence_set licences;              /* each alone covers it; 0: none is needed */
    char change[160];                  /* what is to be set up; "" */
    uint32_t wasted_mib;               /* memory that the VM gets beyond its need; CAT_UNKNOWN */
    uint32_t unseen_mib;               /* memory that is taken and the VM never sees; CAT_UNKNOWN */
    uint32_t compute;                  /* its share of the GPU, in percent; CAT_UNKNOWN */
    uint32_t wasted_compute;           /* of that beyond its need, if one is stated; CAT_UNKNOWN */
    struct checks reasons;  /* why not: broken rules; of VERDICT_YES: of what was turned down */
    struct checks warnings; /* of what serves: documented limits that refuse nothing */
};
struct advices {
    struct advice *items;
    size_t n;
    size_t cap;
};

/* A GPU that is asked whether it can serve what a board of its kind could. */
struct advise_gpu {
    /* 0, and `advice` with the change that it takes, if any, and with warnings; or -reason and why
     * not. */
    int (*ask)(void *data, struct advice *advice, struct error *err);
    void *data;
};

/* Appends one advice per mode, best first, those that don't serve last. Of a board; or of one GPU,
 * where `gpu` is asked for each type and profile that would do, the smallest first. */
void advise_board(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                  struct advices *ret_advices);
void advise_gpu(const struct rules *rules, const struct gpu_model *model, const struct need *need,
                const struct advise_gpu *gpu, struct advices *ret_advices);
void advice_done(struct advice *advice);
void advices_done(struct advices *advices);

#endif
