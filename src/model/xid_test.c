/* SPDX-License-Identifier: Apache-2.0 */
#include "model/xid.h"

#include "test.h"

static void a_page_fault_of_a_program_does_not_condemn_the_gpu(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {13, 31, 43, 45, 63, 68, 92, 94};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct xid xid = xid_find(numbers[i]);
        assert_int_equal(xid.number, numbers[i]);
        assert_false(xid_condemns(&xid));
    }
}

static void what_needs_a_reset_condemns_the_gpu(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {46, 48, 62, 64, 95, 109, 119, 120, 140, 143};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct xid xid = xid_find(numbers[i]);
        assert_int_equal(xid.effect, XID_RESET);
        assert_true(xid_condemns(&xid));
        assert_string_equal(xid_advice(&xid), "the GPU must be reset");
    }
}

static void a_gpu_that_fell_off_the_bus_needs_a_reboot(void **state)
{
    (void)state;
    struct xid xid = xid_find(79);
    assert_int_equal(xid.effect, XID_REBOOT);
    assert_string_equal(xid.text, "GPU has fallen off the bus");
}

static void an_unknown_number_is_only_reported(void **state)
{
    (void)state;
    struct xid xid = xid_find(99999);
    assert_int_equal(xid.number, 99999);
    assert_int_equal(xid.effect, XID_NOTE);
    assert_non_null(xid.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_fault_of_a_program_does_not_condemn_the_gpu),
        cmocka_unit_test(what_needs_a_reset_condemns_the_gpu),
        cmocka_unit_test(a_gpu_that_fell_off_the_bus_needs_a_reboot),
        cmocka_unit_test(an_unknown_number_is_only_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
