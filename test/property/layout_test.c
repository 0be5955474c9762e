/* SPDX-License-Identifier: Apache-2.0 */
/* Placement against brute force over every configuration of a GPU. */
#include "naive.h"

#include <stdlib.h>

#include "random.h"
#include "test.h"

#define ROUNDS 2000

struct fixture {
    struct cat_profile plain_profiles[32];
    struct gpu_model plain; /* the model without its media variants */
    struct naive *naive;
};

static struct fixture fixture_of(const struct gpu_model *model)
{
    return (struct fixture){.naive = naive_new(model)};
}

static void fixture_plain(struct fixture *fixture, const struct gpu_model *model)
{
    fixture->plain = *model;
    fixture->plain.profiles.items = fixture->plain_profiles;
    fixture->plain.profiles.n = 0;
    for (size_t i = 0; i < model->profiles.n; i++) {
        if (model->profiles.items[i].media == MEDIA_PLAIN) {
            fixture->plain_profiles[fixture->plain.profiles.n++] = model->profiles.items[i];
        }
    }
    fixture->naive = naive_new(&fixture->plain);
}

/* ---- every configuration ---- */

static void check_every_configuration(const struct naive *naive)
{
    char text[256];
    for (uint32_t i = 0; i < naive->n; i++) {
        const struct naive_config *config = &naive->configs[i];
        struct layout_gis gis = naive_gis(naive, config);
        struct error err = {.message = ""};
        if (layout_check(naive->model, &gis, &err) != 0) {
            fail_msg("[%s] is legal, but: %s", naive_text(naive, config, text), err.message);
        }
        for (uint32_t p = 0; p < naive->model->profiles.n; p++) {
            const struct cat_profile *profile = &naive->model->profiles.items[p];
            uint32_t left = layout_remaining(naive->model, &gis, profile);
            if (left != naive_remaining(naive, config, p)) {
                fail_msg("[%s]: %u more %s, not %u", naive_text(naive, config, text),
                         naive_remaining(naive, config, p), profile->name, left);
            }
        }
    }
}

/* The best start by brute force: most left, then lowest. */
static uint32_t naive_find_start(const struct naive *naive, const struct naive_config *config,
                                 uint32_t profile)
{
    uint32_t best = LAYOUT_ANYWHERE;
    struct naive_worth best_worth = {{0}};
    for (uint32_t start = 0; start < naive->model->memory_slices; start++) {
        struct naive_config next = *config;
        next.parts[next.n++] = (struct naive_part){profile, start};
        if (!naive_is_legal(naive->model, &next)) {
            continue;
        }
        struct naive_worth worth = naive_worth_of(naive, &next);
        if (best == LAYOUT_ANYWHERE || naive_worth_compare(&worth, &best_worth) > 0) {
            best = start;
            best_worth = worth;
        }
    }
    return best;
}

static void check_start(const struct naive *naive, const struct naive_config *config, uint32_t p)
{
    char text[256];
    const struct cat_profile *profile = &naive->model->profiles.items[p];
    struct layout_gis gis = naive_gis(naive, config);
    uint32_t start = layout_find_start(naive->model, &gis, profile);
    uint32_t best = naive_find_start(naive, config, p);
    if (start != best) {
        fail_msg("[%s]: best start of %s is %d, not %d", naive_text(naive, config, text),
                 profile->name, (int)best, (int)start);
    }
}

static void a_7_slice_gpu_has_723_configurations_all_judged_right(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_plain(&fixture, &model_a100);
    assert_int_equal(fixture.naive->n, 723);
    check_every_configuration(fixture.naive);
    free(fixture.naive);
}

static void a_4_slice_gpu_has_26_configurations_all_judged_right(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_plain(&fixture, &model_a30);
    assert_int_equal(fixture.naive->n, 26);
    check_every_configuration(fixture.naive);
    for (uint32_t i = 0; i < fixture.naive->n; i++) {
        for (uint32_t p = 0; p < fixture.plain.profiles.n; p++) {
            check_start(fixture.naive, &fixture.naive->configs[i], p);
        }
    }
    free(fixture.naive);
}

static void media_variants_are_judged_right_too(void **state)
{
    (void)state;
    static const struct gpu_model *const models[] = {&model_a100, &model_a30};
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct fixture fixture = fixture_of(models[i]);
        check_every_configuration(fixture.naive);
        free(fixture.naive);
    }
}

/* ---- random ones ---- */

