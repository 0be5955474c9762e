/* SPDX-License-Identifier: Apache-2.0 */
/* A short name stands for one board, and the note names the others that it may have meant. */
#include "cli/model_notice.h"

#include <string.h>

#include "base/str.h"
#include "test.h"

static void a_short_name_is_read_with_a_note(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said, *other; /* NULL: nothing is said */
    } rows[] = {
        {"a100", "\"a100\" is read as a100-pcie-40gb; there are also ", "a100-sxm4-80gb"},
        {"A100", "\"A100\" is read as a100-pcie-40gb", "a100-sxm4-40gb"},
        {"h100", "\"h100\" is read as h100-", "h100-"},
        {"a100-pcie-40gb", NULL, NULL},
        {"A100 PCIe 40GB", NULL, NULL},
        {"l40", NULL, NULL},
        {"l40s", NULL, NULL},
        {"0x20f1", NULL, NULL},
    };
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    struct error err = {0};
    assert_int_equal(catalog_load_default(&catalog, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_STRBUF struct strbuf out = {0};
        const struct gpu_model *model = NULL;
        if (catalog_find(catalog, rows[i].text, &model, &err) != 0) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
        model_notice_add(catalog, rows[i].text, model, &out);
        bool right = rows[i].said == NULL ? out.len == 0
                                          : str_starts(strbuf_str(&out), rows[i].said) &&
                                                strstr(strbuf_str(&out), rows[i].other) != NULL;
        if (!right) {
            fail_msg("%s: \"%s\"", rows[i].text, strbuf_str(&out));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_name_is_read_with_a_note),
    };
    return cmocka_run_group_tests_name("model notice", tests, NULL, NULL);
}
