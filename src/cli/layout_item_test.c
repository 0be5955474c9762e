/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/layout_item.h"

#include "base/mem.h"
#include "base/str.h"
#include "layout/layout.h"
#include "test.h"

#define ANY LAYOUT_ANYWHERE

static void an_item_is_read_in_each_way_that_people_write_it(void **state)
{
    (void)state;
    static const struct {
        const char *word, *name;
        uint32_t start, count;
    } rows[] = {
        {"3g.20gb", "3g.20gb", ANY, 1},
        {"3g.20gb@4", "3g.20gb", 4, 1},
        {"3g.20gb@4=2", "3g.20gb", 4, 2},
        {"L40S-12Q@36", "L40S-12Q", 36, 1},
        {"9:0", "9", 0, 1},
        {"3g.20gb:4", "3g.20gb", 4, 1},
        {"MIG 3g.20gb", "MIG 3g.20gb", ANY, 1},
        {"gpu:1g.5gb:2", "gpu:1g.5gb", ANY, 2},
        {"gres=gpu:1g.5gb:2", "gpu:1g.5gb", ANY, 2},
        {"gres/gpu:a100_1g.5gb=2", "gres/gpu:a100_1g.5gb", ANY, 2},
        {"nvidia.com/mig-1g.5gb: 2", "nvidia.com/mig-1g.5gb", ANY, 2},
        {"nvidia.com/mig-1g.5gb=2", "nvidia.com/mig-1g.5gb", ANY, 2},
        {"mig-1g.5gb:2", "mig-1g.5gb", 2, 1},
        {"Type=1g.5gb", "1g.5gb", ANY, 1},
        {"Type=a100_1g.5gb=2", "a100_1g.5gb", ANY, 2},
        {"--gres=gpu:1g.5gb:2", "gpu:1g.5gb", ANY, 2},
        {"gpu:a100_1g.5gb:2(S:0-15)", "gpu:a100_1g.5gb", ANY, 2},
        {"mdev=nvidia-474", "nvidia-474", ANY, 1},
        {"enabled_mdev_types = nvidia-474", "nvidia-474", ANY, 1},
        {"2 \xc3\x97 A100-3-20C", "A100-3-20C", ANY, 2},
        {"2x1g.5gb", "1g.5gb", ANY, 2},
        {"2 x 1g.5gb@0", "1g.5gb", 0, 2},
        {"1g.5gb x 2", "1g.5gb", ANY, 2},
        {"1g.5gb *3", "1g.5gb", ANY, 3},
        {"RTX 6000D-1-42C", "RTX 6000D-1-42C", ANY, 1},
        {"MIG 3g.20gb Device 0:", "MIG 3g.20gb Device 0:", ANY, 1},
        {" 1g.5gb = 2\r", "1g.5gb ", ANY, 2},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct layout_item item = {.name = ""};
        struct error err = {.message = ""};
        if (layout_item_parse(rows[i].word, &item, &err) != 0 || !str_eq(item.name, rows[i].name) ||
            item.start != rows[i].start || item.count != rows[i].count) {
            fail_msg("%s: \"%s\" @%u =%u %s", rows[i].word, item.name, item.start, item.count,
                     err.message);
        }
    }
}

static void what_is_no_item_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *word, *in_message;
    } rows[] = {
        {"", "is not NAME"},
        {"=2", "is not NAME"},
        {"1g.5gb=x", "is not NAME"},
        {"1g.5gb=-1", "is not NAME"},
        {"1g.5gb=1.5", "is not NAME"},
        {"1g.5gb=99999999999", "is not NAME"},
        {"1g.5gb@", "is not NAME"},
        {"1g.5gb@-1", "is not NAME"},
        {"1g.5gb@4294967295", "is not NAME"},
        {"1g.5gb@4294967296", "is not NAME"},
        {"1g.5gb=0", "from 1 to"},
        {"1g.5gb=4097", "from 1 to"},
        {"0x1g.5gb", "from 1 to"},
        {"gpu:1g.5gb:0", "from 1 to"},
        {"1g.5gb: 3", "how a file"},
        {"9: 0", "how a file"},
        {"Name=gpu", "gres.conf"},
        {"all-balanced", "label of a mig-parted"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct layout_item item;
        struct error err = {.message = ""};
        assert_int_not_equal(layout_item_parse(rows[i].word, &item, &err), 0);
        if (strstr(err.message, rows[i].in_message) == NULL) {
            fail_msg("%s: %s", rows[i].word, err.message);
        }
    }
}

static void a_list_is_cut_at_its_commas(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *items[4];
    } rows[] = {
        {"9,14,19", {"9", "14", "19", NULL}},
        {"9:0, 14", {"9:0", "14", NULL}},
        {"1g.24gb+me,gfx,2g.48gb", {"1g.24gb+me,gfx", "2g.48gb", NULL}},
        {",,", {NULL}},
        {"9,", {"9", NULL}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *rest = rows[i].list;
        size_t n = 0;
        for (;;) {
            CLEANUP_FREE char *item = layout_item_cut(&rest);
            if (item == NULL) {
                break;
            }
            assert_string_equal(item, rows[i].items[n++]);
        }
        assert_null(rows[i].items[n]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_is_read_in_each_way_that_people_write_it),
        cmocka_unit_test(what_is_no_item_is_refused),
        cmocka_unit_test(a_list_is_cut_at_its_commas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
