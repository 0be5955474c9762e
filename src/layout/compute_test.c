/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "models.h"

/* "2c.3g.20gb@4=2 1g.5gb": blanks between. */
static size_t parts_of(const struct gpu_model *model, const char *text, struct layout_part parts[8])
{
    char copy[256];
    assert_true(STR_SET(copy, text));
    size_t n = 0;
    for (char *rest = copy, *word = NULL; (word = strsep(&rest, " ")) != NULL; n++) {
        struct layout_part part = {.start = LAYOUT_ANYWHERE, .count = 1};
        char *count = strchr(word, '=');
        char *start = strchr(word, '@');
        assert_true(count == NULL || parse_u32(count + 1, &part.count));
        if (count != NULL) {
            *count = '\0';
        }
        assert_true(start == NULL || parse_u32(start + 1, &part.start));
        if (start != NULL) {
            *start = '\0';
        }
        char *name = strstr(word, "c.");
        part.slices = name != NULL ? (uint32_t)(word[0] - '0') : 0;
        part.profile = model_profile(model, name != NULL ? name + 2 : word);
        parts[n] = part;
    }
    return n;
}

/* "3g.20gb@4 (2c, 1c), 1g.5gb" */
static void describe(const struct layout_gis *gis, const struct layout_compute *compute, char *out,
                     size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < gis->n && len < size; i++) {
        char parts[64];
        char start[16] = "";
        layout_compute_text(&compute[i], parts, sizeof(parts));
        if (gis->items[i].start != LAYOUT_ANYWHERE) {
            (void)snprintf(start, sizeof(start), "@%u", gis->items[i].start);
        }
        len += (size_t)snprintf(out + len, size - len, "%s%s%s%s%s%s", i > 0 ? ", " : "",
                                gis->items[i].profile->name, start, parts[0] != '\0' ? " (" : "",
                                parts, parts[0] != '\0' ? ")" : "");
    }
}

