/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "nearest that fits", against trying everything: random claims fill a host in memory; what a
 * refusal names can be planned, and nothing that gives up less can be, on any GPU. Where it names
 * nothing, no smaller type or profile can be planned at all. CLEAVE_SEED repeats a run.
 */
#include <string.h>

#include "base/parse.h"
#include "plan/planner_fixture.h"
#include "random.h"

#define HOSTS 60
#define CLAIMS 24

static const char *const gpus[] = {RTX, A100, L40S, L40S_2};

struct lost {
    uint32_t memory_mib, compute, media;
};

static bool is_less(const struct lost *a, const struct lost *b)
{
    if (a->memory_mib != b->memory_mib) {
        return a->memory_mib < b->memory_mib;
    }
    return a->compute != b->compute ? a->compute < b->compute : a->media < b->media;
}

static const struct gpu_model *model_at(const struct fixture *f, const char *bdf)
{
    static const char *const names[] = {"rtx-pro-6000-blackwell-se", "a100-pcie-40gb", "l40s",
                                        "l40s"};
    const struct gpu_model *model = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(gpus); i++) {
        if (str_eq(gpus[i], bdf)) {
            assert_int_equal(catalog_find(f->catalog, names[i], &model, NULL), 0);
        }
    }
    return model;
}

static bool can_be(struct fixture *f, struct claim *claim)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    return build(f, claim, 1, NULL, 0, &plan) == 0;
}

/* "-me", none, "+me" and "+me.all", from the fewest engines to the most. */
static uint32_t engines(const struct cat_profile *profile)
{
    static const uint32_t rank[] = {
        [MEDIA_NONE] = 0, [MEDIA_PLAIN] = 1, [MEDIA_ME] = 2, [MEDIA_ALL] = 3};
    return rank[profile->media];
}

static bool loses_engines(const struct gpu_model *model, const char *had, const char *has,
                          uint32_t *ret_lost)
{
    const struct cat_profile *was = NULL;
    const struct cat_profile *is = NULL;
    *ret_lost = 0;
    if (had == NULL || has == NULL || model_find_profile(model, had, &was, NULL) != 0 ||
        model_find_profile(model, has, &is, NULL) != 0) {
        return true;
    }
    *ret_lost = engines(was) - engines(is);
    return engines(is) <= engines(was);
}

/* What of the wish is lost with this type or profile of a model; false: it is no smaller one. */
static bool loses(const struct gpu_model *model, const struct claim *wish, const char *type,
                  const char *profile, struct lost *ret_lost)
{
    const struct cat_vgpu_type *was_type = NULL;
    const struct cat_vgpu_type *is_type = NULL;
    const struct cat_profile *was = NULL;
    const struct cat_profile *is = NULL;
    *ret_lost = (struct lost){0};
    if (type[0] != '\0') {
        if (model_find_type(model, wish->spec.type, &was_type, NULL) != 0 ||
            model_find_type(model, type, &is_type, NULL) != 0 ||
            was_type->series != is_type->series || was_type->mig_backed != is_type->mig_backed ||
            is_type->framebuffer_mib > was_type->framebuffer_mib ||
            !loses_engines(model, was_type->gi_profile, is_type->gi_profile, &ret_lost->media)) {
            return false;
        }
        ret_lost->memory_mib = was_type->framebuffer_mib - is_type->framebuffer_mib;
        return ret_lost->memory_mib + ret_lost->media > 0;
    }
    if (model_find_profile(model, wish->spec.profile, &was, NULL) != 0 ||
        model_find_profile(model, profile, &is, NULL) != 0 || was->gfx != is->gfx ||
        is->memory_mib > was->memory_mib || is->compute_slices > was->compute_slices ||
        !loses_engines(model, was->name, is->name, &ret_lost->media)) {
        return false;
    }
    ret_lost->memory_mib = was->memory_mib - is->memory_mib;
    ret_lost->compute = was->compute_slices - is->compute_slices;
    return ret_lost->memory_mib + ret_lost->compute + ret_lost->media > 0;
}

/* The least that anything which can be planned gives up; false: nothing can. */
static bool brute_force(struct fixture *f, const struct claim *wish, struct lost *ret_least)
{
    bool found = false;
    for (size_t g = 0; g < ARRAY_SIZE(gpus); g++) {
        const struct gpu_model *model = model_at(f, gpus[g]);
        size_t n = wish->spec.type[0] != '\0' ? model->types.n : model->profiles.n;
        for (size_t i = 0; i < n; i++) {
            struct claim claim = *wish;
            struct lost lost;
            STR_SET(claim.spec.gpu, gpus[g]);
            if (wish->spec.type[0] != '\0') {
                const char *name = model->types.items[i].name;
                const char *blank = strrchr(name, ' ');
                STR_SET(claim.spec.type, blank != NULL ? blank + 1 : name);
                claim.spec.profile[0] = '\0'; /* that of the type wished, since it was admitted */
            } else {
                STR_SET(claim.spec.profile, model->profiles.items[i].name);
            }
            if (loses(model, wish, claim.spec.type, claim.spec.profile, &lost) &&
                (!found || is_less(&lost, ret_least)) && can_be(f, &claim)) {
                found = true;
                *ret_least = lost;
            }
        }
    }
    return found;
}