static struct naive_config random_parts(const struct naive *naive, struct random *random)
{
    struct naive_config config = {.n = random_below(random, 5)};
    for (uint32_t i = 0; i < config.n; i++) {
        uint32_t p = random_below(random, (uint32_t)naive->model->profiles.n);
        const struct cat_profile *profile = &naive->model->profiles.items[p];
        uint32_t start =
            random_below(random, 8) == 0
                ? random_below(random, naive->model->memory_slices)
                : profile->placements[random_below(random, profile->n_placements)].start;
        config.parts[i] = (struct naive_part){p, start};
    }
    return config;
}

static void check_random_parts(const struct naive *naive, struct random *random)
{
    for (int i = 0; i < 50000; i++) {
        struct naive_config config = random_parts(naive, random);
        struct layout_gis gis = naive_gis(naive, &config);
        bool legal = naive_is_legal(naive->model, &config);
        if ((layout_check(naive->model, &gis, NULL) == 0) != legal) {
            char text[256];
            fail_msg("seed %llu: [%s] is %s", random_seed(random), naive_text(naive, &config, text),
                     legal ? "legal" : "illegal");
        }
    }
}

/* What is wanted next to a configuration: how many of each profile. */
static struct layout_gis random_wanted(const struct naive *naive, struct random *random)
{
    struct layout_gis wanted = {.n = 1 + random_below(random, 4)};
    for (uint32_t i = 0; i < wanted.n; i++) {
        uint32_t p = random_below(random, (uint32_t)naive->model->profiles.n);
        wanted.items[i] = (struct layout_gi){&naive->model->profiles.items[p], LAYOUT_ANYWHERE};
    }
    return wanted;
}

static uint32_t count_wanted(const struct naive *naive, const struct layout_gis *wanted, uint32_t p)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < wanted->n; i++) {
        count += wanted->items[i].profile == &naive->model->profiles.items[p];
    }
    return count;
}

/* Is `config` exactly `existing` plus what is wanted? */
static bool is_answer(const struct naive *naive, const struct naive_config *existing,
                      const struct layout_gis *wanted, const struct naive_config *config)
{
    if (config->n != existing->n + wanted->n || !naive_contains(config, existing)) {
        return false;
    }
    for (uint32_t p = 0; p < naive->model->profiles.n; p++) {
        uint32_t added = 0;
        for (uint32_t i = 0; i < config->n; i++) {
            added += config->parts[i].profile == p && !naive_has(existing, &config->parts[i]);
        }
        if (added != count_wanted(naive, wanted, p)) {
            return false;
        }
    }
    return true;
}

static struct naive_config join(const struct naive *naive, const struct naive_config *existing,
                                const struct layout_gis *placed)
{
    struct naive_config config = *existing;
    for (uint32_t i = 0; i < placed->n; i++) {
        uint32_t p = (uint32_t)(placed->items[i].profile - naive->model->profiles.items);
        config.parts[config.n++] = (struct naive_part){p, placed->items[i].start};
    }
    return config;
}

static void check_place(const struct naive *naive, const struct naive_config *existing,
                        const struct layout_gis *wanted, const struct random *random)
{
    char text[2][256];
    struct layout_gis there = naive_gis(naive, existing);
    struct layout_gis placed = *wanted;
    struct error err;
    bool found = layout_place(naive->model, &there, &placed, &err) == 0;
    bool possible = false;
    struct naive_worth best = {{0}};
    for (uint32_t i = 0; i < naive->n; i++) {
        if (is_answer(naive, existing, wanted, &naive->configs[i])) {
            struct naive_worth worth = naive_worth_of(naive, &naive->configs[i]);
            best = !possible || naive_worth_compare(&worth, &best) > 0 ? worth : best;
            possible = true;
        }
    }
    layout_text(wanted, text[1], sizeof(text[1]));
    if (found != possible) {
        fail_msg("seed %llu: %s next to [%s] is %s", random_seed(random), text[1],
                 naive_text(naive, existing, text[0]), possible ? "possible" : "impossible");
    }
    if (!found) {
        assert_true(err.message[0] != '\0' && err.hint[0] != '\0');
        return;
    }
    struct naive_config config = join(naive, existing, &placed);
    struct naive_worth worth = naive_worth_of(naive, &config);
    if (!naive_is_legal(naive->model, &config) || naive_worth_compare(&worth, &best) != 0) {
        fail_msg("seed %llu: %s next to [%s]: [%s] is not the best", random_seed(random), text[1],
                 naive_text(naive, existing, text[0]), naive_text(naive, &config, text[1]));
    }
}

static void check_random_places(const struct naive *naive, struct random *random, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        const struct naive_config *config = &naive->configs[random_below(random, naive->n)];
        struct layout_gis wanted = random_wanted(naive, random);
        check_place(naive, config, &wanted, random);
        check_start(naive, config, random_below(random, (uint32_t)naive->model->profiles.n));
    }
}

