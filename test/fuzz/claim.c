/* SPDX-License-Identifier: Apache-2.0 */
/* A claim as a user writes it: what is accepted survives the store's form unchanged. */
#include <string.h>

#include "base/json.h"
#include "fuzz.h"
#include "model/claim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    if (yaml_read((const char *)data, size, "input", &json, NULL) != 0) {
        return 0;
    }
    struct claim claim;
    struct error err = {0};
    if (claim_from_json(json, "input", "", &claim, &err) != 0) {
        fuzz_assert(err.message[0] != '\0', "a refusal says why");
        return 0;
    }
    CLEANUP_JSON json_t *stored = claim_to_json(&claim);
    struct claim again;
    fuzz_assert(claim_from_stored_json(stored, &again, &err) == 0, "the stored form is read");
    CLEANUP_JSON json_t *twice = claim_to_json(&again);
    fuzz_assert(json_equal(stored, twice), "the stored form reads back the same");
    return 0;
}
