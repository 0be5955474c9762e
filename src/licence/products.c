/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/products.h"

#include <string.h>

/*
 * Products by series: NVIDIA Virtual GPU Client Licensing User Guide (16.0), "NVIDIA vGPU Software
 * Licensed Products": A-series takes vApps, B-series vPC or vWS, Q-series vWS; NVIDIA AI Enterprise
 * 8, "NVIDIA vGPU for Compute Licensing": each C-series vGPU takes NVIDIA AI Enterprise. All vGPU
 * modes are alike: a MIG slice in a VM is a vGPU.
 */
static const struct {
    char series;
    licence_set products;
} by_series[] = {
    {'A', LICENCE_SET(LICENCE_VAPPS)},
    {'B', LICENCE_SET(LICENCE_VPC) | LICENCE_SET(LICENCE_VWS)},
    {'C', LICENCE_SET(LICENCE_NVAIE)},
    {'Q', LICENCE_SET(LICENCE_VWS)},
};

/* The same guide: pass-through for workstation or professional 3D graphics takes vWS, for PC-level
 * applications vApps; vPC is not there for pass-through. Compute takes none. */
#define GRAPHICS_PASSTHROUGH (LICENCE_SET(LICENCE_VWS) | LICENCE_SET(LICENCE_VAPPS))

static licence_set of_series(char series)
{
    for (size_t i = 0; i < ARRAY_SIZE(by_series); i++) {
        if (by_series[i].series == series) {
            return by_series[i].products;
        }
    }
    return 0;
}

licence_set licence_products(enum claim_mode mode, char series, bool graphics)
{
    switch (mode) {
    case CLAIM_PASSTHROUGH:
        return graphics ? GRAPHICS_PASSTHROUGH : 0;
    case CLAIM_TIME_SLICED:
    case CLAIM_MIG_BACKED:
    case CLAIM_TIME_SLICED_MIG_BACKED:
        return of_series(series);
    case CLAIM_GPU_INSTANCE: /* no VM has it: NVIDIA's licences are of guests */
    case CLAIM_MODE_COUNT:
        break;
    }
    return 0;
}

char licence_series(const char *type)
{
    const char *name = strrchr(type, '-');
    char series = 0;
    for (const char *p = name != NULL ? name : ""; *p != '\0'; p++) {
        if (of_series(*p) != 0) {
            series = *p;
        }
    }
    return series;
}

licence_set licence_products_of(const struct claim *claim)
{
    licence_set products =
        licence_products(claim->spec.mode, licence_series(claim->spec.type), claim->need.graphics);
    licence_set there = claim->need.any_licence ? 0 : products & claim->need.licences;
    return there != 0 ? there : products;
}

enum licence licence_preferred(licence_set products)
{
    static const enum licence order[] = {LICENCE_VPC, LICENCE_VWS, LICENCE_VAPPS, LICENCE_NVAIE};
    _Static_assert(ARRAY_SIZE(order) == LICENCE_COUNT, "every product has its place");
    for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
        if ((products & LICENCE_SET(order[i])) != 0) {
            return order[i];
        }
    }
    return LICENCE_COUNT;
}

/*
 * Concurrent-user licences count VMs that are in use at one time, and one licence is for one VM
 * (NVIDIA Virtual GPU Software Packaging, Pricing, and Licensing Guide, "Terminology", CCU); so a
 * VM with several vGPUs takes one of each product. NVIDIA AI Enterprise is bought per GPU, and one
 * licence covers up to 16 vGPUs on that GPU (NVIDIA AI Enterprise 8, "NVIDIA vGPU for Compute
 * Licensing"; the licence server counts the vGPUs below it one by one).
 */
enum licence_unit licence_unit(enum licence product)
{
    return product == LICENCE_NVAIE ? LICENCE_PER_GPU : LICENCE_PER_VM;
}
