/* SPDX-License-Identifier: Apache-2.0 */
/* What a claim may say: every pair of fields, and each that contradict each other refused. */
#include "plan/planner_fixture.h"

enum { TYPE_NONE, TYPE_TIME_SLICED, TYPE_SHARED, TYPE_WHOLE, N_TYPES };
enum { PROFILE_NONE, PROFILE_ITS, PROFILE_OTHER, N_PROFILES };

static const char *const types[N_TYPES] = {"", "DC-12C", "DC-1-12C", "DC-1-24C"};
static const char *const profiles[N_PROFILES] = {"", "1g.24gb+gfx", "2g.48gb+gfx"};

/* Per mode and type, what becomes of it without a profile, with the type's, with another: taken,
 * invalid, or against a rule. */
static const struct {
    enum claim_mode mode;
    const char *cells[N_TYPES];
} table[] = {
    {CLAIM_MODE_AUTO, {"itt", "tii", "ttr", "ttr"}},
    {CLAIM_PASSTHROUGH, {"tii", "iii", "iii", "iii"}},
    {CLAIM_TIME_SLICED, {"iii", "tii", "iii", "iii"}},
    {CLAIM_MIG_BACKED, {"iii", "iii", "ttr", "ttr"}},
    {CLAIM_TIME_SLICED_MIG_BACKED, {"iii", "iii", "ttr", "ttr"}},
    {CLAIM_GPU_INSTANCE, {"itt", "iii", "iii", "iii"}},
};

static int admit(struct fixture *f, struct claim *claim)
{
    f->err = (struct error){0};
    struct planner planner = planner_now(f);
    return planner_admit(&planner, claim, &f->err);
}

static void expect(struct fixture *f, struct claim *claim, char wanted, const char *what)
{
    int result = admit(f, claim);
    char got = result == 0                 ? 't'
               : result == -REASON_INVALID ? 'i'
               : result == -REASON_RULE    ? 'r'
                                           : '?';
    if (got != wanted) {
        fail_msg("mode %s, type \"%s\", profile \"%s\", %s: '%c', wanted '%c': %s",
                 claim_mode_name(claim->spec.mode), claim->spec.type, claim->spec.profile, what,
                 got, wanted, f->err.message);
    }
    if (got != 't' && f->err.message[0] == '\0') {
        fail_msg("a refusal says nothing");
    }
}

static struct claim cell(enum claim_mode mode, size_t type, size_t profile)
{
    struct claim claim = make("c", "", types[type]);
    claim.spec.mode = mode;
    STR_SET(claim.spec.gpu, RTX);
    STR_SET(claim.spec.profile, profiles[profile]);
    return claim;
}

static void every_pair_of_mode_type_and_profile_is_taken_or_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t row = 0; row < ARRAY_SIZE(table); row++) {
        for (size_t type = 0; type < N_TYPES; type++) {
            for (size_t profile = 0; profile < N_PROFILES; profile++) {
                struct claim claim = cell(table[row].mode, type, profile);
                expect(f, &claim, table[row].cells[type][profile], "nothing else");
            }
        }
    }
}

/* Fields that only some modes know, on claims that are taken without them. */
static void a_field_that_a_mode_takes_no_notice_of_is_refused(void **state)
{
    static const struct {
        enum claim_mode mode;
        size_t type, profile;
        char start, mixed, migratable;
    } rows[] = {
        {CLAIM_PASSTHROUGH, TYPE_NONE, PROFILE_NONE, 'i', 'r', 'r'},
        {CLAIM_TIME_SLICED, TYPE_TIME_SLICED, PROFILE_NONE, 'i', 't', 't'},
        {CLAIM_MODE_AUTO, TYPE_TIME_SLICED, PROFILE_NONE, 'i', 't', 't'},
        {CLAIM_MIG_BACKED, TYPE_SHARED, PROFILE_NONE, 't', 'r', 't'},
        {CLAIM_TIME_SLICED_MIG_BACKED, TYPE_SHARED, PROFILE_ITS, 't', 'r', 't'},
        {CLAIM_MODE_AUTO, TYPE_WHOLE, PROFILE_NONE, 't', 'r', 't'},
        {CLAIM_GPU_INSTANCE, TYPE_NONE, PROFILE_ITS, 't', 'r', 'i'},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct claim claim = cell(rows[i].mode, rows[i].type, rows[i].profile);
        claim.spec.start = 0;
        expect(f, &claim, rows[i].start, "start 0");
        claim = cell(rows[i].mode, rows[i].type, rows[i].profile);
        claim.spec.mixed = true;
        expect(f, &claim, rows[i].mixed, "mixed");
        claim = cell(rows[i].mode, rows[i].type, rows[i].profile);
        claim.spec.migratable = true;
        expect(f, &claim, rows[i].migratable, "migratable");
    }
}

