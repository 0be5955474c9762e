/* SPDX-License-Identifier: Apache-2.0 */
/* A need as a user writes it: what is accepted contradicts nothing, and its form is read again. */
#include "model/need.h"

#include "base/json.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    if (yaml_read((const char *)data, size, "input", &json, NULL) != 0) {
        return 0;
    }
    struct need need;
    struct error err = {0};
    if (need_from_json(json, "input", "", &need, &err) != 0) {
        fuzz_assert(err.message[0] != '\0', "a refusal says why");
        return 0;
    }
    fuzz_assert(need_find_conflict(&need) == NULL, "nothing contradicts");
    CLEANUP_JSON json_t *written = need_to_json(&need);
    struct need again;
    fuzz_assert(need_from_json(written, "written", "", &again, &err) == 0, "its form is read");
    CLEANUP_JSON json_t *twice = need_to_json(&again);
    fuzz_assert(json_equal(written, twice), "its form reads back the same");
    return 0;
}
