/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/rpc/load.h"

#include <math.h>

#define STEP_US 4000000u /* a load wanders from level to level in that time */
#define HEAT_STEPS 8u    /* of STEP_US: how long heat is remembered */
#define IDLE_OF_LIMIT 0.12
#define PEAK_OF_LIMIT 1.08 /* full load would draw that: the power cap is met */
#define AMBIENT_CELSIUS 26u
#define MHZ_STEP 15u
#define IDLE_MEMORY_MHZ 405u
#define REASON_IDLE 0x1u
#define REASON_POWER_CAP 0x4u
#define PSTATE_IDLE 8u

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* 0 to 1. */
static double draw(uint64_t seed, uint64_t n)
{
    return (double)(mix(seed + n * 0x9e3779b97f4a7c15u) >> 11) / (double)(1ull << 53);
}

uint64_t load_seed(uint64_t host_seed, const char *name)
{
    uint64_t hash = mix(host_seed) ^ 0xcbf29ce484222325u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    }
    return hash;
}

/* 0 to 1, without jumps. */
static double wander(uint64_t seed, uint64_t at_us)
{
    uint64_t step = at_us / STEP_US;
    double within = (double)(at_us % STEP_US) / STEP_US;
    double smooth = within * within * (3 - 2 * within);
    return draw(seed, step) * (1 - smooth) + draw(seed, step + 1) * smooth;
}

/* What a load wants of the board, before it is capped. */
static double wanted(const struct load *load, uint64_t at_us)
{
    double level = 0.25 + 0.5 * draw(load->seed, UINT64_MAX);
    return fmax(0.02, fmin(1, level + 0.5 * (wander(load->seed, at_us) - 0.5)));
}

/* What it gets: its cap, and less when all together want more than there is. */
static double granted(const struct load_board *board, uint32_t index, uint64_t at_us)
{
    double all = 0;
    for (uint32_t i = 0; i < board->n_loads; i++) {
        all += fmin(wanted(&board->loads[i], at_us), 1) * board->loads[i].cap;
    }
    double own = wanted(&board->loads[index], at_us) * board->loads[index].cap;
    return all > 1 ? own / all : own;
}

static uint32_t percent(double part)
{
    return (uint32_t)lround(100 * fmax(0, fmin(1, part)));
}

void load_of(const struct load_board *board, uint32_t index, uint64_t at_us,
             struct rpc_usage *ret_usage)
{
    const struct load *load = &board->loads[index];
    double part = granted(board, index, at_us);
    double video = load->video ? part * draw(load->seed, UINT64_MAX - 1) : 0;
    *ret_usage = (struct rpc_usage){.sm = percent(part),
                                    .memory = percent(part * 0.6 * wander(~load->seed, at_us)),
                                    .encoder = percent(video * 0.5),
                                    .decoder = percent(video * 0.3)};
}

/* Power that the load would draw, were there no limit. */
static double demanded_mw(const struct load_board *board, double busy)
{
    double full = board->facts->power_mw;
    return full * (IDLE_OF_LIMIT + (PEAK_OF_LIMIT - IDLE_OF_LIMIT) * pow(busy, 0.8));
}

static double busy_at(const struct load_board *board, uint64_t at_us)
{
    double busy = 0;
    for (uint32_t i = 0; i < board->n_loads; i++) {
        busy += granted(board, i, at_us);
    }
    return fmin(1, busy);
}

static void fill_clocks(const struct load_board *board, double demand, struct rpc_sample *out)
{
    const struct rpc_board *facts = board->facts;
    if (board->n_loads == 0) {
        out->graphics_mhz = facts->lowest_mhz;
        out->memory_mhz = facts->hbm ? board->memory_mhz : IDLE_MEMORY_MHZ;
        out->video_mhz = facts->lowest_mhz + (facts->video_mhz - facts->lowest_mhz) / 3;
        out->pstate = facts->hbm ? 0 : PSTATE_IDLE;
        out->reasons = REASON_IDLE;
        return;
    }
    double slow = demand > board->limit_mw ? sqrt(board->limit_mw / demand) : 1;
    uint32_t mhz = (uint32_t)(board->graphics_mhz * slow) / MHZ_STEP * MHZ_STEP;
    out->graphics_mhz = mhz > facts->lowest_mhz ? mhz : facts->lowest_mhz;
    out->memory_mhz = board->memory_mhz;
    out->video_mhz = (uint32_t)(facts->video_mhz * slow);
    out->reasons = slow < 1 ? REASON_POWER_CAP : 0;
}

void load_sample(const struct load_board *board, uint64_t at_us, struct rpc_sample *ret_sample)
{
    struct rpc_sample sample = {.time_us = ret_sample->time_us};
    for (uint32_t i = 0; i < board->n_loads; i++) {
        struct rpc_usage one;
        load_of(board, i, at_us, &one);
        sample.usage.memory += one.memory;
        sample.usage.encoder += one.encoder;
        sample.usage.decoder += one.decoder;
    }
    double busy = busy_at(board, at_us);
    sample.usage.sm = percent(busy);
    double demand = demanded_mw(board, busy) * (0.98 + 0.04 * wander(board->seed, at_us * 3));
    sample.power_mw = (uint32_t)fmin(demand, board->limit_mw);
    sample.pcie_tx_kib = (uint32_t)(500 + 900000 * busy * wander(board->seed ^ 1, at_us));
    sample.pcie_rx_kib = (uint32_t)(550 + 700000 * busy * wander(board->seed ^ 2, at_us));
    fill_clocks(board, demand, &sample);
    *ret_sample = sample;
}

uint32_t load_celsius(const struct load_board *board, uint64_t at_us)
{
    double heat = 0;
    for (uint32_t i = 0; i < HEAT_STEPS; i++) {
        uint64_t back = (uint64_t)i * STEP_US;
        double busy = busy_at(board, at_us > back ? at_us - back : 0);
        heat += fmin(demanded_mw(board, busy), board->limit_mw) / board->facts->power_mw;
    }
    uint32_t ambient = AMBIENT_CELSIUS + (uint32_t)(board->seed % 5);
    double rise = (board->facts->max_celsius - 6.0 - ambient) * heat / HEAT_STEPS;
    return ambient + (uint32_t)lround(rise);
}
