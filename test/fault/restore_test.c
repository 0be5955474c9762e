/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host reboots under claims of every kind: while its restoration fails at the k-th call of a
 * port or the store, or is killed there, or killed and rebooted once more; and while a plan was at
 * its k-th call. For every k everything that was claimed is back where it was in the end.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "data.h"
#include "scenario.h"
#include "state/state.h"
#include "store/memory.h"
#include "store/sqlite.h"
#include "test.h"
#include "watch/observe.h"

#define MAX_CALLS 1000

/* ---- what is claimed ---- */

#define CLAIM(name, rest) "{\"name\": \"" name "\", " rest "}"

static const char *const shared_claims[] = {
    CLAIM("mig1", "\"type\": \"A100-2-10C\", \"vm\": \"web1\""),
    CLAIM("mig2", "\"type\": \"A100-3-20C\", \"vm\": \"web2\""),
    CLAIM("ts1", "\"type\": \"DC-1-8C\", \"gpu\": \"" MHOST_RTX "\", \"vm\": \"web3\""),
    CLAIM("ts2", "\"type\": \"DC-1-8C\", \"gpu\": \"" MHOST_RTX "\", \"vm\": \"web4\""),
    CLAIM("mixed1", "\"type\": \"L40S-8Q\", \"mixed\": true, \"vm\": \"web5\""),
    CLAIM("mixed2", "\"type\": \"L40S-24Q\", \"mixed\": true, \"vm\": \"web6\""),
    NULL,
};

static const char *const whole_claims[] = {
    CLAIM("whole", "\"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S "\", \"vm\": \"web1\""),
    CLAIM("bare", "\"profile\": \"3g.20gb\", \"gpu\": \"" MHOST_A100 "\""),
    NULL,
};

static const char *const *const sets[] = {shared_claims, whole_claims};
static const char *const set_names[] = {"shared GPUs", "a whole GPU and a bare instance"};

static void furnish(struct fake_host *host)
{
    mhost_furnish(host);
    fake_host_add_vm(host, "web5");
    fake_host_add_vm(host, "web6");
}

static void make_claims(struct mhost *mhost, const char *const *claims)
{
    for (size_t i = 0; claims[i] != NULL; i++) {
        assert_int_equal(mhost_create(mhost, claims[i], NULL), 0);
        assert_true(mhost_settle(mhost));
    }
}

/* ---- a call fails ---- */

struct run {
    struct fake_host host, before;
    struct mhost mhost;
};

static void rebooted(struct run *run, const char *const *claims, enum fault_kind kind, unsigned k)
{
    memset(&run->host, 0, sizeof(run->host));
    furnish(&run->host);
    mhost_open(&run->mhost, &fault_data, &run->host, memory_store_new());
    assert_int_equal(mhost_start(&run->mhost), 0);
    make_claims(&run->mhost, claims);
    mhost_stop(&run->mhost);
    run->before = run->host;
    fake_host_reboot(&run->host);
    assert_false(fake_host_same(&run->before, &run->host));
    run->mhost.faults.calls = 0;
    run->mhost.faults.kind = kind;
    run->mhost.faults.at = k;
    /* A start that can't read the store fails; the service manager tries again. */
    for (int i = 0; i < 2 && mhost_start(&run->mhost) != 0; i++) {
    }
    assert_non_null(run->mhost.manager);
    if (!mhost_settle(&run->mhost)) {
        fail_msg("call %u: the manager does not come to rest", k);
    }
    run->mhost.faults.kind = FAULT_NONE;
}

static void must_be_back(struct run *run, const char *what, unsigned k, enum fault_kind kind)
{
    char why[256] = "";
    char where[128];
    snprintf(where, sizeof(where), "%s, call %u failed %s", what, k,
             kind == FAULT_FAIL_BEFORE ? "before its effect" : "after its effect");
    if (!mhost_is_sound(&run->mhost, why, sizeof(why))) {
        fail_msg("%s: %s", where, why);
    }
    if (!fake_host_same(&run->before, &run->host)) {
        fail_msg("%s: the host is not as it was before the reboot", where);
    }
}

