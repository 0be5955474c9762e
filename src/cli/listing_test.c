/* SPDX-License-Identifier: Apache-2.0 */
/* What every command that lists prints for canned answers, byte for byte: at 80 columns, at 60, and
 * into a pipe. CLEAVE_GOLDEN=write writes test/golden/listings.txt again. */
#include <locale.h>
#include <stdlib.h>

#include "answered.h"
#include "base/fs.h"
#include "base/str.h"
#include "listings.h"

#define GOLDEN "test/golden/listings.txt"
#define MAX_GOLDEN (1024 * 1024)

/* Answers that lack what another one has: nothing at all, elements without fields, several of a
 * kind. */
static const struct listing_answer more_answers[] = {
    {"gpu list", "{}", NULL},
    {"claim list", "{}", NULL},
    {"claim list --released", "{}", NULL},
    {"plan list", "{}", NULL},
    {"vm list", "{}", NULL},
    {"profile list", "{}", NULL},
    {"event list", "{}", NULL},
    {"rule list", "{}", NULL},
    {"migration list", "{}", NULL},
    {"operation list", "{}", NULL},
    {"operation list --all",
     "{\"operations\":[{},{\"id\":\"1\",\"progress\":{\"unit\":\"steps\","
     "\"done\":1,\"total\":2}},{\"id\":\"2\",\"progress\":{\"unit\":\"bytes\",\"total\":0}}]}",
     NULL},
    {"host drain --status", "{}", NULL},
    {"host restore --dry-run", "{}", NULL},
    {"gc --dry-run", "{}", NULL},
    {"gpu list",
     "{\"gpus\":[{},{\"address\":\"0000:42:00.0\",\"model\":\"l40s\",\"index\":null,\"memory\":"
     "{\"totalBytes\":51539607552,\"usedBytes\":null},\"gpuInstances\":null,\"vgpus\":[],"
     "\"quarantine\":{\"reason\":\"Xid 79\"}},{\"address\":\"0000:43:00.0\",\"gpuInstances\":[1,2],"
     "\"cordoned\":{\"by\":\"root\"}},{\"address\":\"0000:45:00.0\",\"model\":\"l40s\",\"mode\":"
     "\"idle\",\"driver\":null,\"problem\":\"no driver has "
     "it; `cleave gpu mode 0000:45:00.0 idle` binds it to "
     "nvidia\"},{\"address\":\"0000:46:00.0\",\"model\":\"l40s\",\"mode\":\"idle\","
     "\"driver\":\"nouveau\",\"problem\":\"driver nouveau has "
     "it; see `cleave gpu show "
     "0000:46:00.0`\"},{\"address\":\"0000:47:00.0\",\"model\":\"l40s\",\"mode\":"
     "\"passthrough\",\"driver\":\"vfio-pci\"},{\"address\":\"0000:48:00.0\",\"model\":\"l40s\","
     "\"mode\":\"idle\",\"driver\":\"nvidia\"},{\"address\":\"0000:44:00.0\",\"problem\":\"it is "
     "lost\","
     "\"quarantine\":{}}]}",
     NULL},
    {"claim list",
     "{\"claims\":[{},{\"name\":\"a\",\"profile\":\"2g.10gb\",\"reserved\":{\"device\":"
     "\"0000:41:00.4\",\"mdevUuid\":\"" UUID "\"}},{\"name\":\"b\",\"reserved\":{\"device\":"
     "\"0000:41:00.5\"}},{\"name\":\"c\",\"type\":\"NVIDIA L40S-8Q\",\"assigned\":{\"device\":"
     "\"0000:41:00.6\",\"mdevUuid\":null},\"reserved\":{\"mdevUuid\":\"" UUID "\"}}]}",
     NULL},
    {"claim list --released", "{\"released\":[{},{\"claim\":{\"name\":\"a\"}}]}", NULL},
    {"plan list",
     "{\"plans\":[{},{\"id\":\"" UUID "\",\"steps\":[{\"state\":\"done\"},{\"state\":\"running\"},"
     "{\"state\":\"planned\"}]}]}",
     NULL},
    {"vm list",
     "{\"vms\":[{\"name\":\"a\",\"state\":\"running\",\"vcpus\":2,\"memoryKib\":1572864,"
     "\"devices\":[]},{\"name\":\"b\",\"memoryKib\":524288,\"devices\":[{},{\"address\":"
     "\"0000:41:00.5\",\"mdevUuid\":\"" UUID "\"}]}]}",
     NULL},
    {"profile list",
     "{\"profiles\":[{},{\"name\":\"1g.5gb\",\"memoryMib\":4864,\"remaining\":null,"
     "\"placements\":[{\"start\":0}]}],\"types\":[{},{\"name\":\"a\",\"migBacked\":true},"
     "{\"name\":\"b\",\"migBacked\":true,\"profile\":\"1g.5gb\",\"framebufferMib\":512}]}",
     NULL},
    {"profile list", "{\"profiles\":[{\"name\":\"1g.5gb\"}]}", NULL},
    {"event list", "{\"events\":[{},{\"seq\":1,\"kind\":\"boot\",\"message\":\"the host\"}]}",
     NULL},
    {"rule list", "{\"rules\":[{},{\"id\":\"a\"}]}", NULL},
    {"migration list",
     "{\"migrations\":[{\"request\":{}},{\"id\":\"1\",\"target\":\"host-2\",\"request\":{\"vm\":"
     "\"a\",\"destination\":\"qemu+ssh://host-3/system\"},\"state\":\"done\",\"problem\":null}],"
     "\"incoming\":[{},{\"id\":\"2\",\"vm\":\"b\",\"host\":\"host-4\",\"problem\":\"" PROBLEM
     "\"}]}",
     NULL},
    {"host drain --status",
     "{\"drain\":{\"state\":\"running\",\"vms\":[{},{\"vm\":\"a\",\"verdict\":\"migrate\","
     "\"devices\":\"L40S-8Q on 0000:41:00.0\",\"target\":\"host-2\",\"step\":\"moving\","
     "\"totalBytes\":200,\"processedBytes\":50,\"estimateMs\":1500},{\"vm\":\"b\",\"verdict\":"
     "\"stop\",\"step\":\"gone\",\"downtimeMs\":250,\"why\":\"it has a whole GPU\"},{\"vm\":\"c\","
     "\"verdict\":\"stay\",\"step\":\"moving\",\"totalBytes\":5,\"processedBytes\":9,\"why\":\"w\","
     "\"problem\":\"it failed\"}]}}",
     NULL},
    {"host drain --dry-run",
     "{\"drain\":{\"state\":\"planning\",\"vms\":[{\"vm\":\"a\",\"verdict\":\"stay\"}]}}", NULL},
    {"host restore --dry-run",
     "{\"state\":\"planned\",\"gpus\":[{\"gpu\":\"0000:41:00.0\",\"claims\":[{},{\"name\":\"a\","
     "\"state\":\"blocked\",\"problem\":\"" PROBLEM "\"}]},{\"gpu\":\"0000:42:00.0\",\"problem\":"
     "\"it is busy\"},{\"gpu\":\"0000:43:00.0\"}],\"absent\":[{\"name\":\"b\",\"problem\":"
     "\"its GPU is not there\"}]}",
     NULL},
    {"plan show x",
     "{\"id\":\"1\",\"steps\":[{},{\"state\":\"done\",\"text\":\"make it\"}],\"instances\":[{},{"
     "\"gpu\":\"0000:41:00.0\",\"profile\":\"1g.5gb\",\"start\":4,\"size\":1,\"what\":\"kept\"}]}",
     NULL},
    {"gpu show 0000:46:00.0",
     "{\"address\":\"0000:46:00.0\",\"model\":\"l40s\",\"mode\":\"idle\",\"driver\":\"nouveau\","
     "\"problem\":\"driver nouveau has it; see `cleave gpu show 0000:46:00.0`\"}",
     NULL},
    {"migration show x",
     "{\"migration\":{\"checks\":[{\"result\":\"ok\",\"rule\":\"a\"},{\"result\":\"warning\"},"
     "{\"result\":\"failed\",\"message\":\"no\"}]}}",
     NULL},
    {"vm migrate x qemu:///system",
     "{\"migration\":{\"state\":\"failed\",\"target\":\"host-2\",\"finishedAt\":\"" TIME
     "\",\"checks\":[{\"result\":\"ok\",\"rule\":\"a\"},{\"result\":\"warning\",\"rule\":\"b\"}]}}",
     NULL},
};

