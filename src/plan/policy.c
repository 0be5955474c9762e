/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/policy.h"

#include "base/mem.h"

static const struct policy policies[] = {
    [PURPOSE_CHANGE] = {.redefines = true, .undoes = true},
    [PURPOSE_ALLOCATE] = {.allocates = true, .redefines = true, .undoes = true},
    [PURPOSE_HOOK] = {.allocates = true, .exact_device = true, .undoes = true},
    [PURPOSE_DEALLOCATE] = {.keeps_claims = true, .undoes = true},
    [PURPOSE_MODE] = {.clears = true, .undoes = true, .order = ORDER_OWN_LAST},
    [PURPOSE_RESTORE] = {.allocates = true, .redefines = true},
    [PURPOSE_RECOVER] = {.allocates = true, .redefines = true},
};
_Static_assert(ARRAY_SIZE(policies) == PURPOSE_COUNT, "every purpose has its policy");

const struct policy *policy_of(enum plan_purpose purpose)
{
    return &policies[(unsigned)purpose < PURPOSE_COUNT ? purpose : PURPOSE_CHANGE];
}
