/* SPDX-License-Identifier: Apache-2.0 */
#include "place/preference.h"

void preference_score(const struct preference *preference, uint32_t keys[PREFERENCE_KEYS])
{
    keys[0] = (uint32_t)preference->what;
    keys[1] = 0;
    keys[2] = 0;
    switch (preference->what) {
    case PREFERENCE_RIGHT_MODE:
        keys[1] = UINT32_MAX - preference->n_claims;
        break;
    case PREFERENCE_IDLE:
        keys[1] = preference->n_members;
        keys[2] = preference->n_claims;
        break;
    case PREFERENCE_OTHER_MODE:
        keys[1] = preference->n_claims;
        break;
    case PREFERENCE_RESERVED:
    case PREFERENCE_BY_HAND:
    case PREFERENCE_TAKES_OTHERS:
    case PREFERENCE_SPOKEN_FOR:
        break;
    }
}
