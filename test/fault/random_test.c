/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random requests and mishaps on a host in memory: claims and sites, VMs that start and stop by
 * cleave and behind its back, several clients at once, one call failing, the manager killed at a
 * call, reboots and reloads, restorations. After each, nothing is lost, nothing is left over,
 * nothing is assigned twice, and no running VM lost a device. The seed is in the message; given as
 * argument, it is played alone, with a log: random_test SEED [ACTIONS].
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "data.h"
#include "mhost.h"
#include "mhost_hook.h"
#include "state/state.h"
#include "store/memory.h"
#include "test.h"

#define SEEDS 120
#define ACTIONS 60
#define NAMES 6
#define VMS 4
#define CLIENTS 3
#define LOOKS 4 /* after an action, until what a VM gave back is gone */

/* Of earlier failures: a fault in what cleaved does on its own, which it tries again later. */
static const uint64_t kept_seeds[] = {126, 199};

static uint64_t first_seed = 1;
static uint64_t last_seed = SEEDS;
static uint64_t n_actions = ACTIONS;

struct play {
    uint64_t seed, random;
    struct fake_host host;
    struct mhost mhost;
    char last[160]; /* action, for the message */
    char touched[CLIENTS + 1][NAME_SIZE];
    size_t n_touched;       /* claims that it may change; SIZE_MAX: any */
    bool stopped[FAKE_VMS]; /* VMs that were asked to stop, and may be on once more */
};

static unsigned n_cancelled; /* plans */

/* xorshift64: small, and the same everywhere. */
static uint32_t draw(struct play *play, uint32_t below)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 7;
    play->random ^= play->random << 17;
    return (uint32_t)(play->random >> 33) % below;
}

static const char *const wishes[] = {
    "\"type\": \"A100-1-5C\"",
    "\"type\": \"A100-2-10C\", \"params\": {\"console\": false}",
    "\"type\": \"A100-3-20C\"",
    "\"type\": \"A100-8C\"",
    "\"type\": \"DC-1-8C\"",
    "\"type\": \"DC-1-24C\"",
    "\"type\": \"L40S-8Q\"",
    "\"type\": \"L40S-12Q\", \"mixed\": true, \"params\": {\"profiler\": true}",
    "\"profile\": \"1g.5gb\"",
    "\"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S "\"",
    "\"mode\": \"passthrough\"",
};

static void touch(struct play *play, const char *name)
{
    if (play->n_touched < ARRAY_SIZE(play->touched)) {
        STR_SET(play->touched[play->n_touched], name);
        play->n_touched++;
    }
}

static void write_claim(struct play *play, char *out, size_t size)
{
    char vm[64] = "";
    char name[8];
    const char *wish = wishes[draw(play, ARRAY_SIZE(wishes))];
    if (draw(play, 2) == 0 && strstr(wish, "profile") == NULL) {
        const char *hold = draw(play, 3) == 0 ? ", \"hold\": \"on-demand\"" : "";
        snprintf(vm, sizeof(vm), ", \"vm\": \"web%u\"%s", 1 + draw(play, VMS), hold);
    }
    snprintf(name, sizeof(name), "c%u", draw(play, NAMES));
    snprintf(out, size, "{\"name\": \"%s\", %s%s}", name, wish, vm);
}

static struct fake_vm *draw_vm(struct play *play)
{
    char name[8];
    snprintf(name, sizeof(name), "web%u", 1 + draw(play, VMS));
    return fake_host_vm(&play->host, name);
}

/* ---- requests: sent, and waited for by who sent them ---- */

static void send_create(struct play *play, struct answer *answer)
{
    CLEANUP_JSON json_t *body = NULL;
    write_claim(play, play->last, sizeof(play->last));
    assert_int_equal(json_read(play->last, strlen(play->last), "test", &body, NULL), 0);
    touch(play, json_string_value(json_object_get(body, "name")));
    mhost_ask(&play->mhost, VERB_CREATE_CLAIM, answer, .json = body);
}

static void send_delete(struct play *play, struct answer *answer)
{
    char name[8];
    snprintf(name, sizeof(name), "c%u", draw(play, NAMES));
    snprintf(play->last, sizeof(play->last), "delete %s", name);
    touch(play, name);
    mhost_ask(&play->mhost, VERB_DELETE_CLAIM, answer, .target = name);
}

