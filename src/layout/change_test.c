/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "models.h"

#define NONE UINT32_MAX

struct outcome {
    struct layout_gis existing;
    struct layout_gis wanted;
    struct layout_change change;
};

static struct outcome change(const char *existing, uint32_t pinned, uint32_t unwanted,
                             const char *wanted)
{
    struct outcome outcome = {.existing = gis_of(&model_a100, existing),
                              .wanted = gis_of(&model_a100, wanted)};
    struct error err = {.message = ""};
    if (layout_change(&model_a100, &outcome.existing, pinned, unwanted, &outcome.wanted,
                      &outcome.change, &err) != 0) {
        fail_msg("%s to %s: %s", existing, wanted, err.message);
    }
    return outcome;
}

static void the_same_layout_changes_nothing(void **state)
{
    (void)state;
    struct outcome o = change("2g.10gb@0 2g.10gb@2 2g.10gb@4", 0, 7, "2g.10gb=3");
    assert_int_equal(o.change.destroyed, 0);
    for (int i = 0; i < 3; i++) {
        assert_true(o.change.keep[i]);
        assert_int_equal(o.change.serves[i], i);
        assert_int_equal(o.change.start[i], o.existing.items[i].start);
    }
}

static void only_what_is_in_the_way_goes(void **state)
{
    (void)state;
    struct outcome o = change("1g.5gb@0 1g.5gb@4 2g.10gb@2", 0, 0, "3g.20gb");
    assert_int_equal(o.change.destroyed, 1);
    assert_false(o.change.keep[1]);
    assert_true(o.change.keep[0]);
    assert_true(o.change.keep[2]);
    assert_int_equal(o.change.start[0], 4);
}

static void what_is_not_wanted_goes_only_when_asked_for(void **state)
{
    (void)state;
    struct outcome o = change("1g.5gb@0 2g.10gb@2", 0, 0, "2g.10gb");
    assert_int_equal(o.change.destroyed, 0);
    assert_true(o.change.keep[0]);
    assert_int_equal(o.change.serves[0], NONE);
    assert_int_equal(o.change.serves[1], 0);
    o = change("1g.5gb@0 2g.10gb@2", 0, 3, "2g.10gb");
    assert_int_equal(o.change.destroyed, 1);
    assert_false(o.change.keep[0]);
    assert_true(o.change.keep[1]);
}

static void a_pinned_instance_stays_even_if_unwanted(void **state)
{
    (void)state;
    struct outcome o = change("1g.5gb@0 2g.10gb@4", 1, 3, "3g.20gb");
    assert_true(o.change.keep[0]);
    assert_false(o.change.keep[1]);
    assert_int_equal(o.change.start[0], 4);
}

static void a_pinned_instance_serves_only_who_names_its_start(void **state)
{
    (void)state;
    struct outcome o = change("2g.10gb@0", 1, 0, "2g.10gb");
    assert_int_equal(o.change.serves[0], NONE);
    assert_int_equal(o.change.start[0], 2);
    o = change("2g.10gb@0", 1, 0, "2g.10gb@0");
    assert_int_equal(o.change.serves[0], 0);
    assert_int_equal(o.change.start[0], 0);
}

static void of_equal_instances_the_one_out_of_the_way_serves(void **state)
{
    (void)state;
    /* 3g at 4 needs the second 1g gone; the first one serves. */
    struct outcome o = change("1g.5gb@5 1g.5gb@0", 0, 3, "3g.20gb@4 1g.5gb");
    assert_int_equal(o.change.destroyed, 1);
    assert_false(o.change.keep[0]);
    assert_int_equal(o.change.serves[1], 1);
    assert_int_equal(o.change.start[1], 0);
}

static void between_the_missions_layouts_only_what_must_go_goes(void **state)
{
    (void)state;
    struct outcome o = change("2g.10gb@0 2g.10gb@2 2g.10gb@4", 0, 7, "3g.20gb=2");
    assert_int_equal(o.change.destroyed, 3);
    o = change("3g.20gb@0 3g.20gb@4", 0, 3, "4g.20gb 2g.10gb 1g.5gb");
    assert_int_equal(o.change.destroyed, 2);
    o = change("2g.10gb@0 2g.10gb@2 2g.10gb@4", 0, 7, "4g.20gb 2g.10gb 1g.5gb");
    assert_int_equal(o.change.destroyed, 2);
    assert_true(o.change.keep[2]);
    assert_int_equal(o.change.start[0], 0);
    assert_int_equal(o.change.start[1], 4);
    assert_int_equal(o.change.start[2], 6);
}

static void no_room_next_to_the_pinned_ones_is_refused_and_says_why(void **state)
{
    (void)state;
    struct layout_gis existing = gis_of(&model_a100, "1g.5gb@1 1g.5gb@5 2g.10gb@2");
    struct layout_gis wanted = gis_of(&model_a100, "3g.20gb");
    struct layout_change ignored;
    struct error err;
    assert_int_equal(layout_change(&model_a100, &existing, 3, 0, &wanted, &ignored, &err),
                     -REASON_NO_CAPACITY);
    assert_string_equal(err.message,
                        "\"3g.20gb\" starts only at 0 or 4, and 1g.5gb@1 and 1g.5gb@5 are in the "
                        "way; 6 memory slices are free but not together there");
    assert_string_equal(err.hint, "nearest that fits: 2g.10gb@2 (3g.20gb shrunk to 2g.10gb)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_layout_changes_nothing),
        cmocka_unit_test(only_what_is_in_the_way_goes),
        cmocka_unit_test(what_is_not_wanted_goes_only_when_asked_for),
        cmocka_unit_test(a_pinned_instance_stays_even_if_unwanted),
        cmocka_unit_test(a_pinned_instance_serves_only_who_names_its_start),
        cmocka_unit_test(of_equal_instances_the_one_out_of_the_way_serves),
        cmocka_unit_test(between_the_missions_layouts_only_what_must_go_goes),
        cmocka_unit_test(no_room_next_to_the_pinned_ones_is_refused_and_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
