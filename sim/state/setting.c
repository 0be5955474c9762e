/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/state/setting.h"

#include <stdbool.h>
#include <stddef.h>

static const struct {
    uint32_t start;
    bool kept;
} settings[SIM_SETTING_COUNT] = {
#define X(sym, text, value, stays) [SIM_SET_##sym] = {.start = (value), .kept = (stays)},
    SIM_SETTING_MAP(X)
#undef X
};

void sim_settings_ecc(uint32_t values[SIM_SETTING_COUNT])
{
    values[SIM_SET_ECC_OFF] = values[SIM_SET_ECC_OFF_PENDING];
}

void sim_settings_start(uint32_t values[SIM_SETTING_COUNT])
{
    for (size_t i = 0; i < SIM_SETTING_COUNT; i++) {
        values[i] = settings[i].kept ? values[i] : settings[i].start;
    }
    sim_settings_ecc(values);
}
