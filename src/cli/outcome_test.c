/* SPDX-License-Identifier: Apache-2.0 */
/* How commands end: a dry run whose answer is no ends as its run does, and hints at what helps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answered.h"

#define DRAIN(state, stop, verdict)                                                                \
    "{\"drain\":{\"state\":\"" state "\",\"stop\":" stop ",\"finishedAt\":\"2026-01-02T03:04:05Z"  \
    "\",\"vms\":[{\"vm\":\"a\",\"verdict\":\"migrate\"},{\"vm\":\"b\",\"verdict\":\"" verdict      \
    "\"}]}}"
#define RESTORE(state, claim)                                                                      \
    "{\"state\":\"" state "\",\"gpus\":[{\"gpu\":\"0000:41:00.0\",\"state\":\"" state              \
    "\",\"claims\":[{\"name\":\"a\",\"state\":\"" claim "\"}]}]}"
#define MIGRATION(state, result)                                                                   \
    "{\"migration\":{\"state\":\"" state "\",\"finishedAt\":\"2026-01-02T03:04:05Z\",\"request\":" \
    "{\"vm\":\"a\"},\"checks\":[{\"result\":\"" result "\",\"message\":\"no\"}]}}"

struct outcome {
    const char *command;
    const char *reply;
    enum reason reason;
    const char *hint;
    const char *no_hint; /* a word that is not in it; NULL: none is asked for */
};

static const struct outcome outcomes[] = {
    {"host drain --dry-run", DRAIN("planning", "false", "migrate"), REASON_NONE, "", NULL},
    {"host drain --dry-run --stop", DRAIN("planning", "true", "stop"), REASON_NONE, "", NULL},
    {"host drain --dry-run", DRAIN("planning", "false", "stay"), REASON_CONFLICT, "--stop", NULL},
    {"host drain --dry-run -o json", DRAIN("planning", "false", "stay"), REASON_CONFLICT, "--stop",
     NULL},
    {"host drain --dry-run --stop", DRAIN("planning", "true", "stay"), REASON_CONFLICT,
     "cleave vm stop", "--stop"},
    {"host drain --dry-run --cancel", DRAIN("running", "false", "stay"), REASON_NONE, "", NULL},
    {"host drain", DRAIN("done", "false", "migrate"), REASON_NONE, "", NULL},
    {"host drain", DRAIN("incomplete", "false", "stay"), REASON_CONFLICT, "--stop", NULL},
    {"host drain --stop", DRAIN("incomplete", "true", "stay"), REASON_CONFLICT, "cleave vm stop",
     "--stop"},
    {"host drain", DRAIN("incomplete", "false", "migrate"), REASON_CONFLICT, "cleave vm stop",
     "--stop"}, /* its migration failed */
    {"host drain --status", DRAIN("incomplete", "false", "stay"), REASON_NONE, "", NULL},
    {"host restore --dry-run", RESTORE("planned", "planned"), REASON_NONE, "", NULL},
    {"host restore --dry-run", RESTORE("planned", "blocked"), REASON_DRIVER, "", NULL},
    {"host restore", RESTORE("incomplete", "blocked"), REASON_DRIVER, "", NULL},
    {"vm migrate a qemu:///system --dry-run", MIGRATION("checking", "ok"), REASON_NONE, "", NULL},
    {"vm migrate a qemu:///system --dry-run", MIGRATION("checking", "failed"), REASON_RULE, "",
     NULL},
    {"vm migrate a qemu:///system --dry-run -o json", MIGRATION("checking", "failed"), REASON_RULE,
     "", NULL},
};

/* The test's own output is read by line, so the command's goes elsewhere. */
static void run_line(const char *command, struct error *err)
{
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    assert_non_null(freopen("/dev/null", "w", stdout));
    int r = answered_run(command, err);
    (void)fflush(stdout);
    assert_int_equal(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    close(kept);
    assert_int_equal(r == 0, err->reason == REASON_NONE);
}

static void a_dry_run_ends_as_its_run_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        const struct outcome *row = &outcomes[i];
        struct error err = {0};
        answer = row->reply;
        run_line(row->command, &err);
        if (err.reason != row->reason || strstr(err.hint, row->hint) == NULL ||
            (row->no_hint != NULL && strstr(err.hint, row->no_hint) != NULL)) {
            fail_msg("row %zu, %s: reason %d, \"%s\", hint \"%s\"", i, row->command,
                     (int)err.reason, err.message, err.hint);
        }
    }
}

/* VM b is off, and a plan deletes the vGPU that its definition names. */
#define UUID "4b20d080-1b54-4048-85b3-a6a62d165c01"
#define BARRED(mdev)                                                                               \
    "{\"plan\":{\"id\":\"p\",\"state\":\"done\",\"steps\":[{\"state\":\"done\",\"text\":\"delete " \
    "vGPU T4-1A\"}],\"bars\":[{\"vm\":\"b\",\"device\":\"0000:41:00.5\",\"mdevUuid\":" mdev        \
    "}]},\"claims\":[]}"

static void a_run_names_the_vms_that_its_dry_run_names(void **state)
{
    (void)state;
    static const struct {
        const char *line, *answer, *device;
    } runs[] = {
        {"gpu mode 0 idle", BARRED("null"), "0000:41:00.5"},
        {"gpu mode 0 idle --dry-run", BARRED("null"), "0000:41:00.5"},
        {"gpu mode 0 idle", BARRED("\"" UUID "\""), UUID},
        {"gpu mode 0 idle --dry-run", BARRED("\"" UUID "\""), UUID},
    };
    (void)setenv("COLUMNS", "200", 1);
    for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
        char wanted[160];
        snprintf(wanted, sizeof(wanted),
                 "VM b could not start any more: its definition names %s, for no claim",
                 runs[i].device);
        answer = runs[i].answer;
        CLEANUP_FREE char *text = answered_output(runs[i].line, ANSWERED_BOTH);
        if (strstr(text, wanted) == NULL) {
            fail_msg("run %zu, %s: %s", i, runs[i].line, text);
        }
    }
    (void)unsetenv("COLUMNS");
}

static void a_file_of_another_tool_is_called_so(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tool;
    } files[] = {
        {"version: v1\nmig-configs:\n  node1:\n  - devices: [1]\n    mig-enabled: true\n    "
         "mig-devices: {1g.6gb: 4}\n",
         "mig-parted"},
        {"version: v1\nvgpu-configs:\n  c:\n  - devices: all\n    vgpu-devices: {A10-4Q: 3}\n",
         "vgpu-device-manager"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char path[] = "/tmp/apply-XXXXXX.yaml";
        int fd = mkstemps(path, 5);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, files[i].text, strlen(files[i].text)),
                         (ssize_t)strlen(files[i].text));
        close(fd);
        CLEANUP_FREE char *line = xasprintf("apply -f %s", path);
        struct error err = {0};
        run_line(line, &err);
        unlink(path);
        assert_int_equal(err.reason, REASON_INVALID);
        assert_non_null(strstr(err.message, files[i].tool));
        assert_non_null(strstr(err.hint, "cleave layout check"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_run_ends_as_its_run_does),
        cmocka_unit_test(a_run_names_the_vms_that_its_dry_run_names),
        cmocka_unit_test(a_file_of_another_tool_is_called_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
