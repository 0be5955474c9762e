/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated machine under the planner: requests are planned as a dry run plans them, and plans
 * are carried out as the runner and the manager do, claims and GPU records followed. CLEAVE_DATADIR
 * must name the data folder.
 */
#ifndef TEST_LIB_SIM_WORLD_H
#define TEST_LIB_SIM_WORLD_H

#include "plan/planner.h"
#include "sim_machine.h"

struct sim_world {
    const struct catalog *catalog;
    const struct rules *rules;
    struct sim_machine machine;
    struct ports ports;
    struct claims claims;
    struct gpu_records records;
    struct host *host; /* as observed last */
    struct boards *boards;
    struct error err;      /* of the last refusal */
    uint32_t uuids;        /* made so far: repeatable */
    enum plan_moves moves; /* of the plans to come */
};

void sim_world_init(struct sim_world *world, const struct catalog *catalog,
                    const struct rules *rules, const char *boards,
                    const struct sim_host_changes *changes);
void sim_world_done(struct sim_world *world);

/* For a cmocka group: its state has the catalog and the rules, which its worlds borrow. */
int sim_world_set_up(void **state);
int sim_world_tear_down(void **state);
/* One on the heap, over the group's state. */
struct sim_world *sim_world_new(void **state, const char *boards);
void sim_world_free(struct sim_world *world);
DEFINE_FREEP(struct sim_world *, sim_world_free)

/* A fresh look. */
void sim_world_look(struct sim_world *world);
struct planner sim_world_planner(const struct sim_world *world);
/* A dry run, over a fresh look; the claims to add learn what admission found. NULL: world->err. */
struct plan *sim_world_plan(struct sim_world *world, struct claim *add, size_t n_add,
                            const char *const *remove, size_t n_remove, bool allocate);
/* Applies every step; false with the first that was refused in world->err. */
bool sim_world_run(struct sim_world *world, struct plan *plan);

#endif
