/* SPDX-License-Identifier: Apache-2.0 */
/* What commands say while they follow what takes time, and what they ask meanwhile. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "answered.h"
#include "base/str.h"
#include "cli/follow.h"
#include "cli/view.h"

#define PLAN(state, one, two)                                                                      \
    "{\"id\":\"7d0f3c1e-1\",\"state\":\"" state                                                    \
    "\",\"steps\":[{\"text\":\"make a\",\"state\":\"" one                                          \
    "\"},{\"text\":\"make b\",\"state\":\"" two "\",\"problem\":\"slow\"}]}"
#define CHANGE(plan) "{\"plan\":" plan ",\"claims\":[]}"
#define MIGRATION(state, rest)                                                                     \
    "{\"migration\":{\"id\":\"m1\",\"state\":\"" state                                             \
    "\",\"target\":\"host-2\",\"request\":{\"vm\":\"a\"}" rest "}}"
#define ENDED ",\"finishedAt\":\"2026-01-02T03:04:05Z\""
#define DRAIN(state, one, two, rest)                                                               \
    "{\"drain\":{\"state\":\"" state "\"" rest ",\"vms\":[{\"vm\":\"a\",\"verdict\":\"migrate\","  \
    "\"target\":\"host-2\",\"step\":\"" one                                                        \
    "\"},{\"vm\":\"b\",\"verdict\":\"stop\",\"step\":\"" two "\"}]}}"
#define RESTORE(state, one, two)                                                                   \
    "{\"state\":\"" state "\",\"gpus\":[{\"gpu\":\"0000:41:00.0\",\"state\":\"" one                \
    "\"},{\"gpu\":\"0000:42:00.0\",\"state\":\"" two "\",\"problem\":\"late\"}]}"

#define OPERATION(state, done, rest)                                                               \
    "{\"operation\":{\"id\":\"o1\",\"text\":\"emptying the host\",\"state\":\"" state              \
    "\",\"progress\":{\"unit\":\"VMs\",\"done\":" done ",\"total\":2}" rest "}}"
#define WAITS                                                                                      \
    "{\"id\":\"7d0f3c1e-1\",\"state\":\"running\",\"problem\":\"waits for NVML\",\"steps\":[]}"

/* Interrupts: bit N for a Ctrl-C during call N. */
struct followed {
    const char *command;
    const char *answers[7];
    unsigned interrupts;
    const char *calls;
    const char *output;
};