static void send_site(struct play *play, struct answer *answer)
{
    char claims[3][160];
    char text[640];
    for (size_t i = 0; i < 3; i++) {
        write_claim(play, claims[i], sizeof(claims[i]));
        claims[i][11] = (char)('0' + i);
        claims[i][10] = 's'; /* "c4" → "s0": not the names made by hand */
    }
    size_t n = draw(play, 4);
    snprintf(text, sizeof(text), "{\"name\": \"site\", \"claims\": [%s%s%s%s%s]}",
             n > 0 ? claims[0] : "", n > 1 ? "," : "", n > 1 ? claims[1] : "", n > 2 ? "," : "",
             n > 2 ? claims[2] : "");
    STR_SET(play->last, text);
    for (size_t i = 0; i < 3; i++) {
        touch(play, (const char *[]){"s0", "s1", "s2"}[i]);
    }
    CLEANUP_JSON json_t *body = NULL;
    assert_int_equal(json_read(text, strlen(text), "test", &body, NULL), 0);
    mhost_ask(&play->mhost, VERB_APPLY_SITE, answer, .json = body);
}

static void send_start(struct play *play, struct answer *answer)
{
    const struct fake_vm *vm = draw_vm(play);
    str_print(play->last, sizeof(play->last), "start %s", vm->name);
    mhost_ask(&play->mhost, VERB_START_VM, answer, .target = vm->name);
}

static void send_stop(struct play *play, struct answer *answer)
{
    const struct fake_vm *vm = draw_vm(play);
    str_print(play->last, sizeof(play->last), "stop %s", vm->name);
    play->stopped[vm - play->host.vms] = true;
    mhost_ask(&play->mhost, VERB_STOP_VM, answer, .target = vm->name);
}

static void send_gc(struct play *play, struct answer *answer)
{
    STR_SET(play->last, "gc");
    mhost_ask(&play->mhost, VERB_COLLECT_GARBAGE, answer);
}

static void send_mode(struct play *play, struct answer *answer)
{
    static const char *const gpus[] = {MHOST_A100, MHOST_RTX, MHOST_L40S};
    static const char *const modes[] = {"idle", "passthrough", "time-sliced", "mig"};
    const char *gpu = gpus[draw(play, ARRAY_SIZE(gpus))];
    const char *mode = modes[draw(play, ARRAY_SIZE(modes))];
    snprintf(play->last, sizeof(play->last), "mode of %s: %s", gpu, mode);
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "mode", mode);
    mhost_ask(&play->mhost, VERB_SET_GPU_MODE, answer, .target = gpu, .json = body);
}

typedef void send_fn(struct play *play, struct answer *answer);

static send_fn *draw_request(struct play *play)
{
    static send_fn *const table[] = {
        send_create, send_create, send_create, send_create, send_delete,
        send_delete, send_delete, send_site,   send_start,  send_start,
        send_start,  send_stop,   send_stop,   send_gc,     send_mode,
    };
    return table[draw(play, ARRAY_SIZE(table))];
}

static void play_request(struct play *play)
{
    struct answer answer = {0};
    draw_request(play)(play, &answer);
    (void)mhost_wait(&play->mhost, &answer);
    answer_done(&answer);
}

/* Several clients, none of whom waits for the others. */
static void play_clients(struct play *play)
{
    struct answer answers[CLIENTS] = {0};
    char all[CLIENTS][48];
    for (size_t i = 0; i < CLIENTS; i++) {
        draw_request(play)(play, &answers[i]);
        STR_SET(all[i], play->last);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        (void)mhost_wait(&play->mhost, &answers[i]);
        answer_done(&answers[i]);
    }
    snprintf(play->last, sizeof(play->last), "%s | %s | %s", all[0], all[1], all[2]);
}

/* What a plan does is cancelled as soon as it was answered, wherever the plan is then. */
static void play_cancel(struct play *play)
{
    struct answer answer = {0};
    struct answer cancel = {0};
    const struct operation *plan = NULL;
    draw_request(play)(play, &answer);
    (void)mhost_wait(&play->mhost, &answer);
    for (vec_each(&play->mhost.manager->operations.items, operation)) {
        bool runs = (*operation)->kind->id == OPERATION_KIND_PLAN && !operation_is_over(*operation);
        plan = runs ? *operation : plan;
    }
    if (plan != NULL) {
        mhost_ask(&play->mhost, VERB_CANCEL_OPERATION, &cancel, .target = plan->id);
        assert_true(mhost_wait(&play->mhost, &cancel));
        n_cancelled += cancel.err.reason == REASON_NONE;
    }
    answer_done(&cancel);
    answer_done(&answer);
}

