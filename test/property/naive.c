/* SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

static const struct cat_profile *profile_of(const struct gpu_model *model,
                                            const struct naive_part *part)
{
    return &model->profiles.items[part->profile];
}

static bool may_start(const struct cat_profile *profile, uint32_t start)
{
    for (uint32_t i = 0; i < profile->n_placements; i++) {
        if (profile->placements[i].start == start) {
            return true;
        }
    }
    return false;
}

static bool share_a_slice(const struct gpu_model *model, const struct naive_part *a,
                          const struct naive_part *b)
{
    for (uint32_t slice = 0; slice < model->memory_slices; slice++) {
        bool in_a = slice >= a->start && slice < a->start + profile_of(model, a)->memory_slices;
        bool in_b = slice >= b->start && slice < b->start + profile_of(model, b)->memory_slices;
        if (in_a && in_b) {
            return true;
        }
    }
    return false;
}

static bool media_agree(enum cat_media a, enum cat_media b)
{
    if (a == MEDIA_ALL || b == MEDIA_ALL) {
        return a == MEDIA_NONE || b == MEDIA_NONE;
    }
    return a != MEDIA_ME || b != MEDIA_ME; /* every model here has one set of extra engines */
}

bool naive_is_legal(const struct gpu_model *model, const struct naive_config *config)
{
    uint32_t compute = 0;
    for (uint32_t i = 0; i < config->n; i++) {
        const struct naive_part *part = &config->parts[i];
        uint32_t same = 0;
        for (uint32_t k = 0; k < config->n; k++) {
            const struct naive_part *other = &config->parts[k];
            same += other->profile == part->profile;
            if (k != i &&
                (share_a_slice(model, part, other) ||
                 !media_agree(profile_of(model, part)->media, profile_of(model, other)->media))) {
                return false;
            }
        }
        if (!may_start(profile_of(model, part), part->start) ||
            same > profile_of(model, part)->max_instances) {
            return false;
        }
        compute += profile_of(model, part)->compute_slices;
    }
    return config->n <= model->max_gpu_instances && compute <= model->compute_slices;
}

/* With and without each placement in turn. */
static void list(struct naive *naive, struct naive_config config, uint32_t profile,
                 uint32_t placement)
{
    if (profile == naive->model->profiles.n) {
        assert_true(naive->n < NAIVE_MAX_CONFIGS);
        naive->configs[naive->n++] = config;
        return;
    }
    const struct cat_profile *p = &naive->model->profiles.items[profile];
    if (placement == p->n_placements) {
        list(naive, config, profile + 1, 0);
        return;
    }
    list(naive, config, profile, placement + 1);
    assert_true(config.n < NAIVE_MAX_PARTS);
    config.parts[config.n++] = (struct naive_part){profile, p->placements[placement].start};
    if (naive_is_legal(naive->model, &config)) {
        list(naive, config, profile, placement + 1);
    }
}

struct naive *naive_new(const struct gpu_model *model)
{
    struct naive *naive = calloc(1, sizeof(*naive));
    assert_non_null(naive);
    naive->model = model;
    list(naive, (struct naive_config){.n = 0}, 0, 0);
    return naive;
}

bool naive_has(const struct naive_config *config, const struct naive_part *part)
{
    for (uint32_t i = 0; i < config->n; i++) {
        if (config->parts[i].profile == part->profile && config->parts[i].start == part->start) {
            return true;
        }
    }
    return false;
}

bool naive_contains(const struct naive_config *big, const struct naive_config *small)
{
    for (uint32_t i = 0; i < small->n; i++) {
        if (!naive_has(big, &small->parts[i])) {
            return false;
        }
    }
    return true;
}

uint32_t naive_remaining(const struct naive *naive, const struct naive_config *config,
                         uint32_t profile)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < naive->n; i++) {
        const struct naive_config *other = &naive->configs[i];
        if (!naive_contains(other, config)) {
            continue;
        }
        uint32_t more = 0;
        bool only = true;
        for (uint32_t k = 0; k < other->n; k++) {
            bool added = !naive_has(config, &other->parts[k]);
            more += added;
            only = only && (!added || other->parts[k].profile == profile);
        }
        most = only && more > most ? more : most;
    }
    return most;
}

static bool is_larger(const struct cat_profile *a, const struct cat_profile *b)
{
    return a->memory_slices != b->memory_slices ? a->memory_slices > b->memory_slices
                                                : a->compute_slices > b->compute_slices;
}

struct naive_worth naive_worth_of(const struct naive *naive, const struct naive_config *config)
{
    struct naive_worth worth = {{0}};
    const struct cat_profile *profiles = naive->model->profiles.items;
    for (uint32_t p = 0; p < naive->model->profiles.n; p++) {
        uint32_t rank = 0;
        for (uint32_t q = 0; q < naive->model->profiles.n; q++) {
            rank += is_larger(&profiles[q], &profiles[p]) ||
                    (q < p && !is_larger(&profiles[p], &profiles[q]));
        }
        worth.left[rank] = naive_remaining(naive, config, p);
    }
    return worth;
}

int naive_worth_compare(const struct naive_worth *a, const struct naive_worth *b)
{
    for (size_t i = 0; i < ARRAY_SIZE(a->left); i++) {
        if (a->left[i] != b->left[i]) {
            return a->left[i] > b->left[i] ? 1 : -1;
        }
    }
    return 0;
}

struct layout_gis naive_gis(const struct naive *naive, const struct naive_config *config)
{
    struct layout_gis gis = {.n = config->n};
    for (uint32_t i = 0; i < config->n; i++) {
        gis.items[i] =
            (struct layout_gi){profile_of(naive->model, &config->parts[i]), config->parts[i].start};
    }
    return gis;
}

const char *naive_text(const struct naive *naive, const struct naive_config *config, char out[256])
{
    struct layout_gis gis = naive_gis(naive, config);
    return layout_text(&gis, out, 256);
}