static void a_forgotten_number_in_a_type_is_guessed(void **state)
{
    struct fixture *f = *state;
    struct claim claim = cell(CLAIM_MODE_AUTO, TYPE_TIME_SLICED, PROFILE_ITS);
    assert_int_equal(admit(f, &claim), -REASON_INVALID);
    assert_string_equal(f->err.message, "a time-sliced claim takes no profile");
    assert_string_equal(f->err.hint, "did you mean DC-1-12C?");
    claim = cell(CLAIM_MODE_AUTO, TYPE_TIME_SLICED, PROFILE_OTHER);
    assert_int_equal(admit(f, &claim), -REASON_INVALID);
    assert_string_equal(f->err.hint, "did you mean DC-2-12C?");
    /* A board without MIG has no such type. */
    claim = make("c", "", "L40S-8Q");
    STR_SET(claim.spec.profile, "1g.5gb");
    assert_int_equal(admit(f, &claim), -REASON_INVALID);
    assert_non_null(strstr(f->err.hint, "leave out the profile"));
}

/* The RTX PRO's profile 0 is 4g.96gb, the A100's is 7g.40gb. */
static void a_number_is_refused_where_boards_differ(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *profile, *gpu, *name; /* NULL: refused */
    } rows[] = {
        {"0", "", NULL},       {"14", "", NULL},           {"0", A100, "7g.40gb"},
        {"0", RTX, "4g.96gb"}, {"7g.40gb", "", "7g.40gb"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct claim claim = make("c", "", "");
        claim.spec.mode = CLAIM_GPU_INSTANCE;
        STR_SET(claim.spec.profile, rows[i].profile);
        STR_SET(claim.spec.gpu, rows[i].gpu);
        int result = admit(f, &claim);
        if (rows[i].name != NULL) {
            assert_int_equal(result, 0);
            assert_string_equal(claim.spec.profile, rows[i].name);
        } else {
            assert_int_equal(result, -REASON_INVALID);
            assert_non_null(strstr(f->err.message, " on A100 PCIe 40GB"));
            assert_non_null(strstr(f->err.hint, "name the GPU"));
        }
    }
}

/* Of each mode, what a GPU serves as long as nouveau or another driver does not have it. */
static void a_gpu_that_another_driver_has_takes_no_claim(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum claim_mode mode;
        size_t type, profile;
    } rows[] = {
        {CLAIM_PASSTHROUGH, TYPE_NONE, PROFILE_NONE},
        {CLAIM_TIME_SLICED, TYPE_TIME_SLICED, PROFILE_NONE},
        {CLAIM_MIG_BACKED, TYPE_SHARED, PROFILE_NONE},
        {CLAIM_TIME_SLICED_MIG_BACKED, TYPE_SHARED, PROFILE_NONE},
        {CLAIM_GPU_INSTANCE, TYPE_NONE, PROFILE_ITS},
    };
    static const char *const drivers[] = {"nvidia", "nouveau", "pci-stub"};
    struct fake_gpu *gpu = NULL;
    for (uint32_t i = 0; i < f->fake.n_gpus; i++) {
        char bdf[BDF_SIZE];
        gpu = str_eq(pci_addr_format(&f->fake.gpus[i].addr, bdf), RTX) ? &f->fake.gpus[i] : gpu;
    }
    assert_non_null(gpu);
    for (size_t d = 0; d < ARRAY_SIZE(drivers); d++) {
        STR_SET(gpu->driver, drivers[d]);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
            struct claim claim = cell(rows[i].mode, rows[i].type, rows[i].profile);
            int result = admit(f, &claim);
            if (result != (d == 0 ? 0 : -REASON_CONFLICT)) {
                fail_msg("mode %s, driver %s: %d, %s", claim_mode_name(rows[i].mode), drivers[d],
                         result, f->err.message);
            }
            assert_true(d == 0 || strstr(f->err.message, drivers[d]) != NULL);
            assert_true(d == 0 || strstr(f->err.hint, "/unbind") != NULL);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_pair_of_mode_type_and_profile_is_taken_or_refused,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_field_that_a_mode_takes_no_notice_of_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_forgotten_number_in_a_type_is_guessed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_number_is_refused_where_boards_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gpu_that_another_driver_has_takes_no_claim, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("admit", tests, NULL, NULL);
}
