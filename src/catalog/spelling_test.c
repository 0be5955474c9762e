/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/spelling.h"

#include <string.h>

#include "base/attr.h"
#include "test.h"

struct row {
    const char *text, *name, *board;
};

static const struct row profiles[] = {
    {"3g.20gb", "3g.20gb", ""},
    {"9", "9", ""},
    {" \t3g.20gb\r", "3g.20gb", ""},
    {"MIG 3g.20gb", "3g.20gb", ""},
    {"mig 3g.20gb", "3g.20gb", ""},
    {"MIG 1c.3g.20gb Device 0:", "1c.3g.20gb", ""},
    {"MIG 3g.20gb     Device  0:", "3g.20gb", ""},
    {"mig-3g.20gb", "3g.20gb", ""},
    {"MIG-3g.20gb", "3g.20gb", ""},
    {"nvidia.com/mig-3g.20gb", "3g.20gb", ""},
    {"nvidia.com/mig-3g.20gb.shared", "3g.20gb", ""},
    {"requests.nvidia.com/mig-3g.20gb", "3g.20gb", ""},
    {"limits.nvidia.com/mig-3g.20gb", "3g.20gb", ""},
    {"nvidia.com/mig-1g.5gb.me", "1g.5gb+me", ""},
    {"nvidia.com/mig-1g.24gb.me.all", "1g.24gb+me.all", ""},
    {"nvidia.com/mig-1g.24gb.gfx", "1g.24gb+gfx", ""},
    {"nvidia.com/mig-1g.24gb-me", "1g.24gb-me", ""},
    {"1g.24gb+me.all", "1g.24gb+me.all", ""},
    {"gpu:1g.5gb", "1g.5gb", ""},
    {"Type=a100_1g.5gb", "1g.5gb", "a100"},
    {"gres/gpu:a100_1g.5gb", "1g.5gb", "a100"},
    {"gres=gpu:1g.5gb", "1g.5gb", ""},
    {"a100_1g.5gb+me", "1g.5gb+me", "a100"},
    {"nvidia_a100-sxm4-40gb_3g.20gb", "3g.20gb", "nvidia_a100-sxm4-40gb"},
    {"a100_x", "a100_x", ""},
    {"_1g.5gb", "_1g.5gb", ""},
    {"", "", ""},
};

static void a_profile_is_found_in_what_other_tools_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        struct spelling spelling = spelling_of_profile(profiles[i].text);
        assert_string_equal(spelling.name, profiles[i].name);
        assert_string_equal(spelling.board, profiles[i].board);
        assert_int_equal(spelling.shared, strstr(profiles[i].text, ".shared") != NULL);
    }
}

static const struct row types[] = {
    {"L40S-8Q", "L40S-8Q", NULL},
    {"474", "474", NULL},
    {"nvidia-474", "474", NULL},
    {"NVIDIA-474", "474", NULL},
    {"/sys/class/mdev_bus/0000:3b:00.0/mdev_supported_types/nvidia-474", "474", NULL},
    {"nvidia-x", "nvidia-x", NULL},
    {"mdev=nvidia-474", "474", NULL},
    {"mdev_nvidia-474", "474", NULL},
    {"grid_a100-1-5c", "grid a100-1-5c", NULL},
    {"nvidia.com/GRID_A100-1-5C", "GRID A100-1-5C", NULL},
    {"nvidia.com/A100-1-5C", "A100-1-5C", NULL},
    {"NVIDIA_A10-24Q", "NVIDIA A10-24Q", NULL},
    {"nvidia.com/NVIDIA_RTX_Pro_6000_Blackwell_DC-1-8C", "NVIDIA RTX Pro 6000 Blackwell DC-1-8C",
     NULL},
    {" GRID A100-1-5C\n", "GRID A100-1-5C", NULL},
};

static void a_type_is_found_in_what_other_tools_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        assert_string_equal(spelling_of_type(types[i].text).name, types[i].name);
    }
}

static void a_number_behind_a_colon_counts_for_kubernetes_and_slurm(void **state)
{
    (void)state;
    assert_true(spelling_has_count("gpu:1g.5gb:2"));
    assert_true(spelling_has_count("gres/gpu:a100_1g.5gb:2"));
    assert_true(spelling_has_count("nvidia.com/mig-1g.5gb: 2"));
    assert_false(spelling_has_count("9:0"));
    assert_false(spelling_has_count("3g.20gb:4"));
    assert_false(spelling_has_count("mig-3g.20gb:4"));
}

static void what_is_neither_profile_nor_type_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *in_message; /* NULL: nothing known */
    } rows[] = {
        {"0000:31:00.0", "PCI address"},
        {"hostpci0: 0000:31:00.0", "Proxmox VE"},
        {"mapping=gpu1", "Proxmox VE"},
        {"Name=gpu Type=1g.5gb", "gres.conf"},
        {"MultipleFiles=/dev/nvidia0", "gres.conf"},
        {"shard:a100:4", "jobs of Slurm"},
        {"nvidia.com/gpu.product", "Kubernetes node"},
        {"nvidia.com/mig.config=all-1g.5gb", "Kubernetes node"},
        {"nvidia.com/mig-1g.5gb.slices.gi", "Kubernetes node"},
        {"all-1g.5gb.me", "label of a mig-parted file"},
        {"resources:VGPU=1", "OpenStack"},
        {"CUSTOM_NVIDIA_700", "OpenStack"},
        {"nvidia.com/mig-1g.5gb", NULL},
        {"nvidia.com/gpu.shared", NULL},
        {"nvidia.com/gpu", NULL},
        {"1g.5gb", NULL},
        {"474", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {.message = ""};
        bool refused = spelling_refuse(rows[i].text, &err) != 0;
        if (refused != (rows[i].in_message != NULL) ||
            (refused && strstr(err.message, rows[i].in_message) == NULL)) {
            fail_msg("\"%s\": %s", rows[i].text, err.message);
        }
    }
}

static void a_text_longer_than_any_name_is_no_name(void **state)
{
    (void)state;
    char text[4 * SPELLING_SIZE];
    memset(text, '_', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_string_equal(spelling_of_profile(text).name, "");
    assert_string_equal(spelling_of_type(text).name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_profile_is_found_in_what_other_tools_write),
        cmocka_unit_test(a_type_is_found_in_what_other_tools_write),
        cmocka_unit_test(a_number_behind_a_colon_counts_for_kubernetes_and_slurm),
        cmocka_unit_test(what_is_neither_profile_nor_type_is_named),
        cmocka_unit_test(a_text_longer_than_any_name_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
