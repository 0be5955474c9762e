/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

const char *words_name(const struct words *words, uint32_t value)
{
    const char *name = value < words->n ? words->rows[value].name : NULL;
    if (name == NULL) {
        log_error("bug: %u is no %s", value, words->what);
        abort();
    }
    return name;
}

bool words_find(const struct words *words, const char *name, uint32_t *ret_value)
{
    for (uint32_t i = 0; name != NULL && i < words->n; i++) {
        if (words->rows[i].name != NULL && str_eq(words->rows[i].name, name)) {
            *ret_value = i;
            return true;
        }
    }
    return false;
}
