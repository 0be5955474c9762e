/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process is killed (SIGKILL) before or after the k-th call of a port or of the store, for
 * every k; the host is a file that outlives it, the store is SQLite. The next start finishes the
 * plan or undoes it, even if it is killed itself on the way. Likewise while a plan is cancelled:
 * once that was accepted, no death makes the plan go forward again.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "cancel.h"
#include "data.h"
#include "scenario.h"
#include "state/state.h"
#include "store/sqlite.h"
#include "test.h"

#define MIN_CALLS 10 /* of a scenario's act */
#define MAX_CALLS 1000

enum outcome { DIED = -1, SOUND = 0, UNSOUND, RESTLESS, NO_START, UNFINISHED, IDLE, FORGOTTEN };

static const char *const outcomes[] = {
    [SOUND] = "sound",
    [UNSOUND] = "something is lost or left over",
    [RESTLESS] = "the manager does not come to rest",
    [NO_START] = "the manager does not start",
    [UNFINISHED] = "a plan is left unfinished or stuck",
    [IDLE] = "it carried out no plan, and so tests nothing",
    [FORGOTTEN] = "a cancel was accepted, and the plan is not cancelled",
};

static char dir[64];

/* What the child has to say, in memory that it shares with us. */
struct report {
    char why[256];
    unsigned calls, of_act, of_steps;
    struct cancel cancel;
};
static struct report *report;

static struct fake_host *open_host(void)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/host", dir);
    return fake_host_map(path);
}

static struct store *open_store(void)
{
    char path[96];
    struct store *store = NULL;
    struct error err = {0};
    snprintf(path, sizeof(path), "%s/cleave.db", dir);
    if (sqlite_store_open(path, &store, &err) != 0) {
        STR_SET(report->why, err.message);
        _exit(NO_START);
    }
    return store;
}

static bool all_plans_ended(struct mhost *mhost)
{
    struct plan **plans = NULL;
    size_t n = 0;
    bool ended = ledger_load_plans(mhost->manager->ledger, 100, false, &plans, &n, NULL) == 0;
    for (size_t i = 0; i < n; i++) {
        ended = ended && (plans[i]->state == PLAN_DONE || plans[i]->state == PLAN_UNDONE ||
                          plans[i]->state == PLAN_CANCELLED);
        plan_free(plans[i]);
    }
    free(plans);
    return ended;
}

static bool is_cancelled_as_promised(struct mhost *mhost)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    if (!cancel_was_accepted(&report->cancel)) {
        return true;
    }
    int r = ledger_load_plan(mhost->manager->ledger, report->cancel.plan, &plan, NULL);
    return r == 0 && plan != NULL && plan->state == PLAN_CANCELLED;
}

/* What a child does behind its start on what is there; each may be NULL. */
struct life {
    void (*meanwhile)(struct mhost *mhost), (*act)(struct mhost *mhost);
    bool cancels; /* what it acted, at that call of its steps */
    unsigned cancel_at;
    enum fault_kind kind;
    unsigned at;
};

#define NO_CALL 1000 /* more than any plan makes */

static bool rests_after(struct mhost *mhost, void (*what)(struct mhost *mhost))
{
    if (what != NULL) {
        what(mhost);
    }
    return mhost_settle(mhost);
}

static enum outcome live(const struct life *life)
{
    struct mhost mhost;
    mhost_open(&mhost, &fault_data, open_host(), open_store());
    mhost.faults.kind = life->kind;
    mhost.faults.at = life->at;
    if (mhost_start(&mhost) != 0) {
        return NO_START;
    }
    if (!rests_after(&mhost, NULL) || !rests_after(&mhost, life->meanwhile)) {
        return RESTLESS;
    }
    unsigned before_act = mhost.faults.calls;
    CLEANUP(plan_freep) struct plan *before = scenario_last_plan(&mhost);
    if (life->cancels) {
        cancel_begin(&mhost, life->cancel_at, &report->cancel);
    }
    if (!rests_after(&mhost, life->act)) {
        return RESTLESS;
    }
    report->calls = mhost.faults.calls;
    report->of_steps = NO_CALL - (unsigned)atomic_load(&mhost.faults.spared);
    report->of_act = report->calls - before_act;
    CLEANUP(plan_freep) struct plan *after = scenario_last_plan(&mhost);
    enum outcome outcome = SOUND;
    if (life->act != NULL && life->cancel_at == 0 && !scenario_did_something(before, after)) {
        outcome = IDLE;
    } else if (!mhost_is_sound(&mhost, report->why, sizeof(report->why))) {
        outcome = UNSOUND;
    } else if (!all_plans_ended(&mhost)) {
        outcome = UNFINISHED;
    } else if (!is_cancelled_as_promised(&mhost)) {
        outcome = FORGOTTEN;
    }
    if (life->cancels) {
        cancel_end(&mhost, &report->cancel);
    }
    mhost_close(&mhost);
    return outcome;
}

static enum outcome in_child(const struct life *life)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(live(life));
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
        return DIED;
    }
    assert_true(WIFEXITED(status));
    return (enum outcome)WEXITSTATUS(status);
}

static void expect(enum outcome outcome, const char *when, const struct scenario *scenario,
                   unsigned k)
{
    if (outcome != SOUND) {
        fail_msg("%s, killed at call %u, %s: %s%s%s", scenario->name, k, when,
                 outcome == DIED ? "died" : outcomes[outcome], report->why[0] == '\0' ? "" : ": ",
                 report->why);
    }
}

