/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/vgpu_release.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/str.h"
#include "rules/version.h"
#include "test.h"

static void a_release_begins_with_its_driver(void **state)
{
    (void)state;
    static const struct {
        const char *release, *driver; /* NULL: not known */
    } rows[] = {
        {"12", NULL},
        {"13", "470"},
        {"14", "510"},
        {"14.0", "510.47.03"},
        {"15", "525"},
        {"15.0", "525.60.12"},
        {"16", "535"},
        {"16.14", "535.309.01"},
        {"17", "550"},
        {"17.2", "550.90.05"},
        {"17.3", "550.90.05"},
        {"17.9", NULL},
        {"18", "570"},
        {"19", "580"},
        {"19.5", "580.159.01"},
        {"20", "595"},
        {"20.1", "595.71.03"},
        {"21", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *driver = vgpu_release_driver(rows[i].release);
        if (rows[i].driver == NULL ? driver != NULL
                                   : driver == NULL || !str_eq(driver, rows[i].driver)) {
            fail_msg("%s: %s", rows[i].release, driver != NULL ? driver : "unknown");
        }
    }
}

static void a_driver_is_of_the_release_of_its_branch(void **state)
{
    (void)state;
    static const struct {
        const char *driver, *release; /* NULL: of none */
    } rows[] = {
        {"550.54.10", "17"}, {"550.90.05", "17"}, {"550", "17"},  {"595.71.03", "20"},
        {"565.57.01", NULL}, {"590.48.01", NULL}, {"55.1", NULL}, {"5500.1", NULL},
        {"", NULL},          {NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *release = vgpu_release_of(rows[i].driver);
        if (rows[i].release == NULL ? release != NULL
                                    : release == NULL || !str_eq(release, rows[i].release)) {
            fail_msg("row %zu: %s", i, release != NULL ? release : "none");
        }
    }
}

static void a_driver_in_a_guest_is_of_windows_or_linux(void **state)
{
    (void)state;
    static const struct {
        const char *driver, *release; /* NULL: of none */
    } rows[] = {
        {"550.90.07", "17"}, {"551.61", "17"}, {"553.74", "17"}, {"554.1", NULL},  {"471.68", "13"},
        {"475.14", "13"},    {"514.08", "14"}, {"529.19", "15"}, {"539.28", "16"}, {"572.60", "18"},
        {"580.88", "19"},    {"582.53", "19"}, {"596.36", "20"}, {"566.36", NULL}, {"", NULL},
        {NULL, NULL},        {"5e2.1", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *release = vgpu_release_of_guest(rows[i].driver);
        if (rows[i].release == NULL ? release != NULL
                                    : release == NULL || !str_eq(release, rows[i].release)) {
            fail_msg("row %zu: %s", i, release != NULL ? release : "none");
        }
    }
}

/* A later update has the same driver or a later one, of its release's branch. */
static void updates_of_a_release_follow_each_other(void **state)
{
    (void)state;
    size_t n = 0;
    for (unsigned major = 13; major <= 20; major++) {
        char release[16];
        snprintf(release, sizeof(release), "%u", major);
        const char *before = vgpu_release_driver(release);
        assert_non_null(before);
        for (unsigned minor = 0; minor < 32; minor++) {
            snprintf(release, sizeof(release), "%u.%u", major, minor);
            const char *driver = vgpu_release_driver(release);
            if (driver == NULL) {
                continue;
            }
            uint32_t of = 0;
            if (version_older(driver, before) || vgpu_release_of(driver) == NULL ||
                !parse_u32(vgpu_release_of(driver), &of) || of != major) {
                fail_msg("vGPU %s: %s after %s", release, driver, before);
            }
            before = driver;
            n++;
        }
    }
    assert_true(n > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_begins_with_its_driver),
        cmocka_unit_test(a_driver_is_of_the_release_of_its_branch),
        cmocka_unit_test(a_driver_in_a_guest_is_of_windows_or_linux),
        cmocka_unit_test(updates_of_a_release_follow_each_other),
    };
    return cmocka_run_group_tests_name("vgpu release", tests, NULL, NULL);
}
