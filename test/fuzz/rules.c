/* SPDX-License-Identifier: Apache-2.0 */
/* A file of rules: what is accepted can be asked and shown, what is refused says why. */
#include "base/json.h"
#include "fuzz.h"
#include "rules/rules_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    if (rules_read("input", (const char *)data, size, &rules, &err) != 0) {
        fuzz_assert(err.reason != REASON_NONE && err.message[0] != '\0', "a refusal has a reason");
        return 0;
    }
    const struct claim_spec spec = {.mode = CLAIM_MIG_BACKED, .start = NO_ID};
    const struct rule_facts facts = {.spec = &spec, .libvirt = "9.0.0", .driver = "580.105.06"};
    struct checks checks = {0};
    CLEANUP_JSON json_t *list = NULL;
    (void)rules_check(rules, &facts, &err);
    rules_judge(rules, &facts, &checks);
    rules_check_migration(rules, MIGRATION_OF_DEVICE, "a", NULL, NULL, &checks);
    vec_done(&checks);
    fuzz_assert(rules_to_json(rules, NULL, &list, &err) == 0 && list != NULL, "rules are shown");
    return 0;
}