/* ---- mishaps ---- */

static void play_fault(struct play *play)
{
    struct faults *faults = &play->mhost.faults;
    atomic_store(&faults->calls, 0);
    faults->at = 1 + draw(play, 60);
    faults->length = 1;
    faults->kind = draw(play, 2) == 0 ? FAULT_FAIL_BEFORE : FAULT_FAIL_AFTER;
    play_request(play);
    (void)mhost_settle(&play->mhost);
    faults->kind = FAULT_NONE;
}

static void restart(struct play *play)
{
    mhost_stop(&play->mhost);
    play->mhost.faults.kind = FAULT_NONE;
    assert_int_equal(mhost_start(&play->mhost), 0);
}

/* From some call on nothing gets out of the process any more, and then it is gone. */
static void play_crash(struct play *play)
{
    struct faults *faults = &play->mhost.faults;
    struct answer answer = {0};
    atomic_store(&faults->calls, 0);
    faults->at = 1 + draw(play, 40);
    faults->length = INT_MAX;
    faults->kind = FAULT_FAIL_BEFORE;
    draw_request(play)(play, &answer);
    (void)mhost_settle_or_reach(&play->mhost, faults->at);
    restart(play);
    answer_done(&answer);
}

static void play_restart(struct play *play)
{
    STR_SET(play->last, "restart");
    restart(play);
}

/* The emulator dies, or someone stops the VM: cleave is not asked, and may see it late. */
static void play_power_off(struct play *play)
{
    struct fake_vm *vm = draw_vm(play);
    str_print(play->last, sizeof(play->last), "%s dies", vm->name);
    vm->running = false;
}

static void play_reboot(struct play *play)
{
    STR_SET(play->last, "reboot");
    mhost_stop(&play->mhost);
    fake_host_reboot(&play->host);
    play->mhost.forgetful = false; /* it is restored before it rests */
    assert_int_equal(mhost_start(&play->mhost), 0);
}

/* The driver is loaded again, which needs all VMs off. What claims had stays theirs meanwhile. */
static void play_reload(struct play *play)
{
    STR_SET(play->last, "reload");
    for (size_t i = 0; i < FAKE_VMS; i++) {
        if (play->host.vms[i].running) {
            return;
        }
    }
    fake_host_forget(&play->host);
    play->mhost.forgetful = true;
}

static void play_restore(struct play *play)
{
    struct answer answer = {0};
    STR_SET(play->last, "host restore");
    mhost_ask(&play->mhost, VERB_RESTORE_HOST, &answer);
    assert_true(mhost_wait(&play->mhost, &answer));
    assert_true(mhost_settle(&play->mhost));
    play->mhost.forgetful = false;
    answer_done(&answer);
}

/* ---- one action ---- */

static const struct {
    void (*play)(struct play *play);
    uint32_t weight;
} table[] = {
    {play_request, 24},  {play_fault, 8},  {play_clients, 8}, {play_crash, 6},   {play_restart, 3},
    {play_power_off, 5}, {play_reboot, 2}, {play_reload, 2},  {play_restore, 3}, {play_cancel, 6},
};

static void play_any(struct play *play)
{
    uint32_t all = 0;
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        all += table[i].weight;
    }
    uint32_t at = draw(play, all);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (at < table[i].weight) {
            table[i].play(play);
            return;
        }
        at -= table[i].weight;
    }
}

/* ---- is all well? ---- */

static bool has_device(const struct fake_vm *vm, const struct pci_addr *device)
{
    for (uint32_t i = 0; i < vm->n_devices; i++) {
        if (pci_addr_cmp(&vm->devices[i], device) == 0) {
            return true;
        }
    }
    return false;
}

/* A VM that ran before and after has what it had, and it is still a device. */
static void check_running(const struct play *play, const struct fake_host *before)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        const struct fake_vm *was = &before->vms[i];
        const struct fake_vm *is = &play->host.vms[i];
        if (!was->running || !is->running || play->stopped[i]) {
            continue;
        }
        for (uint32_t j = 0; j < was->n_devices; j++) {
            if (!has_device(is, &was->devices[j])) {
                fail_msg("seed %llu: running VM %s lost a device at: %s",
                         (unsigned long long)play->seed, was->name, play->last);
            }
        }
    }
}

