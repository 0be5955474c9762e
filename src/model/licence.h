/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVIDIA's licensed products (NVIDIA Virtual GPU Client Licensing User Guide, "Licensed products";
 * NVIDIA AI Enterprise). Which of them a claim needs: licence/products.h.
 */
#ifndef MODEL_LICENCE_H
#define MODEL_LICENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/words.h"

/* Names are part of the API. */
enum licence {
    LICENCE_VAPPS, /* "vApps" */
    LICENCE_VPC,   /* "vPC" */
    LICENCE_VWS,   /* "vWS" */
    LICENCE_NVAIE, /* "NVIDIA AI Enterprise" */
    LICENCE_COUNT
};
WORDS_DECLARE(licence, licence_words)

/* A set: 1 << LICENCE_VPC | … */
typedef uint32_t licence_set;
#define LICENCE_SET(product) (UINT32_C(1) << (product))

/* By its name in any case, or by one that is common for it: "nvaie". False: it is none. */
bool licence_find(const char *text, enum licence *ret_product);
/* "vPC or vWS"; "none". Returns out. */
const char *licence_describe(licence_set products, char *out, size_t size);

#endif
