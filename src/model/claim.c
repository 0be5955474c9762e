/* SPDX-License-Identifier: Apache-2.0 */
#include "model/claim.h"

#include "base/str.h"

static const char *const mode_names[] = {
    [CLAIM_PASSTHROUGH] = "passthrough",
    [CLAIM_TIME_SLICED] = "time-sliced",
    [CLAIM_MIG_BACKED] = "mig-backed",
    [CLAIM_TIME_SLICED_MIG_BACKED] = "time-sliced-mig-backed",
    [CLAIM_GPU_INSTANCE] = "gpu-instance",
    [CLAIM_MODE_AUTO] = "auto",
};
_Static_assert(ARRAY_SIZE(mode_names) == CLAIM_MODE_COUNT + 1, "every claim mode has a name");

static const char *const state_names[] = {
    [CLAIM_PENDING] = "pending",     [CLAIM_BINDING] = "binding",   [CLAIM_BOUND] = "bound",
    [CLAIM_RELEASING] = "releasing", [CLAIM_RELEASED] = "released", [CLAIM_FAILED] = "failed",
};
_Static_assert(ARRAY_SIZE(state_names) == CLAIM_STATE_COUNT, "every claim state has a name");

const char *claim_mode_name(enum claim_mode mode)
{
    return mode_names[mode];
}

const char *guest_os_name(enum guest_os os)
{
    return os == GUEST_WINDOWS ? "windows" : "linux";
}

const char *claim_state_name(enum claim_state state)
{
    return state_names[state];
}

struct claim *claims_find(const struct claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (str_eq(claims->items[i].name, name)) {
            return &claims->items[i];
        }
    }
    return NULL;
}

bool claim_holds(const struct claim *claim)
{
    return claim->got.set && claim->state != CLAIM_RELEASED;
}
