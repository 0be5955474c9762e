/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "import/import.h"

static int parse(const char *yaml, struct import_file **ret_file, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = yaml_read_all(yaml, strlen(yaml), "site.yaml", &json, err);
    return r != 0 ? r : import_parse(json, "site.yaml", ret_file, err);
}

static struct import_file *file_of(const char *yaml)
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
        file_of("version: v1\n"
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
    assert_int_equal(file->labels.items[0].kind, IMPORT_MIG);
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
    struct import_file *file = file_of("version: v1\n"
                                       "vgpu-configs:\n"
                                       "  DC-1-2Q:\n"
                                       "    - device-filter: \"0x2BB510DE\"\n"
                                       "      devices: all\n"
                                       "      vgpu-devices:\n"
                                       "        DC-1-2Q: 48\n");
    assert_int_equal(file->labels.items[0].kind, IMPORT_VGPU);
    const struct import_entry *entry = &file->labels.items[0].entries.items[0];
    assert_int_equal(entry->filters.items[0].device, 0x2bb5);
    assert_int_equal(entry->items.items[0].count, 48);
}

static void mig_enabled_without_devices_is_an_empty_gpu(void **state)
{
    (void)state;
    CLEANUP(import_freep)
    struct import_file *file =
        file_of("version: v1\n"
                "mig-configs:\n"
                "  on: [{devices: all, mig-enabled: true, mig-devices: {}}]\n");
    assert_int_equal(file->labels.items[0].entries.items[0].items.n, 0);
}

static void a_file_of_another_shape_is_refused(void **state)
{
    (void)state;
    assert_refused("version: v2\nmig-configs: {}\n", "version: must be v1");
    assert_refused("version: 1\nmig-configs: {}\n", "version: must be v1");
    assert_refused("version: v1\nmig-configs: {}\n", "nothing is asked for");
    assert_refused("version: v1\nvgpu-configs: {}\n", "nothing is asked for");
    assert_refused("version: v1\nmig-configs: null\n", "either");
    assert_refused("version: v1\nsharing: {timeSlicing: {resources: []}}\n",
                   "Kubernetes' device plugin");
    assert_refused("version: v1\nhooks: {}\n", "a file of hooks");
    assert_refused("site: a\nclaims: []\n", "a site");
    assert_refused("version: v1\nsystemd-services: [a.service]\n", "a list of services");
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
    assert_refused(MIG("{devices: [-1], mig-enabled: false}"), "indexes from 0 to 1023");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb: 0}}"),
                   "all counts are 0; for MIG without instances write mig-devices: {}");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb: -1}}"),
                   "count from 0 to 4096");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb: 1.5}}"),
                   "count from 0 to 4096");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb: 99999}}"),
                   "count from 0 to 4096");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: 1g.5gb:3}"),
                   "a blank is missing behind the colon of \"1g.5gb:3\"");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb:3}}"),
                   "a blank is missing behind the colon of \"1g.5gb:3\"");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb: \"3\"}}"),
                   "must have a count from");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.5gb.shared: 3}}"),
                   "several containers use in turn");
    assert_refused(MIG("{devices: all, mig-enabled: maybe, mig-devices: {1g.5gb: 3}}"),
                   "must be true or false");
    assert_refused(MIG("{devices: all, mig-enabled: false, b: [{devices: all}]}"),
                   "mig-configs.a[0]: the label \"b\" is part of this entry");
    assert_refused(MIG("{devices: all, migenabled: true}"),
                   "mig-enabled: is missing; is \"migenabled\" meant to be it?");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {MIG 1g.5gb: 1}}"),
                   "did you mean \"1g.5gb\"?");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {3G.20GB: 1}}"),
                   "did you mean \"3g.20gb\"?");
    assert_refused(
        MIG("{devices: all, mig-enabled: true, mig-devices: {nvidia.com/mig-1c.3g.20gb: 1}}"),
        "did you mean \"1c.3g.20gb\"?");
    assert_refused(MIG("{devices: all, mig-enabled: true, mig-devices: {1g5gb: 1}}"),
                   "not a MIG profile");
    assert_refused(MIG("{device-filter: 0x20B0, devices: all, mig-enabled: false}"), "0x<device>");
    assert_refused(MIG("{devices: all, mig-enabled: false, colour: red}"), "colour");
    assert_refused("version: v1\nvgpu-configs: {a: [{devices: all}]}\n", "vgpu-devices");
}

