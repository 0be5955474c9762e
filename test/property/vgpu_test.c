/* SPDX-License-Identifier: Apache-2.0 */
/* vGPU placement against trying everything. */
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "models.h"
#include "random.h"
#include "test.h"

#define ROUNDS 3000
#define NEAREST_ROUNDS 500

static struct layout_vgpus random_types(const struct gpu_model *model, struct random *random,
                                        bool mig_backed, uint32_t most)
{
    struct layout_vgpus vgpus = {.n = 1 + random_below(random, most)};
    for (uint32_t i = 0; i < vgpus.n;) {
        const struct cat_vgpu_type *type =
            &model->types.items[random_below(random, (uint32_t)model->types.n)];
        if (type->mig_backed == mig_backed) {
            vgpus.items[i++] = (struct layout_vgpu){type, LAYOUT_ANYWHERE, LAYOUT_ANYWHERE};
        }
    }
    return vgpus;
}

static uint32_t count_type(const struct layout_vgpus *vgpus, const struct cat_vgpu_type *type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < vgpus->n; i++) {
        count += vgpus->items[i].type == type;
    }
    return count;
}

/* ---- mixed sizes ---- */

static const struct cat_mixed_row *row_of(const struct gpu_model *model,
                                          const struct cat_vgpu_type *type)
{
    for (size_t i = 0; i < model->mixed.n; i++) {
        if (model->mixed.items[i].framebuffer_mib == type->framebuffer_mib) {
            return &model->mixed.items[i];
        }
    }
    fail_msg("%s has no row", type->name);
    return NULL;
}

static bool overlap(const struct gpu_model *model, const struct layout_vgpu *a,
                    const struct layout_vgpu *b)
{
    uint32_t a_end = a->placement_id + row_of(model, a->type)->placement_size;
    uint32_t b_end = b->placement_id + row_of(model, b->type)->placement_size;
    return a->placement_id < b_end && b->placement_id < a_end;
}

static bool fits_before(const struct gpu_model *model, const struct layout_vgpus *vgpus, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (overlap(model, &vgpus->items[k], &vgpus->items[i])) {
            return false;
        }
    }
    return true;
}

static bool naive_mixed(const struct gpu_model *model, struct layout_vgpus *vgpus, uint32_t i)
{
    if (i == vgpus->n) {
        return true;
    }
    const struct cat_mixed_row *row = row_of(model, vgpus->items[i].type);
    for (uint32_t k = 0; k < row->n_placement_ids; k++) {
        vgpus->items[i].placement_id = row->placement_ids[k];
        if (fits_before(model, vgpus, i) && naive_mixed(model, vgpus, i + 1)) {
            return true;
        }
    }
    return false;
}

static bool within_maxima(const struct layout_vgpus *vgpus)
{
    for (uint32_t i = 0; i < vgpus->n; i++) {
        const struct cat_vgpu_type *type = vgpus->items[i].type;
        if (count_type(vgpus, type) > type->max_per_gpu_mixed) {
            return false;
        }
    }
    return true;
}

static void mixed_sizes_are_placed_whenever_they_can_be(void **state)
{
    (void)state;
    struct random random = random_new();
    const struct layout_vgpu_mode mode = {.mixed = true};
    const struct layout_gis none = {.n = 0};
    uint32_t placed_count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct layout_vgpus vgpus = random_types(&model_l40s, &random, false, 6);
        struct layout_vgpus placed = vgpus;
        struct error err;
        bool found = layout_place_vgpus(&model_l40s, &none, &mode, &placed, &err) == 0;
        bool possible = within_maxima(&vgpus) && naive_mixed(&model_l40s, &vgpus, 0);
        if (found != possible) {
            fail_msg("seed %llu round %d: %s", random_seed(&random), round,
                     possible ? err.message : "placed what cannot be");
        }
        for (uint32_t i = 0; found && i < placed.n; i++) {
            assert_true(fits_before(&model_l40s, &placed, i));
        }
        placed_count += found;
    }
    assert_in_range(placed_count, ROUNDS / 10, ROUNDS * 9 / 10);
}

/* ---- what comes nearest ---- */

struct kept {
    uint32_t n;
    uint64_t mib;
};

static bool is_better(const struct kept *a, const struct kept *b)
{
    return a->n != b->n ? a->n > b->n : a->mib > b->mib;
}

/* The best of all subsets. */
static struct kept naive_nearest(const struct gpu_model *model, const struct layout_vgpus *wanted)
{
    struct kept best = {.n = 0};
    for (uint32_t set = 1; set < 1U << wanted->n; set++) {
        struct layout_vgpus some = {.n = 0};
        struct kept kept = {.n = 0};
        for (uint32_t i = 0; i < wanted->n; i++) {
            if ((set >> i & 1) != 0) {
                some.items[some.n++] = wanted->items[i];
                kept.mib += wanted->items[i].type->framebuffer_mib;
            }
        }
        kept.n = some.n;
        if (is_better(&kept, &best) && within_maxima(&some) && naive_mixed(model, &some, 0)) {
            best = kept;
        }
    }
    return best;
}