static void a_restoration_gets_over_a_call_that_fails(void **state)
{
    size_t set = (size_t)(uintptr_t)*state;
    struct run run;
    rebooted(&run, sets[set], FAULT_NONE, 0);
    must_be_back(&run, set_names[set], 0, FAULT_NONE);
    unsigned calls = run.mhost.faults.calls;
    mhost_close(&run.mhost);
    assert_in_range(calls, 10, MAX_CALLS);
    for (unsigned k = 1; k <= calls; k++) {
        for (int after = 0; after < 2; after++) {
            enum fault_kind kind = after ? FAULT_FAIL_AFTER : FAULT_FAIL_BEFORE;
            rebooted(&run, sets[set], kind, k);
            /* Where the boot itself could not be learned or stored, the next start restores. */
            if (!fake_host_same(&run.before, &run.host)) {
                mhost_stop(&run.mhost);
                assert_int_equal(mhost_start(&run.mhost), 0);
                assert_true(mhost_settle(&run.mhost));
            }
            must_be_back(&run, set_names[set], k, kind);
            mhost_close(&run.mhost);
        }
    }
    print_message("# %s: %u calls, each failed twice\n", set_names[set], calls);
}

static void a_restored_host_has_nothing_to_restore(void **state)
{
    size_t set = (size_t)(uintptr_t)*state;
    struct run run;
    rebooted(&run, sets[set], FAULT_NONE, 0);
    struct answer answer = {.mhost = &run.mhost};
    mhost_ask(&run.mhost, VERB_RESTORE_HOST, &answer, .dry_run = true);
    assert_true(mhost_wait(&run.mhost, &answer));
    assert_int_equal(json_array_size(json_object_get(answer.body, "plans")), 0);
    answer_done(&answer);
    mhost_close(&run.mhost);
}

/* ---- the process is killed ---- */

static char dir[64];

enum outcome { DIED = -1, SOUND = 0, UNSOUND, RESTLESS, NO_START, CHANGED };

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
    snprintf(path, sizeof(path), "%s/cleave.db", dir);
    if (sqlite_store_open(path, &store, NULL) != 0) {
        _exit(NO_START);
    }
    return store;
}

/* One life of cleaved on what is there. */
struct life {
    const char *const *claims; /* made first; may be NULL */
    void (*before)(struct mhost *mhost), (*meanwhile)(struct mhost *mhost),
        (*act)(struct mhost *mhost);
    enum fault_kind kind;
    unsigned at;
    bool reboots; /* the host, before it */
};

static unsigned *calls; /* of the last life; shared with it */

static void seen(struct manager *m, const struct error *err, void *when)
{
    (void)m;
    (void)err;
    (void)when;
}

