/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "daemon/settings_docs.h"
#include "test.h"

#define ARGS(...)                                                                                  \
    (char *[])                                                                                     \
    {                                                                                              \
        "cleaved", __VA_ARGS__                                                                     \
    }

static char path[64];

static int write_config(const char *text)
{
    snprintf(path, sizeof(path), "/tmp/cleaved-%d.yaml", (int)getpid());
    return fs_write_atomic(path, text, strlen(text));
}

static int remove_config(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void the_command_line_wins_over_the_file_and_the_file_over_the_defaults(void **state)
{
    (void)state;
    struct settings settings;
    enum settings_action action = SETTINGS_HELP;
    assert_int_equal(write_config("socket: /tmp/a.sock\nstateDir: /tmp/a\nobservePeriod: 5\n"), 0);
    char **argv = ARGS("--socket", "/tmp/b.sock", "--config", path);
    assert_int_equal(settings_read(5, argv, &settings, &action, NULL), 0);
    assert_int_equal(action, SETTINGS_RUN);
    assert_string_equal(settings.socket, "/tmp/b.sock");
    assert_string_equal(settings.state_dir, "/tmp/a");
    assert_string_equal(settings.libvirt_uri, "qemu:///system");
    assert_int_equal(settings.observe_period_s, 5);
    assert_string_equal(settings.listen, "");
}

static void an_unknown_key_names_the_nearest(void **state)
{
    (void)state;
    struct settings settings;
    enum settings_action action = SETTINGS_RUN;
    struct error err = {0};
    assert_int_equal(write_config("sokcet: /tmp/a.sock\n"), 0);
    assert_int_equal(settings_read(3, ARGS("--config", path), &settings, &action, &err),
                     -REASON_INVALID);
    assert_non_null(strstr(err.message, "socket"));
}

static void an_error_in_the_file_names_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line; /* line "": none is known */
    } rows[] = {
        {"socket: /tmp/a.sock\n\nvmGrace: soon\n", ":3: "},
        {"socket: /tmp/a.sock\nvmGrace: 99999999\n", ":2: "},
        {"# a\nlogLevel: loud\n", ":2: "},
        {"socket: /tmp/a.sock\nsokcet: /tmp/a.sock\n", ":2: "},
        {"allowedHosts: ' '\n", ":1: "},
        {"- 1\n", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct settings settings;
        enum settings_action action = SETTINGS_RUN;
        struct error err = {0};
        char place[96];
        assert_int_equal(write_config(rows[i].text), 0);
        assert_int_equal(settings_read(3, ARGS("--config", path), &settings, &action, &err),
                         -REASON_INVALID);
        snprintf(place, sizeof(place), "%s%s", path, rows[i].line);
        if (strstr(err.message, place) == NULL) {
            fail_msg("%s: %s", rows[i].text, err.message);
        }
    }
}

/* Each setting is documented, and the example is one that can be read. */
static void documents_have_every_setting(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf daemon = {0};
    CLEANUP_STRBUF struct strbuf file = {0};
    CLEANUP_STRBUF struct strbuf example = {0};
    settings_docs_daemon(&daemon);
    settings_docs_file(&file);
    settings_docs_example(&example);
    struct setting_text setting;
    for (size_t i = 0; settings_text(i, &setting); i++) {
        char term[64];
        snprintf(term, sizeof(term), ".B %s\n", setting.key);
        assert_non_null(strstr(strbuf_str(&file), term));
        snprintf(term, sizeof(term), "\n#%s: ", setting.key);
        assert_non_null(strstr(strbuf_str(&example), term));
        assert_non_null(strstr(strbuf_str(&daemon), setting.operand));
    }
    /* As it is when each sign in front of a setting was removed. */
    CLEANUP_FREE char *text = xstrdup(strbuf_str(&example));
    for (char *at = strstr(text, "\n#"); at != NULL; at = strstr(at + 1, "\n#")) {
        at[1] = at[2] == ' ' ? '#' : ' ';
    }
    for (char *at = strstr(text, "\n "); at != NULL; at = strstr(at + 1, "\n ")) {
        memmove(at + 1, at + 2, strlen(at + 2) + 1);
    }
    struct settings settings;
    enum settings_action action = SETTINGS_HELP;
    struct error err = {0};
    assert_int_equal(write_config(text), 0);
    if (settings_read(3, ARGS("--config", path), &settings, &action, &err) != 0) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(settings.vm_grace_s, 60);
}

