/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

#define NAME(sym, name, text) WORD(FACT_##sym, name),
WORDS_DEFINE(migration_fact_words, "fact", MIGRATION_FACT_COUNT, MIGRATION_FACT_MAP(NAME))
#undef NAME

WORDS_DEFINE(check_result_words, "result", CHECK_FAILED + 1, WORD(CHECK_OK, "ok"),
             WORD(CHECK_WARNING, "warning"), WORD(CHECK_UNKNOWN, "unknown"),
             WORD(CHECK_FAILED, "failed"))

void checks_done(struct checks *checks)
{
    vec_done(checks);
}

const struct check *checks_refusal(const struct checks *checks, bool strict)
{
    for (vec_each(checks, check)) {
        if (check->result == CHECK_FAILED || (strict && check->result != CHECK_OK)) {
            return check;
        }
    }
    return NULL;
}
