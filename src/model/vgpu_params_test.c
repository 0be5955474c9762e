/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vgpu_params.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

/* Lines of vgpu_params, and what each parameter is by them, in the order of the table. */
static void a_line_says_what_it_says(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *means; /* y, n or ? */
    } rows[] = {
        {"", "nnnyy"},
        {" ", "nnnyy"},
        {"enable_uvm=1", "ynnyy"},
        {"frame_rate_limiter=0, disable_vnc=1", "nnnnn"},
        {"vgpu-placement-id=16, enable_debugging=1,enable_profiling=1", "nyyyy"},
        {"my_enable_uvm=1", "nnnyy"},
        {"enable_uvm=1x", "?nnyy"},
        {"enable_uvm=", "?nnyy"},
        {"enable_uvm", "nnnyy"},
        {"enable_uvm=1, enable_uvm=0", "?nnyy"},
        {"enable_uvm=1, enable_uvm=1", "ynnyy"},
        {",, ,enable_uvm=1,,", "ynnyy"},
        {"disable_vnc=0", "nnnyy"},
        {"disable_vnc=2", "nnny?"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char means[VGPU_PARAM_COUNT + 1] = "";
        struct vgpu_params params = vgpu_params_read(rows[i].line);
        for (size_t k = 0; k < VGPU_PARAM_COUNT; k++) {
            means[k] = "?ny"[vgpu_param_get(&params, &vgpu_param_table[k])];
        }
        if (strcmp(means, rows[i].means) != 0) {
            fail_msg("\"%s\": %s instead of %s", rows[i].line, means, rows[i].means);
        }
    }
}

/* All 3^5 wishes: the line that is written serves the wish, and says nothing else. */
static void what_is_written_is_what_is_wanted(void **state)
{
    (void)state;
    for (unsigned wish = 0; wish < 243; wish++) {
        struct vgpu_params wanted = {0};
        unsigned rest = wish;
        for (size_t k = 0; k < VGPU_PARAM_COUNT; k++, rest /= 3) {
            if (rest % 3 != 0) {
                vgpu_param_set(&wanted, &vgpu_param_table[k], rest % 3 == 2);
            }
        }
        char line[VGPU_PARAMS_TEXT_SIZE];
        char why[256];
        vgpu_params_line(&wanted, wish % 2 == 0 ? NO_ID : wish, line);
        assert_true(vgpu_params_serve(&wanted, line, why, sizeof(why)));
        struct vgpu_params said = vgpu_params_said(line);
        assert_true(vgpu_params_equal(&said, &wanted));
        assert_int_equal(said.set, vgpu_params_any(&wanted));
        for (size_t k = 0; k < VGPU_PARAM_COUNT; k++) { /* another wish about one is not served */
            struct vgpu_params other = wanted;
            struct vgpu_params has = vgpu_params_read(line);
            bool on = vgpu_param_get(&has, &vgpu_param_table[k]) == TRI_YES;
            vgpu_param_set(&other, &vgpu_param_table[k], !on);
            assert_false(vgpu_params_serve(&other, line, why, sizeof(why)));
            assert_non_null(strstr(why, vgpu_param_table[k].word));
        }
    }
}

static void a_line_without_a_wish_clears(void **state)
{
    (void)state;
    static const struct vgpu_params none = {0};
    char line[VGPU_PARAMS_TEXT_SIZE];
    assert_string_equal(vgpu_params_line(&none, NO_ID, line), " ");
    assert_string_equal(vgpu_params_line(&none, 16, line), "vgpu-placement-id=16");
    assert_string_equal(vgpu_params_describe(&none, line), "");
}

static void a_difference_is_said_in_words(void **state)
{
    (void)state;
    struct vgpu_params wanted = {.unified_memory = TRI_YES, .console = TRI_NO};
    char text[256];
    assert_false(vgpu_params_serve(&wanted, "enable_uvm=7", text, sizeof(text)));
    assert_string_equal(text, "unified-memory is neither on nor off, and the claim wants it on; "
                              "console is on, and the claim wants it off");
    assert_string_equal(vgpu_params_describe(&wanted, text), "unified-memory on, console off");
}

static void what_keeps_a_vm_from_migrating_is_named(void **state)
{
    (void)state;
    struct vgpu_params params = {.console = TRI_YES, .profiler = TRI_NO};
    assert_null(vgpu_params_pinned_by(&params));
    params.profiler = TRI_YES;
    assert_string_equal(vgpu_params_pinned_by(&params), "profiler");
    assert_null(vgpu_param_find("enable_uvm"));
    assert_ptr_equal(vgpu_param_find("console"), &vgpu_param_table[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_what_it_says),
        cmocka_unit_test(what_is_written_is_what_is_wanted),
        cmocka_unit_test(a_line_without_a_wish_clears),
        cmocka_unit_test(a_difference_is_said_in_words),
        cmocka_unit_test(what_keeps_a_vm_from_migrating_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
