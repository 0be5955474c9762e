/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/peaks.h"

#include "base/str.h"
#include "test.h"

#define SECOND_US 1000000ull
#define NOW_US (1000 * SECOND_US)

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

static void make_history(uint64_t *random, struct licence_uses *uses)
{
    static const char *const tenants[] = {"", "a", "b"};
    uint32_t n = draw(random, 12);
    for (uint32_t i = 0; i < n; i++) {
        struct licence_use *use = vec_push(uses);
        bool by_gpu = draw(random, 2) == 0;
        use->number = i + 1;
        use->product = by_gpu ? LICENCE_NVAIE : LICENCE_VWS;
        use->vgpus = 1 + draw(random, by_gpu ? 20 : 1);
        use->from_us = draw(random, 900) * SECOND_US;
        use->until_us = draw(random, 5) == 0 ? 0 : use->from_us + draw(random, 300) * SECOND_US + 1;
        use->until_us = use->until_us > NOW_US ? NOW_US : use->until_us;
        STR_SET(use->tenant, tenants[draw(random, 3)]);
        STR_SET(use->gpu, by_gpu ? (draw(random, 2) == 0 ? "0" : "1") : "");
    }
}

static bool is_of(const struct licence_use *use, const struct licence_month_use *row)
{
    return use->product == row->product && (row->of_all || str_eq(use->tenant, row->tenant));
}

/* Licences in use at one moment, counted one by one. */
static uint32_t count_at(const struct licence_uses *uses, const struct licence_month_use *row,
                         uint64_t at_us)
{
    uint32_t vms = 0;
    uint32_t vgpus[2] = {0, 0};
    for (vec_each(uses, use)) {
        uint64_t until_us = use->until_us == 0 ? NOW_US : use->until_us;
        if (is_of(use, row) && use->from_us <= at_us && at_us < until_us) {
            vms++;
            vgpus[str_eq(use->gpu, "1")] += use->vgpus;
        }
    }
    return row->product == LICENCE_VWS ? vms : (vgpus[0] + 15) / 16 + (vgpus[1] + 15) / 16;
}

/* A count grows only where a record begins, or the window does. */
static uint32_t peak_by_force(const struct licence_uses *uses, const struct licence_month_use *row,
                              uint64_t from_us, uint64_t to_us)
{
    uint32_t peak = from_us < NOW_US ? count_at(uses, row, from_us) : 0;
    for (vec_each(uses, use)) {
        if (use->from_us >= from_us && use->from_us < to_us) {
            uint32_t there = count_at(uses, row, use->from_us);
            peak = there > peak ? there : peak;
        }
    }
    return peak;
}

static void peaks_are_those_of_counting_each_moment(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        uint64_t random = seed;
        struct licence_uses uses = {0};
        struct licence_month_uses rows = {0};
        make_history(&random, &uses);
        uint64_t from_us = draw(&random, 500) * SECOND_US;
        uint64_t to_us = from_us + draw(&random, 500) * SECOND_US;
        licence_peaks(&uses, from_us, to_us, NOW_US, &rows);
        for (vec_each(&rows, row)) {
            uint32_t peak = peak_by_force(&uses, row, from_us, to_us);
            if (row->peak != peak) {
                fail_msg("seed %llu: %s of \"%s\": %u, not %u", (unsigned long long)seed,
                         licence_name(row->product), row->tenant, row->peak, peak);
            }
        }
        vec_done(&uses);
        vec_done(&rows);
    }
}

static void month_of_all(const struct licence_uses *uses, const struct licence_months *months,
                         struct licence_month_uses *ret_rows)
{
    uint64_t from_us = 0;
    uint64_t to_us = 0;
    assert_true(licence_month_bounds("1970-01", &from_us, &to_us));
    licence_peaks(uses, from_us, to_us, NOW_US, ret_rows);
    licence_peaks_merge(ret_rows, licence_months_find(months, "1970-01"));
}

static void folded_records_leave_the_months_figures_as_they_are(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        uint64_t random = seed;
        struct licence_uses uses = {0};
        struct licence_uses folded = {0};
        struct licence_months months = {0};
        struct licence_month_uses before = {0};
        struct licence_month_uses after = {0};
        make_history(&random, &uses);
        month_of_all(&uses, &months, &before);
        licence_peaks_fold(&uses, draw(&random, 500) * SECOND_US, NOW_US, &months, &folded);
        licence_peaks_fold(&uses, (500 + draw(&random, 500)) * SECOND_US, NOW_US, &months, &folded);
        month_of_all(&uses, &months, &after);
        assert_int_equal(before.n, after.n);
        for (size_t i = 0; i < before.n; i++) {
            const struct licence_month_use *a = &before.items[i];
            const struct licence_month_use *b = &after.items[i];
            if (a->peak != b->peak || a->use_us != b->use_us || a->starts != b->starts ||
                !str_eq(a->tenant, b->tenant)) {
                fail_msg("seed %llu: row %zu: peak %u and %u, starts %u and %u",
                         (unsigned long long)seed, i, a->peak, b->peak, a->starts, b->starts);
            }
        }
        vec_done(&uses);
        vec_done(&folded);
        vec_done(&before);
        vec_done(&after);
        licence_months_done(&months);
    }
}

static void a_record_over_a_border_counts_in_both_months(void **state)
{
    (void)state;
    struct licence_uses uses = {0};
    static const char *const months[] = {"2026-11", "2026-12"};
    for (size_t i = 0; i < 2; i++) {
        struct licence_month_uses rows = {0};
        uint64_t from_us = 0;
        uint64_t to_us = 0;
        assert_true(licence_month_bounds(months[i], &from_us, &to_us));
        if (i == 0) {
            *vec_push(&uses) = (struct licence_use){.product = LICENCE_VWS,
                                                    .vgpus = 1,
                                                    .from_us = to_us - SECOND_US,
                                                    .until_us = to_us + 2 * SECOND_US};
        }
        licence_peaks(&uses, from_us, to_us, to_us, &rows);
        assert_int_equal(rows.n, 2); /* all, and the one tenant */
        assert_int_equal(rows.items[0].peak, 1);
        assert_int_equal(rows.items[0].use_us, (i + 1) * SECOND_US);
        assert_int_equal(rows.items[0].starts, i == 0);
        vec_done(&rows);
    }
    vec_done(&uses);
}

static void months_have_one_form(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "2026",       "2026-13", "2026-00", "2026-1",
                                      "26-11", "2026-11-01", "2026/11", "-026-11"};
    uint64_t from_us = 0;
    uint64_t to_us = 0;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (licence_month_bounds(bad[i], &from_us, &to_us)) {
            fail_msg("\"%s\" is a month", bad[i]);
        }
    }
    assert_true(licence_month_bounds("2028-02", &from_us, &to_us));
    assert_int_equal(to_us - from_us, 29ull * 24 * 3600 * SECOND_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_are_those_of_counting_each_moment),
        cmocka_unit_test(folded_records_leave_the_months_figures_as_they_are),
        cmocka_unit_test(a_record_over_a_border_counts_in_both_months),
        cmocka_unit_test(months_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
