/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <string.h>

#include "import/import.h"

static int parse(const char *yaml, struct import_file **ret_file, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = yaml_read(yaml, strlen(yaml), "site.yaml", &json, err);
    return r != 0 ? r : import_parse(json, "site.yaml", ret_file, err);
}

static struct import_file *read(const char *yaml)
{
    struct import_file *file = NULL;
    struct error err = {.message = ""};
    if (parse(yaml, &file, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    return file;
}

static void assert_refused(const char *yaml, const char *in_message)
{
    struct import_file *file = NULL;
    struct error err = {.message = ""};
    if (parse(yaml, &file, &err) == 0) {
        import_free(file);
        fail_msg("accepted:\n%s", yaml);
    }
    if (strstr(err.message, in_message) == NULL) {
        fail_msg("\"%s\" is not in \"%s\" (%s)", in_message, err.message, err.subject);
    }
}

static void a_mig_file_is_read_label_by_label(void **state)
{
    (void)state;
    CLEANUP(import_freep)
    struct import_file *file =
        read("version: v1\n"
             "mig-configs:\n"
             "  off:\n"
             "    - devices: all\n"
             "      mig-enabled: false\n"
             "  balanced:\n"
             "    - device-filter: [\"0x20B010DE\", \"0x2BB510DE:0x204E10DE\"]\n"
             "      devices: [0, 3]\n"
             "      mig-enabled: true\n"
             "      mig-devices:\n"
             "        \"1g.5gb\": 2\n"
             "        1c.3g.20gb: 3\n");
    assert_int_equal(file->kind, IMPORT_MIG);
    assert_int_equal(file->labels.n, 2);
    assert_string_equal(file->labels.items[0].name, "off");
    assert_true(file->labels.items[0].entries.items[0].all_devices);
    assert_false(file->labels.items[0].entries.items[0].mig_enabled);
    const struct import_entry *entry = &file->labels.items[1].entries.items[0];
    assert_int_equal(entry->filters.n, 2);
    assert_int_equal(entry->filters.items[0].device, 0x20b0);
    assert_int_equal(entry->filters.items[0].subsystem, CAT_UNKNOWN);
    assert_int_equal(entry->filters.items[1].subsystem, 0x204e);
    assert_int_equal(entry->devices.n, 2);
    assert_int_equal(entry->devices.items[1], 3);
    assert_int_equal(entry->items.n, 2);
    assert_string_equal(entry->items.items[1].name, "1c.3g.20gb");
    assert_int_equal(entry->items.items[1].count, 3);
}

static void a_vgpu_file_is_read(void **state)
{
    (void)state;
    CLEANUP(import_freep)
    struct import_file *file = read("version: v1\n"
                                    "vgpu-configs:\n"
                                    "  DC-1-2Q:\n"
                                    "    - device-filter: \"0x2BB510DE\"\n"
                                    "      devices: all\n"
                                    "      vgpu-devices:\n"
                                    "        DC-1-2Q: 48\n");
    assert_int_equal(file->kind, IMPORT_VGPU);
    const struct import_entry *entry = &file->labels.items[0].entries.items[0];
    assert_int_equal(entry->filters.items[0].device, 0x2bb5);
    assert_int_equal(entry->items.items[0].count, 48);
}

static void mig_enabled_without_devices_is_an_empty_gpu(void **state)
{
    (void)state;
    CLEANUP(import_freep)
    struct import_file *file = read("version: v1\n"
                                    "mig-configs:\n"
                                    "  on: [{devices: all, mig-enabled: true, mig-devices: {}}]\n");
    assert_int_equal(file->labels.items[0].entries.items[0].items.n, 0);
}

static void a_file_of_another_shape_is_refused(void **state)
{
    (void)state;
    assert_refused("version: v2\nmig-configs: {}\n", "version");
    assert_refused("version: v1\n", "either");
    assert_refused("version: v1\nmig-configs: {}\nvgpu-configs: {}\n", "either");
    assert_refused("version: v1\nmig-configs: {}\nhooks: {}\n", "hooks");
    assert_refused("version: v1\nmig-configs: {a: []}\n", "list of 1");
    assert_refused("version: v1\nmig-configs: {a: 3}\n", "list of 1");
    assert_refused("- 1\n", "must be an object");
}

static void an_entry_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
#define MIG(entry) "version: v1\nmig-configs:\n  a:\n    - " entry "\n"
    assert_refused(MIG("{devices: all}"), "mig-enabled");
    assert_refused(MIG("{mig-enabled: false}"), "devices");
    assert_refused(MIG("{devices: all, mig-enabled: true}"), "mig-devices");
    assert_refused(MIG("{devices: all, mig-enabled: false, mig-devices: {1g.5gb: 1}}"),
                   "must be empty");
    assert_refused(MIG("{devices: some, mig-enabled: false}"), "\"all\" or a list");
    assert_refused(MIG("{devices: [-1], mig-enabled: false}"), "indexes below");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb: 0}}"),
                   "count from 1");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g5gb: 1}}"),
                   "not a MIG profile");
    assert_refused(MIG("{device-filter: 0x20B0, devices: all, mig-enabled: false}"), "0x<device>");
    assert_refused(MIG("{device-filter: [\"20B010DE\"], devices: all, mig-enabled: false}"),
                   "0x<device>");
    assert_refused(MIG("{devices: all, mig-enabled: false, colour: red}"), "colour");
    assert_refused("version: v1\nvgpu-configs: {a: [{devices: all, vgpu-devices: {}}]}\n",
                   "must not be empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mig_file_is_read_label_by_label),
        cmocka_unit_test(a_vgpu_file_is_read),
        cmocka_unit_test(mig_enabled_without_devices_is_an_empty_gpu),
        cmocka_unit_test(a_file_of_another_shape_is_refused),
        cmocka_unit_test(an_entry_that_contradicts_itself_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
