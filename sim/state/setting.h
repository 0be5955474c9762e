/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an administrator sets on a board and the driver only remembers: one number each. Those that
 * also govern what may be created (MIG mode, mixed sizes, scheduler policy) are no settings.
 */
#ifndef SIM_STATE_SETTING_H
#define SIM_STATE_SETTING_H

#include <stdint.h>

/* X(symbol, name, value when the driver starts, kept over that). 0 of a limit or clock: the
 * board's own. */
#define SIM_SETTING_MAP(X)                                                                         \
    X(PERSISTENCE, "persistence", 0, 0)                                                            \
    X(COMPUTE_MODE, "compute_mode", 0, 0)                                                          \
    X(ACCOUNTING, "accounting", 0, 0)                                                              \
    X(DRAIN, "drain", 0, 0)                                                                        \
    X(POWER_LIMIT_MW, "power_limit_mw", 0, 0)                                                      \
    X(APP_GRAPHICS_MHZ, "app_graphics_mhz", 0, 0)                                                  \
    X(APP_MEMORY_MHZ, "app_memory_mhz", 0, 0)                                                      \
    X(LOCK_GRAPHICS_MHZ, "lock_graphics_mhz", 0, 0)                                                \
    X(LOCK_MEMORY_MHZ, "lock_memory_mhz", 0, 0)                                                    \
    X(SCHED_ARR, "sched_arr", 0, 0)                                                                \
    X(SCHED_AVG_FACTOR, "sched_avg_factor", 0, 0)                                                  \
    X(SCHED_FREQUENCY, "sched_frequency", 0, 0)                                                    \
    X(SCHED_TIMESLICE_NS, "sched_timeslice_ns", 0, 0)                                              \
    X(ECC_OFF, "ecc_off", 0, 1)                                                                    \
    X(ECC_OFF_PENDING, "ecc_off_pending", 0, 1)

enum sim_setting {
#define X(sym, name, start, kept) SIM_SET_##sym,
    SIM_SETTING_MAP(X)
#undef X
        SIM_SETTING_COUNT
};

/* The driver starts. */
void sim_settings_start(uint32_t values[SIM_SETTING_COUNT]);
/* A changed ECC mode takes effect: so it does by a reset, too. */
void sim_settings_ecc(uint32_t values[SIM_SETTING_COUNT]);

#endif
