/* SPDX-License-Identifier: Apache-2.0 */
/* Words of claims and needs that can't both be meant: each pair is refused by both words. */
#include "model/claim_conflict.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "test.h"

static const struct {
    const char *words;
    const char *word, *other; /* NULL: nothing contradicts */
} rows[] = {
    {"vm: v, need: {consumer: host}", "need.consumer", "vm"},
    {"mode: time-sliced, need: {consumer: host}", "need.consumer", "mode"},
    {"mode: mig-backed, need: {consumer: host}", "need.consumer", "mode"},
    {"mode: passthrough, need: {consumer: host}", "need.consumer", "mode"},
    {"type: L40S-8Q, need: {consumer: host}", "need.consumer", "type"},
    {"mode: gpu-instance, need: {memory: 8G}", "mode", "need.consumer"},
    {"mode: gpu-instance, type: L40S-8Q, need: {consumer: host}", "need.consumer", "type"},
    {"profile: 1g.10gb, need: {boundary: vm}", "profile", "need.consumer"},
    {"profile: 1g.10gb, need: {memory: 8G}", "profile", "need.consumer"},
    {"profile: 1g.10gb, need: {consumer: host}", NULL, NULL},
    {"profile: 1g.10gb, mode: mig-backed, need: {memory: 8G}", NULL, NULL},
    {"mode: passthrough, type: L40S-8Q, need: {memory: 8G}", "mode", "type"},
    {"mode: passthrough, profile: 1g.10gb, need: {memory: 8G}", "mode", "profile"},
    {"mode: passthrough, start: 1, need: {memory: 8G}", "mode", "start"},
    {"mode: passthrough, need: {liveMigration: true}", "mode", "need.liveMigration"},
    {"mode: passthrough, migratable: true, need: {memory: 8G}", "mode", "need.liveMigration"},
    {"mode: passthrough, need: {mixed: true}", "mode", "need.mixed"},
    {"mode: passthrough, need: {scheduler: fixed-share}", "mode", "need.scheduler"},
    {"mode: passthrough, params: {profiler: true}, need: {memory: 8G}", "mode", "need.params"},
    {"mode: passthrough, need: {params: {console: false}}", "mode", "need.params"},
    {"mode: passthrough, need: {isolation: hardware}", NULL, NULL},
    {"mode: time-sliced, need: {isolation: hardware}", "mode", "need.isolation"},
    {"mode: time-sliced, profile: 1g.10gb, need: {memory: 8G}", "mode", "profile"},
    {"mode: time-sliced, start: 1, need: {memory: 8G}", "mode", "start"},
    {"mode: time-sliced, need: {isolation: memory, predictable: true}", NULL, NULL},
    {"mode: time-sliced-mig-backed, need: {isolation: hardware}", "mode", "need.isolation"},
    {"mode: time-sliced-mig-backed, need: {isolation: hardware, boundary: group}", NULL, NULL},
    {"mode: mig-backed, need: {scheduler: equal-share}", "mode", "need.scheduler"},
    {"guest: linux, need: {guest: windows}", "guest", "need.guest"},
    {"guest: windows, need: {memory: 8G}", NULL, NULL},
    {"mixed: false, need: {mixed: true}", "mixed", "need.mixed"},
    {"migratable: false, need: {liveMigration: true}", "migratable", "need.liveMigration"},
    {"params: {debugger: true}, need: {params: {debugger: false}}", "params", "need.params"},
    {"params: {debugger: true}, need: {params: {profiler: true}}", NULL, NULL},
    {"params: {unifiedMemory: false}, need: {unifiedMemory: true}", "unifiedMemory", "params"},
    {"params: {profiler: true}, need: {consumer: host}", "consumer", "params"},
    {"need: {consumer: host, guest: windows}", "consumer", "guest"},
    {"need: {consumer: host, liveMigration: true}", "consumer", "liveMigration"},
    {"need: {consumer: host, usableMemory: true, memory: 8G}", "consumer", "usableMemory"},
    {"need: {consumer: host, scheduler: fixed-share}", "consumer", "scheduler"},
    {"need: {consumer: host, mixed: true}", "consumer", "mixed"},
    {"need: {peerTraffic: true}", "peerTraffic", "gpus"},
    {"need: {boundary: group}", "boundary", "isolation"},
    {"need: {usableMemory: true}", "usableMemory", "memory"},
    {"need: {predictable: true, scheduler: best-effort}", "predictable", "scheduler"},
};

static void words_that_contradict_are_refused_by_both(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[160];
        char both[80];
        CLEANUP_JSON json_t *json = NULL;
        struct claim claim;
        struct error err = {0};
        snprintf(text, sizeof(text), "{name: c, %s}", rows[i].words);
        assert_int_equal(yaml_read(text, strlen(text), "claim", &json, NULL), 0);
        int r = claim_from_json(json, "claim", "", &claim, &err);
        if ((r == 0) != (rows[i].word == NULL)) {
            fail_msg("%s: %s", rows[i].words, r == 0 ? "accepted" : err.message);
        }
        snprintf(both, sizeof(both), "contradicts \"%s\"", r == 0 ? "" : rows[i].other);
        if (r != 0 &&
            (strstr(err.message, rows[i].word) == NULL || strstr(err.message, both) == NULL)) {
            fail_msg("%s: %s", rows[i].words, err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_that_contradict_are_refused_by_both),
    };
    return cmocka_run_group_tests_name("claim_conflict", tests, NULL, NULL);
}