/* YAML 1.1's words for true and false, which mig-parted's reader knows. */
static void a_word_for_true_is_true(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        bool on;
    } rows[] = {{"yes", true}, {"On", true}, {"y", true}, {"no", false}, {"OFF", false}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char yaml[256];
        (void)snprintf(yaml, sizeof(yaml), MIG("{devices: all, mig-enabled: %s, mig-devices: {}}"),
                       rows[i].word);
        CLEANUP(import_freep) struct import_file *file = file_of(yaml);
        assert_int_equal(file->labels.items[0].entries.items[0].mig_enabled, rows[i].on);
    }
}

static void a_count_of_zero_is_none(void **state)
{
    (void)state;
    CLEANUP(import_freep)
    struct import_file *file =
        file_of(MIG("{devices: all, mig-enabled: true, mig-devices: {1g.10gb: 0, 2g.20gb: 0, "
                    "3g.40gb: 2}}"));
    const struct import_entry *entry = &file->labels.items[0].entries.items[0];
    assert_int_equal(entry->items.n, 1);
    assert_string_equal(entry->items.items[0].name, "3g.40gb");
    assert_refused("version: v1\nvgpu-configs: {a: [{devices: all, vgpu-devices: {A40-8Q: 0}}]}\n",
                   "count from 1");
}

static void a_filter_that_matches_no_gpu_of_nvidia_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *in_message;
    } rows[] = {
        {"0x20B5", "did you mean \"0x20B510DE\"?"},
        {"20b5", "did you mean \"0x20B510DE\"?"},
        {"20B510DE", "did you mean \"0x20B510DE\"?"},
        {"0x10DE20B5", "did you mean \"0x20B510DE\"?"},
        {"10de:20b5", "did you mean \"0x20B510DE\"?"},
        {"0x20B51002", "matches no NVIDIA GPU"},
        {"0x20B510DE:0x1533", "did you mean"},
        {"A100", "matches no NVIDIA GPU"},
        {"0x", "matches no NVIDIA GPU"},
        {"0x000010DE", "matches no NVIDIA GPU"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char yaml[256];
        (void)snprintf(yaml, sizeof(yaml),
                       MIG("{device-filter: [\"%s\"], devices: all, mig-enabled: false}"),
                       rows[i].filter);
        assert_refused(yaml, rows[i].in_message);
    }
    CLEANUP(import_freep)
    struct import_file *file =
        file_of(MIG("{device-filter: \"\", devices: all, mig-enabled: false}"));
    assert_int_equal(file->labels.items[0].entries.items[0].filters.n, 0);
}

#define CONFIG(indent)                                                                             \
    indent "version: v1\n" indent "mig-configs:\n" indent                                          \
           "  a: [{devices: all, mig-enabled: false}]\n"

static void a_config_is_taken_out_of_what_it_came_in(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        size_t n_labels;
        const char *from;
    } rows[] = {
        {CONFIG(""), 1, ""},
        {"---\n" CONFIG("") "---\nkind: Pod\napiVersion: v1\n", 1, "document 1"},
        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  config.yaml: |\n" CONFIG(
             "    "),
         1, "data.config.yaml"},
        {"apiVersion: v1\nkind: ConfigMap\ndata:\n  run.sh: |\n    echo mig-configs\n  a.yaml: "
         "|\n" CONFIG("    ") "  b.yaml: |-\n" CONFIG("    "),
         2, "data.a.yaml"},
        {"migManager:\n  config:\n    create: true\n    data:\n      config.yaml: |-\n" CONFIG(
             "        "),
         1, "migManager.config.data.config.yaml"},
        {"gpu-operator:\n  migManager:\n    config:\n      data:\n        config.yaml:\n" CONFIG(
             "          "),
         1, "gpu-operator.migManager.config.data.config.yaml"},
        {"apiVersion: v1\nkind: List\nitems:\n  - kind: ConfigMap\n    data:\n      c: |\n" CONFIG(
             "        "),
         1, "items[0].data.c"},
        {"data: {c: '{\"version\": \"v1\", \"mig-configs\": {\"a\": [{\"devices\": \"all\", "
         "\"mig-enabled\": false}]}}'}\n",
         1, "data.c"},
        {"\xef\xbb\xbfversion: v1\r\nmig-configs:\r\n  a: [{devices: all, mig-enabled: false}]\r\n",
         1, ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(import_freep) struct import_file *file = file_of(rows[i].yaml);
        assert_int_equal(file->labels.n, rows[i].n_labels);
        assert_string_equal(file->labels.items[0].name, "a");
        assert_string_equal(file->labels.items[0].from, rows[i].from);
    }
}