/* "nearest that fits: L40S-8Q on GPU 0000:81:00.0; or …" */
static bool read_hint(const char *hint, struct claim *ret_claim, struct fixture *f,
                      const struct claim *wish, struct lost *ret_lost)
{
    char what[64];
    char bdf[16];
    *ret_claim = *wish;
    if (sscanf(hint, "nearest that fits: %63s on GPU %12s", what, bdf) != 2) {
        return false;
    }
    STR_SET(ret_claim->spec.gpu, bdf);
    if (wish->spec.type[0] != '\0') {
        STR_SET(ret_claim->spec.type, what);
        ret_claim->spec.profile[0] = '\0';
    } else {
        char *at = strchr(what, '@');
        assert_non_null(at);
        assert_true(parse_u32(at + 1, &ret_claim->spec.start));
        *at = '\0';
        STR_SET(ret_claim->spec.profile, what);
    }
    assert_true(
        loses(model_at(f, bdf), wish, ret_claim->spec.type, ret_claim->spec.profile, ret_lost));
    return true;
}

static void check_refusal(struct fixture *f, const struct claim *wish, struct random *random)
{
    struct error refusal = f->err;
    struct claim named;
    struct lost reported = {0};
    struct lost least = {0};
    bool is_reported = read_hint(refusal.hint, &named, f, wish, &reported);
    bool is_there = brute_force(f, wish, &least);
    if (is_reported != is_there ||
        (is_reported && (is_less(&least, &reported) || !can_be(f, &named)))) {
        fail_msg("seed %llu: %s%s: \"%s\" / \"%s\"; brute force %s %u MiB", random_seed(random),
                 wish->spec.type, wish->spec.profile, refusal.message, refusal.hint,
                 is_there ? "gives up" : "finds nothing,", least.memory_mib);
    }
}

static struct claim random_wish(struct fixture *f, struct random *random, unsigned number)
{
    static const char *const profiles[] = {"1g.5gb",         "2g.10gb",   "3g.20gb",   "4g.20gb",
                                           "1g.24gb",        "2g.48gb",   "1g.5gb+me", "1g.24gb+me",
                                           "1g.24gb+me.all", "2g.48gb-me"};
    static const char *const types[] = {
        "L40S-1Q",  "L40S-8Q",    "L40S-16Q", "L40S-24Q", "L40S-48Q", "A100-1-5C",  "A100-3-20C",
        "A100-20C", "A100-2-10C", "DC-1-24C", "DC-2-48C", "DC-4-96C", "A100-1-5CME"};
    (void)f;
    char name[16];
    snprintf(name, sizeof(name), "c%u", number);
    struct claim claim = make(name, "", "");
    if (random_below(random, 3) == 0) {
        STR_SET(claim.spec.profile, profiles[random_below(random, ARRAY_SIZE(profiles))]);
    } else {
        STR_SET(claim.spec.type, types[random_below(random, ARRAY_SIZE(types))]);
        claim.spec.mixed = str_starts(claim.spec.type, "L40S") && random_below(random, 3) == 0;
    }
    return claim;
}

static void a_refusal_names_what_can_be_planned_and_nothing_is_nearer(void **state)
{
    (void)state;
    struct random random = random_new();
    unsigned refused = 0;
    for (unsigned h = 0; h < HOSTS; h++) {
        void *own = NULL;
        assert_int_equal(setup(&own), 0);
        struct fixture *f = own;
        add_gpu(f, 0xa1, 0x26b9, NO_ID, 0);
        for (unsigned i = 0; i < CLAIMS; i++) {
            struct claim wish = random_wish(f, &random, i);
            CLEANUP(plan_freep) struct plan *plan = NULL;
            int result = build(f, &wish, 1, NULL, 0, &plan);
            if (result == 0) {
                apply(f, plan);
            } else if (result == -REASON_NO_CAPACITY) {
                check_refusal(f, &wish, &random);
                refused++;
            }
        }
        teardown(&own);
    }
    assert_true(refused > HOSTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_names_what_can_be_planned_and_nothing_is_nearer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