static void begin(const struct scenario *scenario)
{
    /* A killed process loses nothing that it wrote, so memory serves as a disk, and is faster. */
    STR_SET(dir, "/dev/shm/cleave-kill-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        STR_SET(dir, "/tmp/cleave-kill-XXXXXX");
        assert_non_null(mkdtemp(dir));
    }
    memset(report, 0, sizeof(*report));
    struct fake_host *host = open_host();
    assert_non_null(host);
    mhost_furnish(host);
    munmap(host, sizeof(*host));
    if (scenario->before != NULL) {
        expect(in_child(&(struct life){.act = scenario->before}), "before", scenario, 0);
    }
}

static void finish(void)
{
    fs_remove_tree(dir);
}

static unsigned count_calls(const struct scenario *scenario)
{
    begin(scenario);
    const struct life life = {.meanwhile = scenario->meanwhile, .act = scenario->act};
    expect(in_child(&life), "without being killed", scenario, 0);
    assert_in_range(report->of_act, MIN_CALLS, MAX_CALLS);
    finish();
    return report->calls;
}

static void kill_at(const struct scenario *scenario, unsigned k, enum fault_kind kind)
{
    begin(scenario);
    const struct life life = {
        .meanwhile = scenario->meanwhile, .act = scenario->act, .kind = kind, .at = k};
    enum outcome outcome = in_child(&life);
    if (outcome != DIED) {
        fail_msg("%s: call %u was not reached (%s)", scenario->name, k, outcomes[outcome]);
    }
    /* The recovery is killed too, sooner for later deaths; it may come to rest before that. */
    outcome = in_child(&(struct life){.kind = kind, .at = 1 + k % 7});
    if (outcome != DIED) {
        expect(outcome, "after the first restart", scenario, k);
    }
    expect(in_child(&(struct life){0}), "after the last restart", scenario, k);
    finish();
}

static void every_boundary_may_be_the_last(void **state)
{
    const struct scenario *scenario = *state;
    unsigned calls = count_calls(scenario);
    for (unsigned k = 1; k <= calls; k++) {
        kill_at(scenario, k, FAULT_DIE_BEFORE);
        kill_at(scenario, k, FAULT_DIE_AFTER);
    }
    print_message("# %s: killed at %u boundaries\n", scenario->name, 2 * calls);
}

/* In the middle of its steps, while one is applied. */
static unsigned find_middle(const struct scenario *scenario)
{
    begin(scenario);
    const struct life life = {.meanwhile = scenario->meanwhile,
                              .act = scenario->act,
                              .cancels = true,
                              .cancel_at = NO_CALL};
    expect(in_child(&life), "not cancelled", scenario, 0);
    finish();
    return report->of_steps / 2 | 1;
}

/* False: the process has no such call. */
static bool cancel_and_kill(const struct scenario *scenario, struct life life, unsigned *accepted)
{
    begin(scenario);
    life.kind = life.at % 2 == 0 ? FAULT_DIE_BEFORE : FAULT_DIE_AFTER;
    enum outcome outcome = in_child(&life);
    bool died = outcome == DIED;
    if (!died) {
        expect(outcome, "when cancelled", scenario, life.at);
    }
    *accepted += cancel_was_accepted(&report->cancel);
    outcome = in_child(&(struct life){.kind = life.kind, .at = 1 + life.at % 7});
    if (outcome != DIED) {
        expect(outcome, "after the first restart", scenario, life.at);
    }
    expect(in_child(&(struct life){0}), "after the last restart", scenario, life.at);
    finish();
    return died;
}

static void every_boundary_of_a_cancel_may_be_the_last(void **state)
{
    const struct scenario *scenario = *state;
    struct life life = {.meanwhile = scenario->meanwhile,
                        .act = scenario->act,
                        .cancels = true,
                        .cancel_at = find_middle(scenario)};
    unsigned accepted = 0;
    life.at = NO_CALL;
    assert_false(cancel_and_kill(scenario, life, &accepted));
    assert_int_equal(accepted, 1);
    unsigned first = report->cancel.calls + 1;
    for (life.at = first; cancel_and_kill(scenario, life, &accepted); life.at++) {
    }
    assert_true(accepted > 2);
    print_message("# %s: killed at %u boundaries, %u behind the answer\n", scenario->name,
                  life.at - first, accepted - 2);
}

static int load(void **state)
{
    report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return report == MAP_FAILED ? -1 : fault_data_load(state);
}

static int unload(void **state)
{
    munmap(report, sizeof(*report));
    return fault_data_unload(state);
}

/* A plan without a way back can't be cancelled; cancel_test has its refusal. */
static size_t list_tests(struct CMUnitTest tests[], size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < 2 * n_scenarios; i++) {
        const struct scenario *scenario = &scenarios[i % n_scenarios];
        bool cancels = i >= n_scenarios;
        if (cancels && scenario->no_way_back) {
            continue;
        }
        assert(n < max);
        tests[n++] =
            (struct CMUnitTest){.name = scenario->name,
                                .test_func = cancels ? every_boundary_of_a_cancel_may_be_the_last
                                                     : every_boundary_may_be_the_last,
                                .initial_state = (void *)(uintptr_t)scenario};
    }
    return n;
}

int main(void)
{
    struct CMUnitTest tests[48] = {0};
    size_t n = list_tests(tests, ARRAY_SIZE(tests));
    cmocka_set_test_filter(getenv("CLEAVE_TEST_FILTER"));
    return _cmocka_run_group_tests("kill", tests, n, load, unload);
}