static const struct followed rows[] = {
    {"claim delete a",
     {CHANGE(PLAN("running", "planned", "planned")), PLAN("running", "done", "planned"),
      PLAN("running", "done", "running"), PLAN("done", "done", "done"), NULL},
     0,
     "DELETE /v1/claims/a, GET /v1/plans/7d0f3c1e-1, GET /v1/plans/7d0f3c1e-1, "
     "GET /v1/plans/7d0f3c1e-1",
     "[1/2] done: make a\n[2/2] done: make b: slow\n2 steps done\n"},
    {"claim delete a",
     {CHANGE(PLAN("running", "planned", "planned")), PLAN("running", "done", "planned"), WAITS,
      NULL},
     0,
     "DELETE /v1/claims/a, GET /v1/plans/7d0f3c1e-1, GET /v1/plans/7d0f3c1e-1",
     "[1/2] done: make a\nerror: plan 7d0f3c1e waits for NVML\n"},
    {"claim delete a",
     {CHANGE(PLAN("running", "planned", "planned")), PLAN("undoing", "done", "undoing"),
      PLAN("undoing", "undoing", "failed"), PLAN("undone", "undone", "failed"), NULL},
     0,
     "DELETE /v1/claims/a, GET /v1/plans/7d0f3c1e-1, GET /v1/plans/7d0f3c1e-1, "
     "GET /v1/plans/7d0f3c1e-1",
     "[1/2] done: make a\n[2/2] failed: make b: slow\n[1/2] undone: make a\n"
     "error: the plan is undone: no reason was given\n"},
    {"claim delete a",
     {CHANGE(PLAN("running", "planned", "planned")), PLAN("undone", "undone", "failed"), NULL},
     0,
     "DELETE /v1/claims/a, GET /v1/plans/7d0f3c1e-1",
     "[2/2] failed: make b: slow\n[1/2] undone: make a\n"
     "error: the plan is undone: no reason was given\n"},
    {"claim delete a --no-wait",
     {CHANGE(PLAN("running", "planned", "planned")), NULL},
     0,
     "DELETE /v1/claims/a",
     "plan 7d0f3c1e-1 is running; `cleave plan show 7d0f3c1e-1` shows its progress\n"},
    {"vm migrate a qemu:///system",
     {MIGRATION("checking", ""), MIGRATION("checking", ""), MIGRATION("moving", ""),
      MIGRATION("moving", ",\"progress\":{\"remainingBytes\":1,\"totalBytes\":2}"),
      MIGRATION("done", ENDED), NULL},
     0,
     "POST /v1/migrations, GET /v1/migrations/m1, GET /v1/migrations/m1, GET /v1/migrations/m1, "
     "GET /v1/migrations/m1",
     "a: asking the target\na: moving\nVM a runs on host-2\nEstimate: none: the speed of the link "
     "is unknown; give it with --bandwidth\n"},
    {"vm migrate a qemu:///system",
     {MIGRATION("moving", ""), MIGRATION("moving", ""), MIGRATION("moving", ""),
      MIGRATION("aborting", ""), MIGRATION("cancelled", ENDED), NULL},
     1 << 1,
     "POST /v1/migrations, GET /v1/migrations/m1, DELETE /v1/migrations/m1, "
     "GET /v1/migrations/m1, GET /v1/migrations/m1",
     "a: moving\ncancelling; press Ctrl-C again to stop watching\na: going back\nerror: cancelled: "
     "VM \"a\" stays on this host\n"},
    {"vm migrate a qemu:///system",
     {MIGRATION("moving", ""), MIGRATION("moving", ""), MIGRATION("moving", ""), NULL},
     1 << 1 | 1 << 3,
     "POST /v1/migrations, GET /v1/migrations/m1, DELETE /v1/migrations/m1, "
     "GET /v1/migrations/m1",
     "a: moving\ncancelling; press Ctrl-C again to stop watching\nVM a is migrating (moving); "
     "`cleave migration show m1` shows the progress\n"},
    {"host drain",
     {DRAIN("running", "waiting", "waiting", ""), DRAIN("running", "moving", "waiting", ""),
      DRAIN("running", "moving", "stopping", ""), DRAIN("done", "gone", "gone", ENDED), NULL},
     0,
     "POST /v1/drain, GET /v1/drain, GET /v1/drain, GET /v1/drain",
     "VM a: moving to host-2\nVM b: stopping\nVM a: gone\nVM b: gone\n"
     "VM GPU VERDICT   TO     STATE WHY\n"
     "a  -   migrates  host-2 gone  -\n"
     "b  -   must stop -      gone  -\n"
     "\nThe drain is done. The host takes no new claims until `cleave host undrain`.\n"},
    {"host restore",
     {RESTORE("running", "waiting", "waiting"), RESTORE("running", "restoring", "waiting"),
      RESTORE("done", "restored", "restored"), NULL},
     0,
     "POST /v1/host/restore, GET /v1/host/restore, GET /v1/host/restore",
     "GPU 0000:41:00.0: waiting\nGPU 0000:42:00.0: waiting: late\n"
     "GPU 0000:41:00.0: restoring\n"
     "GPU 0000:41:00.0: restored\nGPU 0000:42:00.0: restored: late\n"
     "CLAIM GPU          STATE      PROBLEM\n"
     "-     0000:42:00.0 incomplete late\n"},
    {"operation watch o1",
     {OPERATION("running", "0", ""), OPERATION("running", "0", ""), OPERATION("running", "1", ""),
      OPERATION("done", "2", ENDED), NULL},
     0,
     "GET /v1/operations/o1, GET /v1/operations/o1, GET /v1/operations/o1, GET /v1/operations/o1",
     "emptying the host: running, 0/2 VMs\nemptying the host: running, 1/2 VMs\n"
     "emptying the host: done, 2/2 VMs\nemptying the host: done\n"},
    {"operation watch o1",
     {OPERATION("failed", "1", ENDED ",\"problem\":\"1 of 2 VMs stay on this host\""), NULL},
     0,
     "GET /v1/operations/o1",
     "emptying the host: failed, 1/2 VMs (1 of 2 VMs stay on this host)\nerror: emptying the host: "
     "failed: 1 of 2 VMs stay on this host\n"},
    {"operation cancel o1",
     {OPERATION("cancelling", "1", ""), NULL},
     0,
     "POST /v1/operations/o1/cancel",
     "emptying the host: cancelling\n`cleave operation watch o1` follows it\n"},
    {"plan cancel p1",
     {"{\"operation\":{\"text\":\"claim create a\",\"state\":\"cancelling\"},"
      "\"undoes\":[\"unmake b\",\"unmake a\"]}",
      NULL},
     0,
     "POST /v1/operations/p1/cancel",
     "claim create a: cancelling\nwhat is done is undone, in this order:\n    unmake b\n"
     "    unmake a\n`cleave operation watch p1` follows it\n"},
    {"plan cancel p1 --dry-run",
     {"{\"operation\":{\"text\":\"claim create a\",\"state\":\"running\"},\"undoes\":[]}", NULL},
     0,
     "POST /v1/operations/p1/cancel?dryRun=true",
     "claim create a: would be cancelled\nno step of it was begun: there is nothing to undo\n"
     "\nDry run: nothing was changed.\n"},
    {"claim delete a",
     {CHANGE(PLAN("running", "planned", "planned")),
      "{\"id\":\"p1\",\"state\":\"cancelled\",\"problem\":\"cancelled by root\",\"steps\":[]}",
      NULL},
     0,
     "DELETE /v1/claims/a, GET /v1/plans/7d0f3c1e-1",
     "error: the plan is cancelled, and what it did is undone: cancelled by root\n"},
};

