/* SPDX-License-Identifier: Apache-2.0 */
/* Cordons of GPUs, and requests about them. Loop thread only. */
#ifndef VERBS_CORDON_H
#define VERBS_CORDON_H

#include "service/service.h"

struct txn;

/* Of a GPU, whether it is cordoned already or not. */
void txn_cordon(struct txn *txn, const struct gpu *gpu, const char *author, const char *why);
void txn_uncordon(struct txn *txn, const struct gpu *gpu, const char *author);

/* Verbs (service/verbs.def). */
verb_fn verb_cordon_gpu, verb_uncordon_gpu;

#endif