static void parts_share_as_few_gpu_instances_as_hold_them(void **state)
{
    (void)state;
    static const struct {
        const char *parts, *packed;
    } rows[] = {
        {"2c.3g.20gb 1c.3g.20gb", "3g.20gb (2c, 1c)"},
        {"1c.3g.20gb 2c.3g.20gb", "3g.20gb (2c, 1c)"},
        {"1c.3g.20gb=4", "3g.20gb (3 x 1c), 3g.20gb (1c)"},
        {"3g.20gb 1c.3g.20gb", "3g.20gb, 3g.20gb (1c)"},
        {"3c.3g.20gb 1c.3g.20gb", "3g.20gb, 3g.20gb (1c)"},
        {"1c.3g.20gb@4 2c.3g.20gb", "3g.20gb@4 (1c, 2c)"},
        {"1c.3g.20gb@4 1c.3g.20gb@0", "3g.20gb@4 (1c), 3g.20gb@0 (1c)"},
        {"2c.3g.20gb 1c.3g.20gb@4 2c.3g.20gb@4", "3g.20gb@4 (2c, 1c), 3g.20gb (2c)"},
        {"1g.5gb=2 1c.2g.10gb=2 1g.5gb", "1g.5gb, 1g.5gb, 1g.5gb, 2g.10gb (2 x 1c)"},
        {"3c.7g.40gb=2 1c.7g.40gb", "7g.40gb (2 x 3c, 1c)"},
        {"1c.7g.40gb=7", "7g.40gb (7 x 1c)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct layout_part parts[8];
        struct layout_gis gis = {.n = 0};
        struct layout_compute compute[LAYOUT_MAX_GIS];
        char text[256];
        size_t n = parts_of(&model_a100, rows[i].parts, parts);
        assert_int_equal(layout_pack(&model_a100, parts, n, &gis, compute, NULL), 0);
        describe(&gis, compute, text, sizeof(text));
        assert_string_equal(text, rows[i].packed);
    }
}

static void compute_instances_join_those_that_are_there(void **state)
{
    (void)state;
    static const struct {
        const char *existing, *wanted, *joined, *packed;
    } rows[] = {
        {"1c.3g.20gb@4", "1c.3g.20gb=3", "3g.20gb@4 (3 x 1c)", "3g.20gb (1c)"},
        {"1c.3g.20gb@4", "1c.3g.20gb 2c.3g.20gb", "3g.20gb@4 (1c, 2c)", "3g.20gb (1c)"},
        {"1c.3g.20gb@4", "1c.3g.20gb@0", "3g.20gb@4 (1c)", "3g.20gb@0 (1c)"},
        {"3g.20gb@4", "1c.3g.20gb", "3g.20gb@4", "3g.20gb (1c)"},
        {"1c.3g.20gb@4", "3g.20gb", "3g.20gb@4 (1c)", "3g.20gb"},
        {"2c.4g.20gb@0", "2c.4g.20gb", "4g.20gb@0 (2 x 2c)", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct layout_part parts[8];
        struct layout_gis existing = {.n = 0};
        struct layout_gis gis = {.n = 0};
        struct layout_compute there[LAYOUT_MAX_GIS];
        struct layout_compute compute[LAYOUT_MAX_GIS];
        char text[256];
        size_t n = parts_of(&model_a100, rows[i].existing, parts);
        assert_int_equal(layout_pack(&model_a100, parts, n, &existing, there, NULL), 0);
        n = parts_of(&model_a100, rows[i].wanted, parts);
        layout_share(&existing, there, parts, n);
        assert_int_equal(layout_pack(&model_a100, parts, n, &gis, compute, NULL), 0);
        describe(&existing, there, text, sizeof(text));
        assert_string_equal(text, rows[i].joined);
        describe(&gis, compute, text, sizeof(text));
        assert_string_equal(text, rows[i].packed);
    }
}

static void a_compute_profile_that_there_is_not_is_refused_with_those_that_are(void **state)
{
    (void)state;
    static const struct {
        const char *part, *hint;
    } rows[] = {
        {"5c.7g.40gb", "a compute instance there is 1c.7g.40gb, 2c.7g.40gb, 3c.7g.40gb, 4c.7g.40gb "
                       "or 7g.40gb"},
        {"6c.7g.40gb", "a compute instance there is 1c.7g.40gb, 2c.7g.40gb, 3c.7g.40gb, 4c.7g.40gb "
                       "or 7g.40gb"},
        {"3c.4g.20gb", "a compute instance there is 1c.4g.20gb, 2c.4g.20gb or 4g.20gb"},
        {"4c.3g.20gb", "a compute instance there is 1c.3g.20gb, 2c.3g.20gb or 3g.20gb"},
        {"2c.1g.5gb", "a compute instance there is 1g.5gb"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct layout_part parts[8];
        struct layout_gis gis = {.n = 0};
        struct layout_compute compute[LAYOUT_MAX_GIS];
        struct error err = {.message = ""};
        size_t n = parts_of(&model_a100, rows[i].part, parts);
        assert_int_equal(layout_pack(&model_a100, parts, n, &gis, compute, &err),
                         -REASON_NOT_FOUND);
        assert_string_equal(err.hint, rows[i].hint);
    }
}

/* Over all sizes: what there is fits as often as its slices fit, and all of it is one of them. */
static void as_many_fit_as_the_slices_allow(void **state)
{
    (void)state;
    for (size_t i = 0; i < model_a100.profiles.n; i++) {
        const struct cat_profile *profile = &model_a100.profiles.items[i];
        assert_true(profile_has_compute(profile, profile->compute_slices));
        assert_true(profile_has_compute(profile, 1));
        assert_false(profile_has_compute(profile, 0));
        assert_false(profile_has_compute(profile, profile->compute_slices + 1));
        for (uint32_t slices = 1; slices < profile->compute_slices; slices++) {
            struct layout_part part = {profile, slices, LAYOUT_ANYWHERE,
                                       profile->compute_slices / slices};
            struct layout_gis gis = {.n = 0};
            struct layout_compute compute[LAYOUT_MAX_GIS];
            if (!profile_has_compute(profile, slices)) {
                continue;
            }
            assert_int_equal(layout_pack(&model_a100, &part, 1, &gis, compute, NULL), 0);
            assert_int_equal(gis.n, 1);
            part.count++;
            gis.n = 0;
            assert_int_equal(layout_pack(&model_a100, &part, 1, &gis, compute, NULL), 0);
            assert_int_equal(gis.n, 2);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_share_as_few_gpu_instances_as_hold_them),
        cmocka_unit_test(compute_instances_join_those_that_are_there),
        cmocka_unit_test(a_compute_profile_that_there_is_not_is_refused_with_those_that_are),
        cmocka_unit_test(as_many_fit_as_the_slices_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
