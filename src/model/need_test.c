/* SPDX-License-Identifier: Apache-2.0 */
#include "model/need.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

static int read(const char *text, struct need *ret_need, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    assert_int_equal(yaml_read(text, strlen(text), "need.yaml", &json, NULL), 0);
    return need_from_json(json, "need.yaml", "", ret_need, err);
}

/* Needs as they are typed, and as they are written again. */
static const struct {
    const char *text, *written;
} good[] = {
    {"{}", "{}"},
    {"memory: 20G", "{\"memory\":\"20GiB\"}"},
    {"memory: 20Gi", "{\"memory\":\"20GiB\"}"},
    {"licences: vWS", "{\"licences\":[\"vWS\"]}"},
    {"licences: nvaie", "{\"licences\":[\"NVIDIA AI Enterprise\"]}"},
    {"params: {profiler: true}", "{\"params\":{\"profiler\":true}}"},
    {"memory: 20480M", "{\"memory\":\"20GiB\"}"},
    {"{memory: 1500MiB, usableMemory: true}", "{\"memory\":\"1500MiB\",\"usableMemory\":true}"},
    {"compute: 25%", "{\"compute\":\"25%\"}"},
    {"compute: 25", "{\"compute\":\"25%\"}"},
    {"compute: 2/7", "{\"compute\":\"28%\"}"},
    {"licences: any", "{}"},
    {"licences: none", "{\"licences\":[]}"},
    {"licences: []", "{\"licences\":[]}"},
    {"licences: [NVIDIA AI Enterprise, vPC]", "{\"licences\":[\"vPC\",\"NVIDIA AI Enterprise\"]}"},
    {"{memory: null, isolation: none, gpus: null}", "{}"},
    {"{isolation: hardware, boundary: group, predictable: true, scheduler: fixed-share}",
     "{\"boundary\":\"group\",\"isolation\":\"hardware\",\"predictable\":true,"
     "\"scheduler\":\"fixed-share\"}"},
    {"{gpus: 8, peerTraffic: true}", "{\"gpus\":8,\"peerTraffic\":true}"},
};

static void what_is_stated_is_read_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct error err = {0};
        struct need need;
        if (read(good[i].text, &need, &err) != 0) {
            fail_msg("%s: %s", good[i].text, err.message);
        }
        CLEANUP_JSON json_t *json = need_to_json(&need);
        CLEANUP_FREE char *text = json_text(json);
        assert_string_equal(text, good[i].written);
        struct need again;
        assert_int_equal(need_from_json(json, "again", "", &again, &err), 0);
        CLEANUP_JSON json_t *twice = need_to_json(&again);
        assert_true(json_equal(json, twice));
    }
}