static void add_output(const struct listing_answer *row, const char *columns, struct strbuf *out)
{
    answer = row->reply;
    if (columns == NULL) {
        unsetenv("COLUMNS");
    } else {
        setenv("COLUMNS", columns, 1);
    }
    CLEANUP_FREE char *text = answered_output(row->command, ANSWERED_BOTH);
    strbuf_addf(out, "$ cleave %s # %s\n%s\n", row->command, columns == NULL ? "piped" : columns,
                text);
}

static void add_outputs(const struct listing_answer *rows, size_t n, struct strbuf *out)
{
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(out, "# %s\n", rows[i].reply);
        add_output(&rows[i], NULL, out);
        add_output(&rows[i], "80", out);
        add_output(&rows[i], "60", out);
    }
}

/* Points out the first line in which two texts differ. */
static void assert_same_lines(const char *got, const char *wanted)
{
    size_t line = 1;
    while (*got != '\0' && *wanted != '\0') {
        size_t n = strcspn(got, "\n");
        size_t m = strcspn(wanted, "\n");
        if (n != m || strncmp(got, wanted, n) != 0) {
            break;
        }
        got += n + (got[n] == '\n' ? 1 : 0);
        wanted += m + (wanted[m] == '\n' ? 1 : 0);
        line++;
    }
    if (!str_eq(got, wanted)) {
        fail_msg(GOLDEN ":%zu: \"%.*s\", not \"%.*s\"", line, (int)strcspn(got, "\n"), got,
                 (int)strcspn(wanted, "\n"), wanted);
    }
}