static void random_sets_are_placed_as_well_as_brute_force_does(void **state)
{
    (void)state;
    struct random random = random_new();
    struct fixture fixture;
    fixture_plain(&fixture, &model_a100);
    check_random_parts(fixture.naive, &random);
    check_random_places(fixture.naive, &random, ROUNDS);
    free(fixture.naive);
    static const struct gpu_model *const models[] = {&model_a100, &model_a30};
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct fixture all = fixture_of(models[i]);
        check_random_parts(all.naive, &random);
        check_random_places(all.naive, &random, ROUNDS / 4);
        free(all.naive);
    }
}

static void random_sets_on_12_slices_are_placed_as_well_as_brute_force_does(void **state)
{
    (void)state;
    struct random random = random_new();
    struct fixture fixture = fixture_of(&model_rtx_pro_6000);
    check_random_parts(fixture.naive, &random);
    check_random_places(fixture.naive, &random, ROUNDS / 20);
    free(fixture.naive);
}

/* ---- change ---- */

struct change_case {
    const struct naive_config *existing;
    uint32_t pinned;
    uint32_t unwanted;
    struct layout_gis wanted;
};

static int index_of(const struct naive_config *config, const struct naive_part *part)
{
    for (uint32_t i = 0; i < config->n; i++) {
        if (config->parts[i].profile == part->profile && config->parts[i].start == part->start) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_fixed_wanted(const struct naive *naive, const struct layout_gis *wanted,
                            const struct naive_part *part)
{
    for (uint32_t i = 0; i < wanted->n; i++) {
        if (wanted->items[i].start == part->start &&
            wanted->items[i].profile == &naive->model->profiles.items[part->profile]) {
            return true;
        }
    }
    return false;
}

/* Could `final` be what stands afterwards? Each profile's free wanted ones must be servable by
 * parts that no one pinned, and no part may be there without a reason. */
static bool is_outcome(const struct naive *naive, const struct change_case *c,
                       const struct naive_config *final)
{
    for (uint32_t i = 0; i < c->existing->n; i++) {
        if ((c->pinned >> i & 1) != 0 && !naive_has(final, &c->existing->parts[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < c->wanted.n; i++) {
        const struct layout_gi *gi = &c->wanted.items[i];
        struct naive_part part = {(uint32_t)(gi->profile - naive->model->profiles.items),
                                  gi->start};
        if (gi->start != LAYOUT_ANYWHERE && !naive_has(final, &part)) {
            return false;
        }
    }
    for (uint32_t p = 0; p < naive->model->profiles.n; p++) {
        uint32_t needed = 0;
        for (uint32_t i = 0; i < c->wanted.n; i++) {
            needed += c->wanted.items[i].start == LAYOUT_ANYWHERE &&
                      c->wanted.items[i].profile == &naive->model->profiles.items[p];
        }
        uint32_t must_serve = 0;
        uint32_t may_serve = 0;
        for (uint32_t i = 0; i < final->n; i++) {
            const struct naive_part *part = &final->parts[i];
            if (part->profile != p || is_fixed_wanted(naive, &c->wanted, part)) {
                continue;
            }
            int was = index_of(c->existing, part);
            bool pinned = was >= 0 && (c->pinned >> was & 1) != 0;
            bool unwanted = was >= 0 && (c->unwanted >> was & 1) != 0;
            may_serve += !pinned;
            must_serve += was < 0 || (unwanted && !pinned);
        }
        if (must_serve > needed || may_serve < needed) {
            return false;
        }
    }
    return true;
}

static uint32_t count_destroyed(const struct change_case *c, const struct naive_config *final)
{
    uint32_t destroyed = 0;
    for (uint32_t i = 0; i < c->existing->n; i++) {
        destroyed += !naive_has(final, &c->existing->parts[i]);
    }
    return destroyed;
}

/* What stands after the change that layout proposes. */
static struct naive_config apply(const struct naive *naive, const struct change_case *c,
                                 const struct layout_change *change)
{
    struct naive_config final = {.n = 0};
    for (uint32_t i = 0; i < c->existing->n; i++) {
        if (change->keep[i]) {
            final.parts[final.n++] = c->existing->parts[i];
        }
    }
    for (uint32_t w = 0; w < c->wanted.n; w++) {
        bool served = false;
        for (uint32_t i = 0; i < c->existing->n; i++) {
            if (change->keep[i] && change->serves[i] == w) {
                assert_int_equal(change->start[w], c->existing->parts[i].start);
                served = true;
            }
        }
        if (!served) {
            assert_true(final.n < NAIVE_MAX_PARTS);
            final.parts[final.n++] = (struct naive_part){
                (uint32_t)(c->wanted.items[w].profile - naive->model->profiles.items),
                change->start[w]};
        }
    }
    return final;
}

static void check_change(const struct naive *naive, const struct change_case *c,
                         const struct random *random)
{
    char text[2][256];
    naive_text(naive, c->existing, text[0]);
    layout_text(&c->wanted, text[1], sizeof(text[1]));
    uint32_t least = UINT32_MAX;
    uint32_t least_created = UINT32_MAX;
    for (uint32_t i = 0; i < naive->n; i++) {
        if (!is_outcome(naive, c, &naive->configs[i])) {
            continue;
        }
        uint32_t destroyed = count_destroyed(c, &naive->configs[i]);
        uint32_t created = naive->configs[i].n + destroyed - c->existing->n;
        if (destroyed < least || (destroyed == least && created < least_created)) {
            least = destroyed;
            least_created = created;
        }
    }
    struct layout_gis existing = naive_gis(naive, c->existing);
    struct layout_change change;
    bool found = layout_change(naive->model, &existing, c->pinned, c->unwanted, &c->wanted, &change,
                               NULL) == 0;
    if (found != (least != UINT32_MAX)) {
        fail_msg("seed %llu: [%s] (pinned %x, unwanted %x) to %s: %s", random_seed(random), text[0],
                 c->pinned, c->unwanted, text[1], found ? "impossible" : "possible");
    }
    if (!found) {
        return;
    }
    struct naive_config final = apply(naive, c, &change);
    uint32_t destroyed = count_destroyed(c, &final);
    uint32_t created = final.n + destroyed - c->existing->n;
    if (!naive_is_legal(naive->model, &final) || !is_outcome(naive, c, &final) ||
        change.destroyed != destroyed || destroyed != least || created != least_created) {
        fail_msg(
            "seed %llu: [%s] (pinned %x, unwanted %x) to %s: destroys %u, creates %u; least are "
            "%u and %u",
            random_seed(random), text[0], c->pinned, c->unwanted, text[1], destroyed, created,
            least, least_created);
    }
}

static void check_random_changes(const struct naive *naive, struct random *random, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct change_case c = {.existing = &naive->configs[random_below(random, naive->n)],
                                .wanted = random_wanted(naive, random)};
        c.pinned = random_below(random, 3) == 0 ? random_below(random, 256) : 0;
        c.unwanted = random_below(random, 2) == 0 ? random_below(random, 256) : 0;
        if (random_below(random, 3) == 0) {
            const struct cat_profile *profile = c.wanted.items[0].profile;
            c.wanted.items[0].start =
                profile->placements[random_below(random, profile->n_placements)].start;
        }
        check_change(naive, &c, random);
    }
}

static void no_other_change_destroys_fewer(void **state)
{
    (void)state;
    struct random random = random_new();
    struct fixture fixture;
    fixture_plain(&fixture, &model_a100);
    check_random_changes(fixture.naive, &random, ROUNDS);
    free(fixture.naive);
    static const struct gpu_model *const models[] = {&model_a100, &model_a30, &model_rtx_pro_6000};
    for (size_t i = 0; i < ARRAY_SIZE(models); i++) {
        struct fixture all = fixture_of(models[i]);
        check_random_changes(all.naive, &random, ROUNDS / 4);
        free(all.naive);
    }
}

/* Every configuration, one more instance of every profile: 723 × 6 cases. */
static void one_more_instance_never_destroys_more_than_it_must(void **state)
{
    (void)state;
    struct random random = random_new();
    struct fixture fixture;
    fixture_plain(&fixture, &model_a100);
    for (uint32_t i = 0; i < fixture.naive->n; i++) {
        for (uint32_t p = 0; p < fixture.plain.profiles.n; p++) {
            struct change_case c = {
                .existing = &fixture.naive->configs[i],
                .wanted = {.items = {{&fixture.plain.profiles.items[p], LAYOUT_ANYWHERE}}, .n = 1}};
            check_change(fixture.naive, &c, &random);
        }
    }
    free(fixture.naive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_7_slice_gpu_has_723_configurations_all_judged_right),
        cmocka_unit_test(a_4_slice_gpu_has_26_configurations_all_judged_right),
        cmocka_unit_test(media_variants_are_judged_right_too),
        cmocka_unit_test(random_sets_are_placed_as_well_as_brute_force_does),
        cmocka_unit_test(random_sets_on_12_slices_are_placed_as_well_as_brute_force_does),
        cmocka_unit_test(no_other_change_destroys_fewer),
        cmocka_unit_test(one_more_instance_never_destroys_more_than_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