static void answer_by(const struct followed *row)
{
    answers = row->answers;
    answered_interrupts = row->interrupts;
    answered_n_calls = 0;
    answered_calls[0] = '\0';
}

static void each_change_of_what_is_followed_is_reported_once(void **state)
{
    (void)state;
    (void)setenv("COLUMNS", "200", 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        answer_by(&rows[i]);
        CLEANUP_FREE char *text = answered_output(rows[i].command, ANSWERED_BOTH);
        if (!str_eq(text, rows[i].output) || !str_eq(answered_calls, rows[i].calls)) {
            fail_msg("row %zu, %s:\n%s\n%s", i, rows[i].command, answered_calls, text);
        }
    }
}

/* What a terminal of 40 columns is sent on standard error; the caller frees. */
static char *terminal_output(const char *command)
{
    int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(ours >= 0 && grantpt(ours) == 0 && unlockpt(ours) == 0);
    int theirs = open(ptsname(ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    const struct winsize size = {.ws_row = 24, .ws_col = 40};
    assert_true(theirs >= 0 && ioctl(ours, TIOCSWINSZ, &size) == 0);
    (void)unsetenv("COLUMNS");
    int kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(theirs, STDERR_FILENO), STDERR_FILENO);
    CLEANUP_FREE char *ignored = answered_output(command, ANSWERED_STDOUT);
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
    char *text = xcalloc(4096, 1);
    close(theirs);
    size_t len = 0;
    for (ssize_t n = 1; n > 0; len += n > 0 ? (size_t)n : 0) { /* then EIO: all is read */
        n = read(ours, text + len, 4095 - len);
    }
    close(ours);
    return text;
}

#define CLEARED "\r\033[K"

static void a_terminal_has_one_line_that_moves_and_is_cleared(void **state)
{
    (void)state;
    static const struct followed migrated = {
        .command = "vm migrate a qemu:///system",
        .answers = {MIGRATION("checking", ""),
                    MIGRATION("moving", ",\"progress\":{\"remainingBytes\":1,\"totalBytes\":2}"),
                    MIGRATION("done", ENDED), NULL},
    };
    answer_by(&migrated);
    CLEANUP_FREE char *bar = terminal_output(migrated.command);
    assert_string_equal(bar, CLEARED "a: asking the target" CLEARED
                                     "a: moving [############............] 0 " CLEARED);
    answer_by(&rows[0]);
    CLEANUP_FREE char *steps = terminal_output(rows[0].command);
    assert_string_equal(steps, CLEARED "[0/2] make a" CLEARED "[1/2] make b" CLEARED
                                       "[1/2] make b" CLEARED "[2/2] make b" CLEARED);
}

/* ---- what has a state at one URL ---- */

#define WORK(state, done)                                                                          \
    "{\"work\":{\"state\":\"" state "\",\"progress\":{\"text\":\"" done " of 2 copied\"}}}"

static bool work_is_over(const json_t *work)
{
    return !str_eq(view_text(work, "state", ""), "running");
}

static void draw_work(const json_t *work, struct strbuf *out)
{
    strbuf_add(out, view_text(work, "progress.text", ""));
}

static void report_work(const json_t *work, json_t *seen)
{
    const char *text = view_text(work, "progress.text", "");
    if (!str_eq(view_text(seen, "text", NULL), text)) {
        print_message("# %s\n", text);
        json_object_set_new(seen, "text", json_string(text));
    }
}

static void what_has_a_state_at_one_url_is_followed_and_cancelled(void **state)
{
    (void)state;
    static const struct followed work = {
        .answers = {WORK("running", "0"), WORK("running", "1"), WORK("cancelled", "1"), NULL},
        .interrupts = 1 << 0,
    };
    const struct follow follow = {.url = "/v1/operations/1",
                                  .path = "work",
                                  .ended = work_is_over,
                                  .draw = draw_work,
                                  .report = report_work,
                                  .interrupt = {"", "POST", "/v1/operations/1/cancel"}};
    struct cli cli = {.socket = "/nowhere"};
    struct error err = {0};
    CLEANUP_JSON json_t *answered = NULL;
    assert_int_equal(json_read(work.answers[0], strlen(work.answers[0]), "", &answered, &err), 0);
    answer_by(&work);
    assert_int_equal(follow_run(&cli, &follow, &answered, &err), 0);
    assert_string_equal(answered_calls,
                        "GET /v1/operations/1, POST /v1/operations/1/cancel, GET /v1/operations/1");
    assert_string_equal(view_text(answered, "work.state", ""), "cancelled");
    client_free(cli.client);
    wait_notice_free(cli.wait_notice);
}

#define LONG_ID "7d0f3c1e-0000-4000-8000-0000000000d1"
#define LONG_PLAN "{\"id\":\"" LONG_ID "\",\"state\":\"running\",\"steps\":[]}"

/* What a command of which a Ctrl-C leaves the rest to itself says in its child, at that. */
static void read_last_words(const struct followed *row, char *ret_text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct error err = {0};
        (void)dup2(ends[1], STDERR_FILENO);
        answer_by(row);
        (void)answered_run(row->command, &err);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < size - 1; len += n > 0 ? (size_t)n : 0) {
        n = read(ends[0], ret_text + len, size - 1 - len);
    }
    ret_text[len] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 130);
}