static void every_listing_is_as_reviewed(void **state)
{
    (void)state;
    CLEANUP_FREE char *path = xasprintf("%s/" GOLDEN, getenv("CLEAVE_SOURCE"));
    CLEANUP_STRBUF struct strbuf got = {0};
    add_outputs(listing_answers, ARRAY_SIZE(listing_answers), &got);
    add_outputs(more_answers, ARRAY_SIZE(more_answers), &got);
    if (str_eq(getenv("CLEAVE_GOLDEN"), "write")) {
        assert_int_equal(fs_write_atomic(path, strbuf_str(&got), got.len), 0);
    }
    CLEANUP_FREE char *wanted = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(path, MAX_GOLDEN, &wanted, &len), 0);
    assert_same_lines(strbuf_str(&got), wanted);
}

/* A command that lists has an answer here, so that its output is reviewed. */
static void no_command_that_lists_is_left_out(void **state)
{
    (void)state;
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        bool found = !str_eq(commands_at(i)->name, "list");
        for (size_t k = 0; !found && k < ARRAY_SIZE(listing_answers); k++) {
            CLEANUP_FREE char *command = xasprintf("%s list", commands_at(i)->object);
            found = str_eq(listing_answers[k].command, command);
        }
        if (!found) {
            fail_msg("no answer for %s list", commands_at(i)->object);
        }
    }
}

int main(void)
{
    (void)setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_listing_is_as_reviewed),
        cmocka_unit_test(no_command_that_lists_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