/* "nearest that fits: 1 × L40S-16Q and 2 × L40S-12Q"; each must be one of those wanted. */
static struct kept kept_by_hint(const char *hint, const struct layout_vgpus *wanted)
{
    struct kept kept = {.n = 0};
    static const char begin[] = "nearest that fits: ";
    if (!str_starts(hint, begin)) {
        return kept;
    }
    char text[256];
    assert_true(str_copy(text, sizeof(text), hint + strlen(begin)));
    char *rest = text;
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        uint32_t n = 0;
        if (!parse_u32(word, &n)) {
            continue; /* "and" */
        }
        assert_string_equal(strsep(&rest, " "), "×");
        char *name = strsep(&rest, " ");
        name[strcspn(name, ",")] = '\0';
        const struct cat_vgpu_type *type = NULL;
        for (uint32_t i = 0; i < wanted->n; i++) {
            type = str_eq(wanted->items[i].type->name, name) ? wanted->items[i].type : type;
        }
        assert_non_null(type);
        assert_true(n <= count_type(wanted, type));
        kept.n += n;
        kept.mib += (uint64_t)n * type->framebuffer_mib;
    }
    return kept;
}

static void a_refusal_names_the_nearest_that_fits(void **state)
{
    (void)state;
    struct random random = random_new();
    uint32_t refused = 0;
    for (int round = 0; round < NEAREST_ROUNDS; round++) {
        struct layout_request request = {.vgpus = random_types(&model_l40s, &random, false, 6),
                                         .mixed = true};
        struct layout_vgpus wanted = request.vgpus;
        struct error err = {0};
        if (layout_fit(&model_l40s, &request, &err) == 0) {
            continue;
        }
        refused++;
        struct kept best = naive_nearest(&model_l40s, &wanted);
        struct kept kept = kept_by_hint(err.hint, &wanted);
        if (kept.n != best.n || kept.mib != best.mib) {
            fail_msg("seed %llu round %d: \"%s\" keeps %u (%llu MiB), and %u (%llu MiB) fit",
                     random_seed(&random), round, err.hint, kept.n, (unsigned long long)kept.mib,
                     best.n, (unsigned long long)best.mib);
        }
    }
    assert_true(refused > NEAREST_ROUNDS / 10);
}

/* ---- GPU instances ---- */

struct carriers {
    struct layout_gis gis;
    bool timesliced;
};

static bool may_share(const struct layout_vgpus *vgpus, uint32_t i, bool timesliced)
{
    const struct layout_vgpu *vgpu = &vgpus->items[i];
    uint32_t together = 1;
    for (uint32_t k = 0; k < i; k++) {
        if (vgpus->items[k].gi == vgpu->gi) {
            together++;
            if (vgpus->items[k].type->framebuffer_mib != vgpu->type->framebuffer_mib) {
                return false;
            }
        }
    }
    return together <= (timesliced ? vgpu->type->max_per_gi : 1);
}

static bool naive_carry(const struct carriers *carriers, struct layout_vgpus *vgpus, uint32_t i)
{
    if (i == vgpus->n) {
        return true;
    }
    for (uint32_t gi = 0; gi < carriers->gis.n; gi++) {
        vgpus->items[i].gi = gi;
        if (carriers->gis.items[gi].profile->id == vgpus->items[i].type->gi_profile_id &&
            may_share(vgpus, i, carriers->timesliced) && naive_carry(carriers, vgpus, i + 1)) {
            return true;
        }
    }
    return false;
}

static void vgpus_find_instances_whenever_there_are_enough(void **state)
{
    (void)state;
    static const char *const layouts[] = {"1g.24gb+gfx@0 1g.24gb+gfx@3 1g.24gb+gfx@6 1g.24gb+gfx@9",
                                          "2g.48gb+gfx@0 1g.24gb+gfx@6 1g.24gb+gfx@9",
                                          "1g.24gb+gfx@3 1g.24gb@6 1g.24gb+gfx@9", "4g.96gb+gfx@0"};
    struct random random = random_new();
    uint32_t placed_count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct carriers carriers = {
            gis_of(&model_rtx_pro_6000, layouts[random_below(&random, ARRAY_SIZE(layouts))]),
            random_below(&random, 4) != 0};
        const struct layout_vgpu_mode mode = {.mig = true, .mig_timesliced = carriers.timesliced};
        struct layout_vgpus vgpus = random_types(&model_rtx_pro_6000, &random, true, 5);
        struct layout_vgpus placed = vgpus;
        struct error err;
        bool found =
            layout_place_vgpus(&model_rtx_pro_6000, &carriers.gis, &mode, &placed, &err) == 0;
        bool possible = naive_carry(&carriers, &vgpus, 0);
        if (found != possible) {
            fail_msg("seed %llu round %d: %s", random_seed(&random), round,
                     possible ? err.message : "placed what cannot be");
        }
        for (uint32_t i = 0; found && i < placed.n; i++) {
            assert_true(may_share(&placed, i, carriers.timesliced));
        }
        placed_count += found;
    }
    assert_in_range(placed_count, ROUNDS / 50, ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mixed_sizes_are_placed_whenever_they_can_be),
        cmocka_unit_test(a_refusal_names_the_nearest_that_fits),
        cmocka_unit_test(vgpus_find_instances_whenever_there_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
