/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random requests, one random call failing in some of them, a restart now and then: after each,
 * nothing is lost, nothing is left over, and no running VM lost a device. The seed is in the
 * message; given as argument, it is played alone, with a log.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "lab.h"
#include "manager/state.h"
#include "store/memory.h"
#include "test.h"

#define SEEDS 200
#define REQUESTS 30
#define NAMES 6

static struct lab_data data;
static uint64_t first_seed = 1;
static uint64_t last_seed = SEEDS;

struct play {
    uint64_t seed, random;
    struct fake_host host;
    struct lab lab;
    char last[160]; /* request, for the message */
};

/* xorshift64: small, and the same everywhere. */
static uint32_t draw(struct play *play, uint32_t below)
{
    play->random ^= play->random << 13;
    play->random ^= play->random >> 7;
    play->random ^= play->random << 17;
    return (uint32_t)(play->random >> 33) % below;
}

static const char *const wishes[] = {
    "\"type\": \"A100-1-5C\"",   "\"type\": \"A100-2-10C\"",
    "\"type\": \"A100-3-20C\"",  "\"type\": \"A100-8C\"",
    "\"type\": \"DC-1-8C\"",     "\"type\": \"DC-1-24C\"",
    "\"type\": \"L40S-8Q\"",     "\"type\": \"L40S-12Q\", \"mixed\": true",
    "\"profile\": \"1g.5gb\"",   "\"mode\": \"passthrough\", \"gpu\": \"" LAB_L40S "\"",
    "\"mode\": \"passthrough\"",
};

static void write_claim(struct play *play, char *out, size_t size)
{
    char vm[32] = "";
    const char *wish = wishes[draw(play, ARRAY_SIZE(wishes))];
    if (draw(play, 2) == 0 && strstr(wish, "profile") == NULL) {
        snprintf(vm, sizeof(vm), ", \"vm\": \"web%u\"", 1 + draw(play, 4));
    }
    snprintf(out, size, "{\"name\": \"c%u\", %s%s}", draw(play, NAMES), wish, vm);
}

static void play_vm(struct play *play)
{
    static const struct caller caller = {.author = "tester"};
    struct answer answer = {0};
    char vm[8];
    snprintf(vm, sizeof(vm), "web%u", 1 + draw(play, 4));
    snprintf(play->last, sizeof(play->last), "start or stop %s", vm);
    if (draw(play, 2) == 0) {
        manager_start_vm(play->lab.manager, &caller, vm, false, lab_reply, &answer);
    } else {
        manager_stop_vm(play->lab.manager, &caller, vm, NULL, false, lab_reply, &answer);
    }
    (void)lab_wait(&play->lab, &answer);
    answer_done(&answer);
}

static void play_site(struct play *play)
{
    char claims[3][160];
    char text[640];
    for (size_t i = 0; i < 3; i++) {
        write_claim(play, claims[i], sizeof(claims[i]));
        claims[i][11] = (char)('s' + i); /* "c0" → "s0", "t0", "u0": not the names made by hand */
    }
    size_t n = draw(play, 4);
    snprintf(text, sizeof(text), "{\"name\": \"site\", \"claims\": [%s%s%s%s%s]}",
             n > 0 ? claims[0] : "", n > 1 ? "," : "", n > 1 ? claims[1] : "", n > 2 ? "," : "",
             n > 2 ? claims[2] : "");
    STR_SET(play->last, text);
    (void)lab_apply(&play->lab, text, NULL);
}

static void play_request(struct play *play)
{
    switch (draw(play, 8)) {
    case 0:
    case 1:
    case 2:
        write_claim(play, play->last, sizeof(play->last));
        (void)lab_create(&play->lab, play->last, NULL);
        break;
    case 3:
    case 4:
        snprintf(play->last, sizeof(play->last), "c%u", draw(play, NAMES));
        (void)lab_delete(&play->lab, play->last, NULL);
        break;
    case 5:
        play_site(play);
        break;
    default:
        play_vm(play);
        break;
    }
}

static void arm(struct play *play)
{
    play->lab.faults.calls = 0;
    play->lab.faults.kind = FAULT_NONE;
    if (draw(play, 3) == 0) {
        play->lab.faults.at = 1 + draw(play, 60);
        play->lab.faults.kind = draw(play, 2) == 0 ? FAULT_FAIL_BEFORE : FAULT_FAIL_AFTER;
    }
}

static bool has_device(const struct fake_vm *vm, const struct pci_addr *device)
{
    for (uint32_t i = 0; i < vm->n_devices; i++) {
        if (pci_addr_cmp(&vm->devices[i], device) == 0) {
            return true;
        }
    }
    return false;
}

/* Who ran before and after has what it had, and it is still a device. */
static void check_running(const struct play *play, const struct fake_host *before)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        const struct fake_vm *was = &before->vms[i];
        const struct fake_vm *is = &play->host.vms[i];
        if (!was->running || !is->running) {
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

static void play_turn(struct play *play)
{
    char why[256] = "";
    struct fake_host before = play->host;
    arm(play);
    play_request(play);
    bool still = lab_settle(&play->lab);
    bool fired =
        play->lab.faults.kind != FAULT_NONE && play->lab.faults.calls >= play->lab.faults.at;
    play->lab.faults.kind = FAULT_NONE;
    if (!still) {
        fail_msg("seed %llu: no rest after: %s", (unsigned long long)play->seed, play->last);
    }
    if (draw(play, 5) == 0) {
        lab_stop(&play->lab);
        assert_int_equal(lab_start(&play->lab), 0);
        assert_true(lab_settle(&play->lab));
    }
    check_running(play, &before);
    if (!lab_is_sound(&play->lab, why, sizeof(why))) {
        fail_msg("seed %llu: after %s (%s): %s", (unsigned long long)play->seed, play->last,
                 fired ? "with a fault" : "without a fault", why);
    }
}

static void random_requests_and_faults_leave_nothing_behind(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
        struct play play = {.seed = seed, .random = seed * UINT64_C(0x9e3779b97f4a7c15)};
        lab_furnish(&play.host);
        lab_open(&play.lab, &data, &play.host, memory_store_new());
        assert_int_equal(lab_start(&play.lab), 0);
        for (int i = 0; i < REQUESTS; i++) {
            play_turn(&play);
        }
        lab_close(&play.lab);
    }
}

static int load(void **state)
{
    (void)state;
    /* The failures are wanted. */
    log_set_level(first_seed == last_seed ? LOG_LEVEL_DEBUG : LOG_LEVEL_NONE);
    lab_data_load(&data);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    lab_data_done(&data);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && parse_u64(argv[1], &first_seed)) {
        last_seed = first_seed;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_requests_and_faults_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
