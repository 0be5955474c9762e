/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/products.h"

#include "base/str.h"
#include "test.h"

#define VAPPS LICENCE_SET(LICENCE_VAPPS)
#define VPC LICENCE_SET(LICENCE_VPC)
#define VWS LICENCE_SET(LICENCE_VWS)
#define NVAIE LICENCE_SET(LICENCE_NVAIE)

static const struct {
    enum claim_mode mode;
    const char *type;
    bool graphics;
    licence_set products;
} rows[] = {
    {CLAIM_TIME_SLICED, "NVIDIA L40S-8A", true, VAPPS},
    {CLAIM_TIME_SLICED, "NVIDIA L40S-1B", true, VPC | VWS},
    {CLAIM_TIME_SLICED, "GRID T4-2B4", true, VPC | VWS},
    {CLAIM_TIME_SLICED, "NVIDIA L40S-8Q", false, VWS},
    {CLAIM_TIME_SLICED, "NVIDIA L40S-48C", false, NVAIE},
    {CLAIM_TIME_SLICED, "NVIDIA GeForce", false, 0},
    {CLAIM_MIG_BACKED, "NVIDIA A100-1-5C", false, NVAIE},
    {CLAIM_MIG_BACKED, "NVIDIA A100-1-5CME", false, NVAIE},
    {CLAIM_MIG_BACKED, "NVIDIA RTX Pro 6000 Blackwell DC-1-24Q", true, VWS},
    {CLAIM_TIME_SLICED_MIG_BACKED, "NVIDIA RTX Pro 6000 Blackwell DC-1-8C", false, NVAIE},
    {CLAIM_TIME_SLICED_MIG_BACKED, "NVIDIA RTX Pro 6000 Blackwell DC-1-3A", true, VAPPS},
    {CLAIM_PASSTHROUGH, "", false, 0},
    {CLAIM_PASSTHROUGH, "", true, VWS | VAPPS},
    {CLAIM_GPU_INSTANCE, "", false, 0},
    {CLAIM_GPU_INSTANCE, "", true, 0},
    {CLAIM_MODE_AUTO, "", false, 0},
};

static void each_type_and_mode_takes_its_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        licence_set found =
            licence_products(rows[i].mode, licence_series(rows[i].type), rows[i].graphics);
        if (found != rows[i].products) {
            fail_msg("row %zu, %s: %u", i, rows[i].type, found);
        }
    }
}

static struct claim desk(bool stated, licence_set there)
{
    struct claim claim = {.has_need = true};
    claim.spec.mode = CLAIM_TIME_SLICED;
    STR_SET(claim.spec.type, "NVIDIA L40S-1B");
    claim.need.any_licence = !stated;
    claim.need.licences = there;
    return claim;
}

static void products_that_the_need_has_come_first(void **state)
{
    (void)state;
    struct claim any = desk(false, 0);
    struct claim vws = desk(true, VWS | NVAIE);
    struct claim none = desk(true, 0);
    assert_int_equal(licence_products_of(&any), VPC | VWS);
    assert_int_equal(licence_products_of(&vws), VWS);
    assert_int_equal(licence_products_of(&none), VPC | VWS);
}

static void a_desktop_takes_vpc_and_a_workstation_vws(void **state)
{
    (void)state;
    assert_int_equal(licence_preferred(VPC | VWS), LICENCE_VPC);
    assert_int_equal(licence_preferred(VAPPS | VWS), LICENCE_VWS);
    assert_int_equal(licence_preferred(0), LICENCE_COUNT);
}

static void only_ai_enterprise_is_counted_by_gpu(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        assert_int_equal(licence_unit((enum licence)i) == LICENCE_PER_GPU, i == LICENCE_NVAIE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_and_mode_takes_its_products),
        cmocka_unit_test(products_that_the_need_has_come_first),
        cmocka_unit_test(a_desktop_takes_vpc_and_a_workstation_vws),
        cmocka_unit_test(only_ai_enterprise_is_counted_by_gpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
