/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slow model of one GPU to judge layout by: it lists every legal configuration and answers by
 * looking through the list. It shares no code with src/layout.
 */
#ifndef TEST_PROPERTY_NAIVE_H
#define TEST_PROPERTY_NAIVE_H

#include "models.h"

#define NAIVE_MAX_CONFIGS 8192
#define NAIVE_MAX_PARTS 12

struct naive_part {
    uint32_t profile; /* index in the model */
    uint32_t start;
};

struct naive_config {
    struct naive_part parts[NAIVE_MAX_PARTS];
    uint32_t n;
};

struct naive {
    const struct gpu_model *model;
    struct naive_config configs[NAIVE_MAX_CONFIGS]; /* the empty one included */
    uint32_t n;
};

/* Lists all configurations. Caller frees. */
struct naive *naive_new(const struct gpu_model *model);

bool naive_is_legal(const struct gpu_model *model, const struct naive_config *config);
bool naive_has(const struct naive_config *config, const struct naive_part *part);
/* Does `big` hold every part of `small`? */
bool naive_contains(const struct naive_config *big, const struct naive_config *small);
/* How many more of the profile the fullest configuration around `config` has. */
uint32_t naive_remaining(const struct naive *naive, const struct naive_config *config,
                         uint32_t profile);
/* naive_remaining() of all profiles, largest first; compared like words. */
struct naive_worth {
    uint32_t left[32];
};
struct naive_worth naive_worth_of(const struct naive *naive, const struct naive_config *config);
int naive_worth_compare(const struct naive_worth *a, const struct naive_worth *b);

struct layout_gis naive_gis(const struct naive *naive, const struct naive_config *config);
/* For messages; a static buffer per call site is enough. */
const char *naive_text(const struct naive *naive, const struct naive_config *config, char out[256]);

#endif
