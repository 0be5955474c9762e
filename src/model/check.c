/* SPDX-License-Identifier: Apache-2.0 */
#include "model/check.h"

static const char *const fact_names[] = {
#define MIGRATION_FACT_NAME(sym, name, text) [FACT_##sym] = name,
    MIGRATION_FACT_MAP(MIGRATION_FACT_NAME)
#undef MIGRATION_FACT_NAME
};
_Static_assert(ARRAY_SIZE(fact_names) == MIGRATION_FACT_COUNT, "every fact has a name");

static const char *const result_names[] = {
    [CHECK_OK] = "ok",
    [CHECK_WARNING] = "warning",
    [CHECK_UNKNOWN] = "unknown",
    [CHECK_FAILED] = "failed",
};

const char *migration_fact_name(enum migration_fact fact)
{
    return fact_names[fact];
}

const char *check_result_name(enum check_result result)
{
    return result_names[result];
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
