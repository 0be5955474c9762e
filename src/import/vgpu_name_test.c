/* SPDX-License-Identifier: Apache-2.0 */
#include "import/vgpu_name.h"

#include "base/attr.h"
#include "test.h"

static void names_of_the_two_forms_are_plain(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool plain;
    } rows[] = {
        {"T4-1B", true},
        {"M60-0Q", true},
        {"A100-1-5CME", true},
        {"A100-40C", true},
        {"RTX5000-Ada-4Q", true},
        {"DC-1-24CGFX", true},
        {"DC-2-48CNOME", true},
        {"DC-4-96CMEALL", true},
        {"6000D-1-42Q", true},
        {"RTX6000P-8A", true},
        {"GRID T4-1B", false},
        {"NVIDIA L40S-8Q", false},
        {"nvidia-22", false},
        {"22", false},
        {"t4-1b", false},
        {"T4-1b", false},
        {"DC-1-12", false},
        {"T4-1BME", false},
        {"T4-01B", false},
        {"T4-", false},
        {"T4", false},
        {"", false},
        {"A100-0-5C", false},
        {"A100-10-5C", false},
        {"A100-1-5CGF", false},
        {"RTX5000-Ada2-4Q", false},
        {"-4Q", false},
        {"RTX5000--4Q", false},
        {"A100-1-", false},
        {"A100-1-5X", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (vgpu_name_is_plain(rows[i].name) != rows[i].plain) {
            fail_msg("\"%s\" should be %s", rows[i].name, rows[i].plain ? "plain" : "refused");
        }
    }
}

static void a_number_of_slices_is_a_mig_backed_types(void **state)
{
    (void)state;
    assert_true(vgpu_name_is_mig_backed("A100-1-5CME"));
    assert_true(vgpu_name_is_mig_backed("DC-4-96C"));
    assert_false(vgpu_name_is_mig_backed("A100-40C"));
    assert_false(vgpu_name_is_mig_backed("RTX5000-Ada-4Q"));
    assert_false(vgpu_name_is_mig_backed("A100-"));
    assert_false(vgpu_name_is_mig_backed(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_two_forms_are_plain),
        cmocka_unit_test(a_number_of_slices_is_a_mig_backed_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