static void an_interrupt_says_what_goes_on_and_how_to_end_it(void **state)
{
    (void)state;
    static const struct followed left[] = {
        {.command = "host drain",
         .answers = {DRAIN("running", "waiting", "waiting", ""), NULL},
         .interrupts = 1 << 2,
         .output = "\nthe drain continues; `cleave host drain --cancel` ends it\n"},
        {.command = "claim delete a",
         .answers = {CHANGE(LONG_PLAN), LONG_PLAN, LONG_PLAN, NULL},
         .interrupts = 1 << 1,
         .output = "\nthe plan continues\nto follow it: `cleave operation watch " LONG_ID "`\n"
                   "to undo it:   `cleave plan cancel " LONG_ID "`\n"},
        {.command = "operation watch " LONG_ID,
         .answers = {OPERATION("running", "0", ""), OPERATION("running", "0", ""), NULL},
         .interrupts = 1 << 1,
         .output = "emptying the host: running, 0/2 VMs\n\nthe operation continues; to end it:\n"
                   "`cleave operation cancel " LONG_ID "`\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        char text[512];
        read_last_words(&left[i], text, sizeof(text));
        assert_string_equal(text, left[i].output);
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
            assert_in_range(strcspn(line, "\n"), 0, 80);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_has_one_line_that_moves_and_is_cleared),
        cmocka_unit_test(an_interrupt_says_what_goes_on_and_how_to_end_it),
        cmocka_unit_test(what_has_a_state_at_one_url_is_followed_and_cancelled),
        cmocka_unit_test(each_change_of_what_is_followed_is_reported_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
