/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as the store keeps it: what is accepted survives being written again. */
#include "model/plan.h"
#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    if (json_read((const char *)data, size, "input", &json, NULL) != 0) {
        return 0;
    }
    CLEANUP(plan_freep) struct plan *plan = NULL;
    if (plan_from_stored_json(json, &plan, NULL) != 0) {
        return 0;
    }
    CLEANUP_JSON json_t *stored = plan_to_json(plan);
    CLEANUP(plan_freep) struct plan *again = NULL;
    fuzz_assert(plan_from_stored_json(stored, &again, NULL) == 0, "the stored form is read");
    CLEANUP_JSON json_t *twice = plan_to_json(again);
    fuzz_assert(json_equal(stored, twice), "the stored form reads back the same");
    return 0;
}
