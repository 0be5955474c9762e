/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text: what is accepted is written as YAML that reads back the same. */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_JSON json_t *json = NULL;
    struct error err = {0};
    int result = yaml_read((const char *)data, size, "input", &json, &err);
    if (result != 0) {
        fuzz_assert(err.reason != REASON_NONE && err.message[0] != '\0', "a refusal has a reason");
        return 0;
    }
    CLEANUP_FREE char *text = yaml_text(json);
    CLEANUP_JSON json_t *again = NULL;
    fuzz_assert(yaml_read(text, strlen(text), "again", &again, NULL) == 0, "own output is read");
    fuzz_assert(json_equal(json, again), "own output reads back the same");
    return 0;
}