static bool is_touched(const struct play *play, const char *name)
{
    for (size_t i = 0; i < play->n_touched && i < ARRAY_SIZE(play->touched); i++) {
        if (str_eq(play->touched[i], name)) {
            return true;
        }
    }
    return play->n_touched >= ARRAY_SIZE(play->touched);
}

/* Claims that no one asked about are as they were, but for what power does to on-demand ones. */
static void check_claims(const struct play *play, const struct claims *before)
{
    const struct claims *now = &play->mhost.manager->claims;
    for (vec_each(before, was)) {
        const struct claim *is = claims_find(now, was->name);
        bool same = is != NULL && (is->state == was->state || is->spec.hold == CLAIM_ON_DEMAND);
        if (!same && !is_touched(play, was->name)) {
            fail_msg("seed %llu: claim %s, which was %s, is %s after: %s",
                     (unsigned long long)play->seed, was->name, claim_state_name(was->state),
                     is == NULL ? "lost" : claim_state_name(is->state), play->last);
        }
    }
}

/* cleaved looks again, and does what it has to do then: also what it would try again later, when
 * the pause is over that a failure makes it wait. */
static bool come_to_rest(struct play *play)
{
    bool rests = mhost_settle(&play->mhost);
    operations_hurry(&play->mhost.manager->operations);
    struct answer answer = {0};
    mhost_ask(&play->mhost, VERB_LIST_VMS, &answer);
    rests = mhost_wait(&play->mhost, &answer) && rests;
    answer_done(&answer);
    return mhost_settle(&play->mhost) && rests;
}

static void play_turn(struct play *play)
{
    char why[256] = "";
    struct fake_host before = play->host;
    struct claims claims = {0};
    for (vec_each(&play->mhost.manager->claims, claim)) {
        *vec_push(&claims) = *claim;
    }
    play->n_touched = 0;
    memset(play->stopped, 0, sizeof(play->stopped));
    play_any(play);
    bool sound = false;
    for (int looks = 0; !sound && looks < LOOKS; looks++) {
        if (!come_to_rest(play)) {
            fail_msg("seed %llu: no rest after: %s", (unsigned long long)play->seed, play->last);
        }
        sound = mhost_is_sound(&play->mhost, why, sizeof(why)) &&
                mhost_power_agrees(&play->mhost, why, sizeof(why));
    }
    check_running(play, &before);
    check_claims(play, &claims);
    vec_done(&claims);
    if (!sound) {
        fail_msg("seed %llu: after %s: %s", (unsigned long long)play->seed, play->last, why);
    }
}

static void play_seed(uint64_t seed)
{
    struct play play = {.seed = seed, .random = seed * UINT64_C(0x9e3779b97f4a7c15)};
    mhost_furnish(&play.host);
    mhost_open(&play.mhost, &fault_data, &play.host, memory_store_new());
    mhost_set_hook(&play.mhost);
    assert_int_equal(mhost_start(&play.mhost), 0);
    for (uint64_t i = 0; i < n_actions; i++) {
        play_turn(&play);
    }
    mhost_close(&play.mhost);
}

static void random_actions_and_faults_leave_nothing_behind(void **state)
{
    (void)state;
    if (first_seed == last_seed) {
        log_set_level(LOG_LEVEL_DEBUG);
    }
    uint64_t began_us = clock_monotonic_us();
    size_t n_kept = first_seed == last_seed ? 0 : ARRAY_SIZE(kept_seeds);
    for (size_t i = 0; i < n_kept; i++) {
        play_seed(kept_seeds[i]);
    }
    for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
        play_seed(seed);
    }
    uint64_t n = (last_seed - first_seed + 1 + n_kept) * n_actions;
    uint64_t us = clock_monotonic_us() - began_us;
    print_message("# %llu actions, %llu per second, %u plans cancelled\n", (unsigned long long)n,
                  (unsigned long long)(n * 1000000 / (us == 0 ? 1 : us)), n_cancelled);
    assert_true(first_seed == last_seed || n_cancelled > 0);
}

int main(int argc, char **argv)
{
    if (argc >= 2 && parse_u64(argv[1], &first_seed)) {
        last_seed = first_seed;
    }
    if (argc == 3) {
        (void)parse_u64(argv[2], &n_actions);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_actions_and_faults_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, fault_data_load, fault_data_unload);
}
