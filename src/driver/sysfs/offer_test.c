/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/str.h"
#include "driver/sysfs/offer.h"

static void rows_with_the_id_first_are_read(void **state)
{
    (void)state;
    CLEANUP_OFFERS struct offers offers = {0};
    offers_parse(&offers, "ID    : vGPU Name\n"
                          "1145  : NVIDIA L40S-1B\n"
                          "2164  : NVIDIA L40S-3B\n"
                          "1557  : NVIDIA RTX Pro 6000 Blackwell DC-1-8C\n");
    assert_int_equal(offers.n, 3);
    assert_int_equal(offers.items[0].type_id, 1145);
    assert_string_equal(offers.items[0].name, "L40S-1B");
    assert_int_equal(offers.items[0].available, 1);
    assert_int_equal(offers.items[1].type_id, 2164);
    assert_string_equal(offers.items[2].name, "RTX Pro 6000 Blackwell DC-1-8C");
}

static void rows_with_the_id_last_are_read(void **state)
{
    (void)state;
    CLEANUP_OFFERS struct offers offers = {0};
    offers_parse(&offers, "NVIDIA A40-1Q 557\nGRID A100-1-5C   474 \n\n  NVIDIA A40-2Q 558");
    assert_int_equal(offers.n, 3);
    assert_string_equal(offers.items[0].name, "A40-1Q");
    assert_int_equal(offers.items[0].type_id, 557);
    assert_string_equal(offers.items[1].name, "A100-1-5C");
    assert_int_equal(offers.items[1].type_id, 474);
    assert_int_equal(offers.items[2].type_id, 558);
}

static void nonsense_offers_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n",
        "ID    : vGPU Name\n",
        "-5 : NVIDIA L40S-1B\n",
        "99999999999 : NVIDIA L40S-1B\n",
        "12 NVIDIA L40S-1B\n",
        "12 :\n",
        "12 : \001\002\n",
        "NVIDIA A40-1Q -557\n",
        "NVIDIA A40-1Q 0x557\n",
        ":::::\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP_OFFERS struct offers offers = {0};
        offers_parse(&offers, texts[i]);
        assert_int_equal(offers.n, 0);
    }
}

static void rows_and_lists_are_bounded(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf text = {0};
    strbuf_add(&text, "7 : ");
    for (int i = 0; i < 1000; i++) {
        strbuf_add(&text, "x");
    }
    strbuf_add(&text, "\n");
    for (int i = 0; i < 5000; i++) {
        strbuf_addf(&text, "%d : NVIDIA T-%dQ\n", i, i);
    }
    CLEANUP_OFFERS struct offers offers = {0};
    offers_parse(&offers, strbuf_str(&text));
    assert_int_equal(offers.n, OFFERS_MAX);
    assert_string_equal(offers.items[0].name, "T-0Q");
}

static void names_are_compared_without_brand_and_product(void **state)
{
    (void)state;
    assert_true(offer_same_name("NVIDIA L40S-8Q", "L40S-8Q"));
    assert_true(offer_same_name("GRID A100-1-5C", "a100-1-5c"));
    assert_true(offer_same_name("NVIDIA RTX Pro 6000 Blackwell DC-1-8C", "DC-1-8C"));
    assert_true(
        offer_same_name("RTX Pro 6000 Blackwell DC-1-8C", "NVIDIA RTX Pro 6000 Blackwell DC-1-8C"));
    assert_false(offer_same_name("L40S-8Q", "L40S-8A"));
    assert_false(
        offer_same_name("RTX Pro 4500 Blackwell DC-1-8C", "RTX Pro 6000 Blackwell DC-1-8C"));
    assert_false(offer_same_name("DC-1-8C", "DC-11-8C"));
}

static void an_offer_is_found_by_id_or_name(void **state)
{
    (void)state;
    CLEANUP_OFFERS struct offers offers = {0};
    offers_parse(&offers, "1145 : NVIDIA L40S-1B\n1152 : NVIDIA L40S-8Q\n");
    assert_int_equal(offers_find(&offers, 1152, "")->type_id, 1152);
    assert_int_equal(offers_find(&offers, NO_ID, "L40S-8Q")->type_id, 1152);
    assert_null(offers_find(&offers, 7, "L40S-8Q"));
    assert_null(offers_find(&offers, NO_ID, "L40S-9Q"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_with_the_id_first_are_read),
        cmocka_unit_test(rows_with_the_id_last_are_read),
        cmocka_unit_test(nonsense_offers_nothing),
        cmocka_unit_test(rows_and_lists_are_bounded),
        cmocka_unit_test(names_are_compared_without_brand_and_product),
        cmocka_unit_test(an_offer_is_found_by_id_or_name),
    };
    return cmocka_run_group_tests_name("sysfs offer", tests, NULL, NULL);
}
