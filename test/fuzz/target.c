/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: bounded, decoded once, no control characters. */
#include <string.h>

#include "api/target.h"
#include "base/mem.h"
#include "base/str.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *raw = xstrndup((const char *)data, size);
    struct target target = {0};
    struct error err = {0};
    if (target_parse(raw, &target, &err) != 0) {
        fuzz_assert(err.message[0] != '\0', "a refusal says why");
        return 0;
    }
    fuzz_assert(target.n_segments <= TARGET_MAX_SEGMENTS, "segments are bounded");
    for (size_t i = 0; i < target.n_segments; i++) {
        fuzz_assert(str_is_clean(target.segments[i]), "a segment is clean text");
    }
    target_done(&target);
    return 0;
}
