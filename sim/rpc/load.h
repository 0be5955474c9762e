/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How busy a board is, and what follows: power, heat, clocks. Nothing computes on a simulated
 * board, so each running vGPU has a load made from its UUID and the host's seed: a level of its own
 * that wanders over seconds. Everything else follows from the loads. Pure functions of seed, state
 * and time: the same host shows the same curves, and any past moment can be asked for.
 */
#ifndef SIM_RPC_LOAD_H
#define SIM_RPC_LOAD_H

#include "sim/rpc/calls.h"

/* One running vGPU. */
struct load {
    uint64_t seed;
    double cap; /* the most of the board that it can get: its slices, its share */
    bool video; /* may use the video engines */
};

struct load_board {
    const struct rpc_board *facts;
    const struct load *loads;
    uint32_t n_loads;
    uint64_t seed;
    uint32_t limit_mw;     /* power */
    uint32_t graphics_mhz; /* as set; the board's own when nothing is */
    uint32_t memory_mhz;
};

uint64_t load_seed(uint64_t host_seed, const char *name);

/* What one vGPU (index in board->loads) uses of the board at a moment. */
void load_of(const struct load_board *board, uint32_t index, uint64_t at_us,
             struct rpc_usage *ret_usage);
/* The whole board; `at_us` since the host started. The sample's time is left alone. */
void load_sample(const struct load_board *board, uint64_t at_us, struct rpc_sample *ret_sample);
/* °C, of what the last half minute's power made of the seed's ambient air. */
uint32_t load_celsius(const struct load_board *board, uint64_t at_us);

#endif
