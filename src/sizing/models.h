/* SPDX-License-Identifier: Apache-2.0 */
/* Open models by name (data/models.yaml): their shapes, and figures that others published. */
#ifndef SIZING_MODELS_H
#define SIZING_MODELS_H

#include "sizing/sizing.h"

/* What someone else says that a part of a model takes. */
struct published_size {
    enum sizing_part part; /* weights or cache */
    bool checkpoint;       /* weights with their scales, and what stays at 16 bits */
    enum precision precision;
    uint32_t tokens; /* of the cache; 0 of weights */
    uint64_t bytes;
    char source[160];
};
struct open_model {
    char key[32];
    char name[48];
    struct model_shape shape;
    uint32_t context; /* the longest */
    char source[160];
    struct {
        struct published_size *items;
        size_t n;
        size_t cap;
    } published;
};
struct open_models {
    struct open_model *items;
    size_t n;
    size_t cap;
};

int models_load(const char *path, struct open_models *ret_models, struct error *err);
int models_load_default(struct open_models *ret_models, struct error *err);
void models_done(struct open_models *models);

/* Case does not count. -NOT_FOUND names those that there are. */
int models_find(const struct open_models *models, const char *key,
                const struct open_model **ret_model, struct error *err);
/* The model whose number of weights is closest by ratio: its shape stands for an unknown one. NULL
 * where there is none. */
const struct open_model *models_nearest(const struct open_models *models, uint64_t params);

#endif