static void a_file_without_a_config_says_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *in_message;
    } rows[] = {
        {"", "the file is empty"},
        {"# nothing\n", "the file is empty"},
        {"apiVersion: v1\nkind: ConfigMap\ndata: {}\n",
         "a Kubernetes ConfigMap without mig-configs or vgpu-configs in it"},
        {"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    - devices: all\n      mig-devices: "
         "{}\n",
         "data.a has entries without mig-configs and a label above them"},
        {"apiVersion: v1\nkind: ConfigMap\ndata:\n  any: |\n    sharing: {}\n",
         "data.any is a config of Kubernetes' device plugin"},
        {"apiVersion: v1\nkind: ConfigMap\ndata: {a: [], b: x}\n", "a Kubernetes ConfigMap"},
        {"apiVersion: nvidia.com/v1\nkind: ClusterPolicy\nspec: {}\n",
         "a Kubernetes ClusterPolicy"},
        {"data: {a: \"version: v1\\nmig-config: {a: []}\"}\n",
         "data.a.mig-config: unknown key; did you mean \"mig-configs\"?"},
        {"version: v1\nVGPU_Configs: {a: []}\n", "did you mean \"vgpu-configs\"?"},
        {"version: v1\nvgpu-configs: {a: [T4-8Q]}\n", "a type alone has no count"},
        {"version: v1\nmigConfigs: {}\n", "did you mean \"mig-configs\"?"},
        {"hello\n", "must be an object, not a string"},
        {"data: {config.yaml: \"mig-configs: [\"}\n", "not valid YAML"},
        {"data: {config.yaml: \"mig-configs: {}\"}\n", "version: is missing"},
        {"Version: v1\nmig-configs: {}\n", "version: is missing; is \"Version\" meant to be it?"},
        {"version: v1\nmig-configs: &a {}\n", "anchors (&name) are not supported"},
        {"version: v1\nmig-configs:\n\ta: []\n", "not valid YAML"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_refused(rows[i].yaml, rows[i].in_message);
    }
}

/* Files of Slurm, OpenStack and Proxmox VE, which are no YAML, by name. */
static void a_file_of_another_tool_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *in_message;
    } rows[] = {
        {"# a comment\nAutoDetect=nvml\nName=gpu Type=4g.24gb Count=1\n", "Slurm's gres.conf"},
        {"NodeName=n[1-2] Name=gpu Type=1g.6gb File=/dev/nvidia0\n", "Slurm's gres.conf"},
        {"[devices]\nenabled_mdev_types = nvidia-35, nvidia-36\n", "OpenStack's nova.conf"},
        {"bios: ovmf\nhostpci0: 0000:31:00.0,mdev=nvidia-47,pcie=1\n", "Proxmox VE's file"},
        {"version: v1\nmig-configs: [\n", "not valid YAML"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char path[] = "/tmp/import-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, rows[i].text, strlen(rows[i].text)), strlen(rows[i].text));
        (void)close(fd);
        struct import_file *file = NULL;
        struct error err = {.message = ""};
        assert_int_not_equal(import_read(path, &file, &err), 0);
        (void)unlink(path);
        if (strstr(err.message, rows[i].in_message) == NULL) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mig_file_is_read_label_by_label),
        cmocka_unit_test(a_vgpu_file_is_read),
        cmocka_unit_test(mig_enabled_without_devices_is_an_empty_gpu),
        cmocka_unit_test(a_file_of_another_shape_is_refused),
        cmocka_unit_test(an_entry_that_contradicts_itself_is_refused),
        cmocka_unit_test(a_word_for_true_is_true),
        cmocka_unit_test(a_count_of_zero_is_none),
        cmocka_unit_test(a_filter_that_matches_no_gpu_of_nvidia_is_refused),
        cmocka_unit_test(a_config_is_taken_out_of_what_it_came_in),
        cmocka_unit_test(a_file_without_a_config_says_what_it_is),
        cmocka_unit_test(a_file_of_another_tool_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
