/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NVIDIA's licensed products, and which of them a VM's GPU needs (NVIDIA vGPU client licensing user
 * guide, "Licensed products"; NVIDIA AI Enterprise, vGPU for Compute licensing). A bare GPU
 * instance and a GPU passed through for compute need none.
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

/* Each of these alone covers a vGPU of that series ('A', 'B', 'C', 'Q'); 0: no source says. */
licence_set licence_of_series(char series);
/* Each of these alone covers graphics on a GPU that is passed through; vPC never does. */
licence_set licence_of_graphics_passthrough(void);
/* "vPC or vWS"; "none". Returns out. */
const char *licence_describe(licence_set products, char *out, size_t size);

#endif