static void an_unknown_option_names_the_nearest(void **state)
{
    (void)state;
    struct settings settings;
    enum settings_action action = SETTINGS_RUN;
    struct error err = {0};
    assert_int_equal(settings_read(3, ARGS("--stat-dir", "x"), &settings, &action, &err),
                     -REASON_INVALID);
    assert_string_equal(err.hint, "did you mean --state-dir?");
}

static void bad_values_are_refused(void **state)
{
    (void)state;
    struct settings settings;
    enum settings_action action = SETTINGS_RUN;
    struct error err = {0};
    assert_int_equal(settings_read(2, ARGS("--socket"), &settings, &action, &err), -REASON_INVALID);
    assert_int_equal(settings_read(3, ARGS("--observe-period", "-1"), &settings, &action, &err),
                     -REASON_INVALID);
    assert_int_equal(settings_read(3, ARGS("--allowed-hosts", "a lan"), &settings, &action, &err),
                     -REASON_INVALID);
    assert_int_equal(settings_read(3, ARGS("--log-level", "loud"), &settings, &action, &err),
                     -REASON_INVALID);
    assert_int_equal(
        settings_read(3, ARGS("--config", "/nonexistent.yaml"), &settings, &action, &err),
        -REASON_NOT_FOUND);
}

static void vendors_are_a_list_of_pci_ids(void **state)
{
    (void)state;
    struct settings settings;
    enum settings_action action = SETTINGS_RUN;
    char **argv = ARGS("--passthrough-vendors", "1002,8086");
    assert_int_equal(settings_read(3, argv, &settings, &action, NULL), 0);
    assert_int_equal(settings.passthrough_vendors.n, 2);
    assert_true(pci_vendors_have(&settings.passthrough_vendors, 0x8086));
    assert_false(pci_vendors_have(&settings.passthrough_vendors, 0x10de));
    static char *const bad[] = {"amd",
                                "1002,",
                                ",1002",
                                "0x1002",
                                "10022",
                                "1002 8086",
                                "1,2,3,4,5,6,7,8,9",
                                "0001,0002,0003,0004,0005,0006,0007,0008,0009"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        argv = ARGS("--passthrough-vendors", bad[i]);
        assert_int_equal(settings_read(3, argv, &settings, &action, NULL), -REASON_INVALID);
    }
}

static void help_names_every_option(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf text = {0};
    settings_help(&text);
    assert_non_null(strstr(strbuf_str(&text), "--libvirt-uri URI"));
    assert_non_null(strstr(strbuf_str(&text), "[/var/lib/cleave]"));
    CLEANUP_FREE char *copy = xstrdup(strbuf_str(&text));
    char *rest = copy;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (strlen(line) > 80 + strlen("…") - 1) {
            fail_msg("%s", line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            the_command_line_wins_over_the_file_and_the_file_over_the_defaults, remove_config),
        cmocka_unit_test_teardown(an_unknown_key_names_the_nearest, remove_config),
        cmocka_unit_test_teardown(an_error_in_the_file_names_its_line, remove_config),
        cmocka_unit_test_teardown(documents_have_every_setting, remove_config),
        cmocka_unit_test(an_unknown_option_names_the_nearest),
        cmocka_unit_test(bad_values_are_refused),
        cmocka_unit_test(vendors_are_a_list_of_pci_ids),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