static const struct {
    const char *text, *message; /* a part of it */
} bad[] = {
    {"memory: 20", "memory: has no unit"},
    {"memory: 20.5", "memory: has no unit"},
    {"memory: \"20\"", "\"20\" is no amount of memory"},
    {"memory: ''", "\"\" is no amount of memory"}, /* a template's variable that was not set */
    {"compute: ''", "\"\" is no share"},
    {"memory: 20X", "\"20X\" is no amount of memory"},
    {"memory: 0G", "no amount"},
    {"memory: 99999999T", "no amount"},
    {"memory: -1G", "no amount"},
    {"compute: 101%", "\"101%\" is no share"},
    {"compute: 0", "compute: "},
    {"compute: 8/7", "no share"},
    {"compute: 1/0", "no share"},
    {"compute: x", "no share"},
    {"isolation: hardwar", "hardware"},
    {"memry: 20G", "memory"},
    {"gpus: 0", "gpus: "},
    {"gpus: 17", "gpus: "},
    {"count: 100000", "count: "},
    {"licences: some", "\"some\""},
    {"licences: [vGPU]", "\"vGPU\" is none of them"},
    {"licences: [3]", "is none of them"},
    {"licences: [vWS, '']", "\"\" is none of them"},
    {"licences: ''", "\"\" is none of them"},
    {"licences: 3", "licences: "},
    {"memory: ' 8G'", "\" 8G\" is no amount"},
    {"memory: '8G '", "\"8G \" is no amount"},
    {"memory: 8 G", "\"8 G\" is no amount"},
    {"memory: 1.5G", "\"1.5G\" is no amount"},
    {"memory: 1e3G", "\"1e3G\" is no amount"},
    {"memory: +8G", "\"+8G\" is no amount"},
    {"memory: 0x8G", "\"0x8G\" is no amount"},
    {"memory: 8Gbit", "\"8Gbit\" is no amount"},
    {"memory: G", "\"G\" is no amount"},
    {"memory: NaN", "\"NaN\" is no amount"},
    {"memory: 8,5G", "\"8,5G\" is no amount"},
    {"memory: 99999999999999999999G", "is no amount"},
    {"memory: 4194305G", "is no amount"},
    {"memory: true", "memory: "},
    {"memory: [8G]", "memory: "},
    {"memory: {size: 8G}", "memory: "},
    {"compute: -25", "compute: "},
    {"compute: 25.5", "compute: "},
    {"compute: '25 %'", "\"25 %\" is no share"},
    {"compute: '%'", "\"%\" is no share"},
    {"compute: '2/'", "\"2/\" is no share"},
    {"compute: '0/7'", "\"0/7\" is no share"},
    {"compute: 99999999999999999999%", "is no share"},
    {"gpus: -1", "gpus: "},
    {"gpus: 1.5", "gpus: "},
    {"gpus: ''", "gpus: "},
    {"count: 0", "count: "},
    {"count: ''", "count: "},
    {"isolation: ''", "isolation: "},
    {"guest: ''", "guest: "},
    {"scheduler: ''", "scheduler: "},
    {"graphics: ''", "graphics: "},
    {"params: {profiler: ''}", "profiler"},
    {"params: {profilr: true}", "profilr"},
    {"{unifiedMemory: true, params: {unifiedMemory: false}}", "contradicts \"params\""},
    {"[]", "must be an object"},
    {"{consumer: host, guest: windows}", "consumer: contradicts \"guest\""},
    {"{consumer: host, liveMigration: true}", "contradicts \"liveMigration\""},
    {"{consumer: host, memory: 8G, usableMemory: true}", "contradicts \"usableMemory\""},
    {"{consumer: host, isolation: hardware, boundary: group}", "contradicts \"boundary\""},
    {"{consumer: host, scheduler: fixed-share}", "contradicts \"scheduler\""},
    {"{consumer: host, mixed: true}", "contradicts \"mixed\""},
    {"peerTraffic: true", "peerTraffic: contradicts \"gpus\""},
    {"{peerTraffic: true, gpus: 1}", "peerTraffic: contradicts \"gpus\""},
    {"{gpus: 2, count: 4}", "gpus: contradicts \"count\""},
    {"boundary: group", "boundary: contradicts \"isolation\""},
    {"usableMemory: true", "usableMemory: contradicts \"memory\""},
    {"{predictable: true, scheduler: best-effort}", "predictable: contradicts \"scheduler\""},
    {"{predictable: true, scheduler: equal-share}", "predictable: contradicts \"scheduler\""},
};

static void bad_needs_are_refused_with_the_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct error err = {0};
        struct need need = {.memory_mib = 1};
        assert_int_equal(read(bad[i].text, &need, &err), -REASON_INVALID);
        assert_int_equal(need.memory_mib, 1);
        if (strstr(err.message, bad[i].message) == NULL) {
            fail_msg("%s: %s", bad[i].text, err.message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stated_is_read_and_written),
        cmocka_unit_test(bad_needs_are_refused_with_the_word),
    };
    return cmocka_run_group_tests_name("need", tests, NULL, NULL);
}
