/* SPDX-License-Identifier: Apache-2.0 */
#include "token/guest_files.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"
#include "token/token_fixture.h"

/* The fragment, as YAML readers see it. */
static void a_fragment_writes_the_token_and_appends_to_others(void **state)
{
    (void)state;
    for (uint32_t feature = 0; feature < CLIENT_FEATURE_COUNT; feature++) {
        const struct guest_files files = {.feature = (enum client_feature)feature};
        CLEANUP_FREE char *text = token_fixture(FIXTURE_HEADER, "{}", FIXTURE_SIGNATURE);
        CLEANUP_SECRET struct secret token = {0};
        CLEANUP_SECRET struct secret fragment = {0};
        CLEANUP_JSON json_t *json = NULL;
        secret_init(&token, strlen(text) + 1);
        secret_add_text(&token, text);
        guest_files_cloud_config(&files, &token, &fragment);
        assert_true(str_starts(fragment.bytes, "#cloud-config\n"));
        assert_int_equal(yaml_read(fragment.bytes, fragment.len, "fragment", &json, NULL), 0);
        const json_t *file = json_array_get(json_object_get(json, "write_files"), 0);
        assert_string_equal(json_string_value(json_object_get(file, "path")),
                            "/etc/nvidia/ClientConfigToken/client_configuration_token.tok");
        assert_string_equal(json_string_value(json_object_get(file, "content")), text);
        assert_string_equal(json_string_value(json_object_get(file, "permissions")), "0744");
        const json_t *run = json_array_get(json_object_get(json, "runcmd"), 0);
        const char *script = json_string_value(json_array_get(run, 2));
        static const char *const sets[] = {NULL, "FeatureType=0", "FeatureType=2", "FeatureType=4"};
        assert_non_null(script);
        assert_non_null(strstr(script, "nvidia-gridd"));
        assert_int_equal(strstr(script, "FeatureType") != NULL, sets[feature] != NULL);
        assert_true(sets[feature] == NULL || strstr(script, sets[feature]) != NULL);
        const json_t *how = json_array_get(json_object_get(json, "merge_how"), 0);
        assert_string_equal(json_string_value(json_object_get(how, "name")), "list");
    }
}

static const struct {
    struct guest_files files;
    const char *name;
    const char *has[3];
    const char *lacks;
} scripts[] = {
    {{CLIENT_OS_LINUX, CLIENT_FEATURE_AUTO},
     "install.sh",
     {"#!/bin/sh\n", "/etc/nvidia/ClientConfigToken", "try-restart nvidia-gridd"},
     "FeatureType"},
    {{CLIENT_OS_LINUX, CLIENT_FEATURE_VWS}, "install.sh", {"echo FeatureType=2"}, "reg add"},
    {{CLIENT_OS_WINDOWS, CLIENT_FEATURE_AUTO},
     "install.cmd",
     {"@echo off\r\n", "%ProgramFiles%\\NVIDIA Corporation\\vGPU Licensing\\ClientConfigToken",
      "net start NVDisplay.ContainerLocalSystem"},
     "FeatureType"},
    {{CLIENT_OS_WINDOWS, CLIENT_FEATURE_VAPPS},
     "install.cmd",
     {"\\Global\\GridLicensing\" /v FeatureType /t REG_DWORD /d 0 /f"},
     "gridd"},
    {{CLIENT_OS_WINDOWS, CLIENT_FEATURE_VCS}, "install.cmd", {"REG_DWORD /d 4 /f"}, "gridd"},
};

static void a_script_is_for_its_guest_and_product(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        CLEANUP_SECRET struct secret text = {0};
        CLEANUP_SECRET struct secret readme = {0};
        guest_files_install_script(&scripts[i].files, &text);
        guest_files_readme(&scripts[i].files, &readme);
        assert_string_equal(guest_files_install_name(&scripts[i].files), scripts[i].name);
        assert_non_null(strstr(readme.bytes, scripts[i].name));
        assert_null(strstr(text.bytes, scripts[i].lacks));
        for (size_t k = 0; k < ARRAY_SIZE(scripts[i].has) && scripts[i].has[k] != NULL; k++) {
            if (strstr(text.bytes, scripts[i].has[k]) == NULL) {
                fail_msg("script %zu lacks %s: %s", i, scripts[i].has[k], text.bytes);
            }
        }
    }
}

static void a_seed_has_an_instance(void **state)
{
    (void)state;
    CLEANUP_SECRET struct secret text = {0};
    guest_files_meta_data("abc", &text);
    assert_string_equal(text.bytes, "instance-id: abc\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fragment_writes_the_token_and_appends_to_others),
        cmocka_unit_test(a_script_is_for_its_guest_and_product),
        cmocka_unit_test(a_seed_has_an_instance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
