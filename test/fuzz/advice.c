/* SPDX-License-Identifier: Apache-2.0 */
/* Advice on a need as a user writes it, on one board after the other: ranks count up, what does not
 * serve comes last and says why, and all of it is written as JSON. */
#include "advise/advise.h"

#include <stdlib.h>

#include "advise/advise_json.h"
#include "base/json.h"
#include "fuzz.h"

/* Loaded once; a fuzzer asks millions of times. */
static const struct catalog *the_catalog(void)
{
    static struct catalog *catalog;
    if (catalog == NULL && catalog_load_default(&catalog, NULL) != 0) {
        abort();
    }
    return catalog;
}

static const struct rules *the_rules(void)
{
    static struct rules *rules;
    if (rules == NULL && rules_load_default(&rules, NULL) != 0) {
        abort();
    }
    return rules;
}

static void check(const struct advices *advices)
{
    uint32_t rank = 0;
    bool serves = true;
    for (size_t i = 0; i < advices->n; i++) {
        const struct advice *advice = &advices->items[i];
        bool one = advice->verdict != VERDICT_NO;
        fuzz_assert(serves || !one, "what does not serve comes last");
        fuzz_assert(one ? advice->rank == rank + 1 : advice->rank == 0, "ranks count up");
        fuzz_assert(one || advice->reasons.n > 0, "a refusal says why");
        fuzz_assert((advice->verdict == VERDICT_WITH_CHANGE) == (advice->change[0] != '\0'),
                    "a change is named");
        rank = advice->rank;
        serves = one;
    }
    CLEANUP_JSON json_t *json = advices_to_json(the_rules(), advices);
    fuzz_assert(json != NULL, "all of it is JSON");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    struct need need;
    struct error err = {0};
    if (yaml_read((const char *)data, size, "input", &json, NULL) != 0 ||
        need_from_json(json, "input", "", &need, &err) != 0) {
        return 0;
    }
    size_t board = size; /* each input another one, and the same again */
    for (size_t i = 0; i < size; i++) {
        board = board * 31 + data[i];
    }
    struct advices advices = {0};
    advise_board(the_rules(), catalog_at(the_catalog(), board % catalog_count(the_catalog())),
                 &need, &advices);
    fuzz_assert(advices.n == CLAIM_MODE_COUNT, "each mode has its advice");
    check(&advices);
    advices_done(&advices);
    return 0;
}
