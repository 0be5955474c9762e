/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products that a claim's VM needs a licence of: the one place that says so, for admission, advice,
 * pools and the ledger of use. Sources stand with the table. Pure.
 */
#ifndef LICENCE_PRODUCTS_H
#define LICENCE_PRODUCTS_H

#include <stdbool.h>

#include "model/claim.h"
#include "model/licence.h"

/* Each of these alone covers it; 0: it needs none. `series`: of the vGPU type ('A', 'B', 'C', 'Q'),
 * 0 without a vGPU, and where no source knows the letter. `graphics`: is the GPU for graphics? It
 * decides for a GPU that is passed through only. */
licence_set licence_products(enum claim_mode mode, char series, bool graphics);
/* The series by a type's name: 'Q' of "L40S-8Q", 'B' of "T4-2B4"; 0: the name has none. */
char licence_series(const char *type);
/* Of a claim whose mode and type are known. Of several that would do, those that its need says are
 * there, if it says so of any. */
licence_set licence_products_of(const struct claim *claim);
/* The one to take of several where nothing else decides: vPC before vWS, vWS before vApps.
 * LICENCE_COUNT: the set is empty. */
enum licence licence_preferred(licence_set products);

/* How licences of a product are counted. */
enum licence_unit {
    LICENCE_PER_VM, /* one for each VM that is on, however many vGPUs it has */
    LICENCE_PER_GPU /* one for each GPU, and for each LICENCE_VGPUS_PER_GPU of its vGPUs */
};
#define LICENCE_VGPUS_PER_GPU 16
enum licence_unit licence_unit(enum licence product);

#endif
