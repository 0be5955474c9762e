/* SPDX-License-Identifier: Apache-2.0 */
/* A file of rules and cases: what is accepted can be asked, tried and shown, what is refused says
 * why. */
#include "base/json.h"
#include "base/str.h"
#include "fuzz.h"
#include "rules/cases.h"
#include "rules/rules_json.h"

static void expect_reason(int result, const struct error *err)
{
    fuzz_assert(result == 0 || (err->reason != REASON_NONE && err->message[0] != '\0'),
                "a refusal has a reason");
}

static void ask(const struct rules *rules)
{
    struct error err = {0};
    const struct claim_spec spec = {.mode = CLAIM_MIG_BACKED, .start = NO_ID};
    const struct rule_fault fault = {.kind = "managed-vgpu", .text = "text", .advice = "advice"};
    const struct rule_facts facts = {
        .spec = &spec, .libvirt = "9.0.0", .driver = "580.105.06", .fault = &fault};
    struct checks checks = {0};
    (void)rules_check(rules, &facts, &err);
    rules_judge(rules, &facts, &checks);
    for (enum rule_scope scope = 0; scope < RULE_SCOPE_COUNT; scope++) {
        rules_warn(rules, scope, &facts, &checks);
    }
    rules_check_migration(rules, MIGRATION_OF_DEVICE, "a", NULL, NULL, &checks);
    vec_done(&checks);
}

static void show(const struct rules *rules, const uint8_t *data, size_t size)
{
    struct error err = {0};
    CLEANUP_JSON json_t *list = NULL;
    CLEANUP_JSON json_t *changed = NULL;
    char since[40] = "";
    memcpy(since, data, size < sizeof(since) - 1 ? size : sizeof(since) - 1);
    fuzz_assert(rules_to_json(rules, NULL, &list, &err) == 0 && list != NULL, "rules are shown");
    expect_reason(rules_to_json(rules, since, &changed, &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    CLEANUP(rules_freep) struct rules *again = NULL;
    struct case_results results = {0};
    struct error err = {0};
    int result = rules_read("input", text, size, &rules, &err);
    expect_reason(result, &err);
    if (result != 0) {
        return 0;
    }
    ask(rules);
    show(rules, data, size);
    expect_reason(cases_run_text(rules, "input", text, size, &results, &err), &err);
    vec_done(&results);
    fuzz_assert(rules_read("input", text, size, &again, &err) == 0 &&
                    rules_have_same_own(rules, again),
                "the same text has the same rules");
    return 0;
}