static enum outcome live(const struct life *life)
{
    struct mhost mhost;
    char why[256] = "";
    struct fake_host *host = open_host();
    if (life->reboots) {
        fake_host_reboot(host);
    }
    mhost_open(&mhost, &fault_data, host, open_store());
    bool deferred = life->claims != NULL || life->before != NULL;
    mhost.faults.kind = deferred ? FAULT_NONE : life->kind;
    mhost.faults.at = life->at;
    if (mhost_start(&mhost) != 0) {
        return NO_START;
    }
    if (!mhost_settle(&mhost)) {
        return RESTLESS;
    }
    if (life->claims != NULL) {
        make_claims(&mhost, life->claims);
    }
    if (life->before != NULL) {
        life->before(&mhost);
        (void)mhost_settle(&mhost);
    }
    if (life->meanwhile != NULL) {
        life->meanwhile(&mhost);
        (void)mhost_settle(&mhost);
    }
    if (deferred) {
        mhost.faults.calls = 0;
        mhost.faults.kind = life->kind;
    }
    if (life->act != NULL) {
        life->act(&mhost);
    }
    if (!mhost_settle(&mhost)) {
        return RESTLESS;
    }
    *calls = mhost.faults.calls;
    mhost.faults.kind = FAULT_NONE;
    observe_all(mhost.manager, seen,
                NULL); /* VMs too: those that are off give back what they drew */
    if (!mhost_settle(&mhost)) {
        return RESTLESS;
    }
    bool sound = mhost_is_sound(&mhost, why, sizeof(why));
    if (!sound) {
        fprintf(stderr, "# %s\n", why);
    }
    mhost_close(&mhost);
    return sound ? SOUND : UNSOUND;
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

static void begin(void)
{
    STR_SET(dir, "/dev/shm/cleave-restore-XXXXXX");
    if (mkdtemp(dir) == NULL) {
        STR_SET(dir, "/tmp/cleave-restore-XXXXXX");
        assert_non_null(mkdtemp(dir));
    }
    struct fake_host *host = open_host();
    furnish(host);
    munmap(host, sizeof(*host));
}

static void end(void)
{
    static const char *const files[] = {"host", "cleave.db", "cleave.db-wal", "cleave.db-shm",
                                        "cleave.db-count"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char path[96];
        snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static struct fake_host see(void)
{
    struct fake_host *host = open_host();
    struct fake_host copy = *host;
    munmap(host, sizeof(*host));
    return copy;
}

static void expect(enum outcome outcome, enum outcome wanted, const char *what, unsigned k)
{
    if (outcome != wanted) {
        fail_msg("%s, call %u: outcome %d, not %d", what, k, (int)outcome, (int)wanted);
    }
}

/* Killed at call k of the restoration, and either started again or rebooted once more. */
static bool killed_while_restoring(size_t set, unsigned k, enum fault_kind kind, bool again)
{
    begin();
    expect(in_child(&(struct life){.claims = sets[set]}), SOUND, set_names[set], k);
    struct fake_host before = see();
    enum outcome first = in_child(&(struct life){.kind = kind, .at = k, .reboots = true});
    bool died = first == DIED;
    if (!died) {
        expect(first, SOUND, set_names[set], k);
    }
    expect(in_child(&(struct life){.reboots = again}), SOUND, set_names[set], k);
    struct fake_host after = see();
    if (!fake_host_same(&before, &after)) {
        fail_msg("%s, killed at call %u%s: the host is not as it was", set_names[set], k,
                 again ? " and rebooted" : "");
    }
    end();
    return died;
}

static void a_restoration_that_is_killed_is_completed(void **state)
{
    size_t set = (size_t)(uintptr_t)*state;
    unsigned lives = 0;
    for (unsigned k = 1;; k++) {
        bool died = killed_while_restoring(set, k, FAULT_DIE_BEFORE, false);
        died = killed_while_restoring(set, k, FAULT_DIE_AFTER, true) && died;
        if (!died) {
            break;
        }
        lives++;
        assert_in_range(k, 1, MAX_CALLS);
    }
    assert_in_range(lives, 10, MAX_CALLS);
    print_message("# %s: killed at %u calls, rebooted again at as many\n", set_names[set], lives);
}

/* A plan was under way when the host went down. */
static void a_plan_of_another_boot_is_settled(void **state)
{
    const struct scenario *scenario = *state;
    unsigned deaths = 0;
    for (unsigned k = 1; k < MAX_CALLS; k++) {
        begin();
        struct life life = {.before = scenario->before,
                            .meanwhile = scenario->meanwhile,
                            .act = scenario->act,
                            .kind = FAULT_DIE_AFTER,
                            .at = k};
        enum outcome first = in_child(&life);
        expect(in_child(&(struct life){.reboots = true}), SOUND, scenario->name, k);
        end();
        if (first != DIED) {
            break;
        }
        deaths++;
    }
    assert_in_range(deaths, 5, MAX_CALLS);
    print_message("# %s: the host went down at %u calls\n", scenario->name, deaths);
}

static int load(void **state)
{
    calls = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return calls == MAP_FAILED ? -1 : fault_data_load(state);
}

#define PER_SET(test, set)                                                                         \
    {.name = #test "_" #set, .test_func = (test), .initial_state = (void *)(uintptr_t)(set)}

int main(void)
{
    struct CMUnitTest tests[40] = {
        PER_SET(a_restored_host_has_nothing_to_restore, 0),
        PER_SET(a_restored_host_has_nothing_to_restore, 1),
        PER_SET(a_restoration_gets_over_a_call_that_fails, 0),
        PER_SET(a_restoration_gets_over_a_call_that_fails, 1),
        PER_SET(a_restoration_that_is_killed_is_completed, 0),
        PER_SET(a_restoration_that_is_killed_is_completed, 1),
    };
    size_t n = 6;
    assert(n_scenarios + n <= ARRAY_SIZE(tests));
    for (size_t i = 0; i < n_scenarios; i++) {
        if (scenarios[i].mend != NULL) {
            continue; /* a boot does not mend what is broken */
        }
        tests[n++] = (struct CMUnitTest){.name = scenarios[i].name,
                                         .test_func = a_plan_of_another_boot_is_settled,
                                         .initial_state = (void *)(uintptr_t)&scenarios[i]};
    }
    cmocka_set_test_filter(getenv("CLEAVE_TEST_FILTER"));
    return _cmocka_run_group_tests("restore", tests, n, load, fault_data_unload);
}
