/* SPDX-License-Identifier: Apache-2.0 */
#include "sim_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "exec/seat.h"
#include "test.h"

void sim_world_init(struct sim_world *world, const struct catalog *catalog,
                    const struct rules *rules, const char *boards,
                    const struct sim_host_changes *changes)
{
    *world = (struct sim_world){.catalog = catalog, .rules = rules};
    sim_machine_init(&world->machine, boards, changes, catalog);
    world->ports = sim_ports_new(&world->machine);
    world->boards = boards_new(catalog);
}

void sim_world_done(struct sim_world *world)
{
    sim_ports_free(&world->ports);
    sim_machine_done(&world->machine);
    host_free(world->host);
    boards_free(world->boards);
    vec_done(&world->claims);
    vec_done(&world->records);
}

struct group_state {
    struct catalog *catalog;
    struct rules *rules;
};

int sim_world_set_up(void **state)
{
    struct group_state *group = xcalloc(1, sizeof(*group));
    *state = group;
    return catalog_load_default(&group->catalog, NULL) == 0 &&
                   rules_load_default(&group->rules, NULL) == 0
               ? 0
               : -1;
}

int sim_world_tear_down(void **state)
{
    struct group_state *group = *state;
    catalog_free(group->catalog);
    rules_free(group->rules);
    free(group);
    return 0;
}

struct sim_world *sim_world_new(void **state, const char *boards)
{
    const struct group_state *group = *state;
    struct sim_world *world = xcalloc(1, sizeof(*world));
    sim_world_init(world, group->catalog, group->rules, boards, NULL);
    return world;
}

void sim_world_free(struct sim_world *world)
{
    if (world != NULL) {
        sim_world_done(world);
        free(world);
    }
}

void sim_world_look(struct sim_world *world)
{
    host_free(world->host);
    world->host = NULL;
    assert_int_equal(ports_observe(&world->ports, &world->host, &world->err), 0);
    CLEANUP_STRLIST struct strlist warnings = {0};
    boards_update(world->boards, world->host, &warnings);
    assert_int_equal(warnings.n, 0); /* the simulated driver repeats what the catalog says */
}

struct planner sim_world_planner(const struct sim_world *world)
{
    return (struct planner){.catalog = world->catalog,
                            .rules = world->rules,
                            .host = world->host,
                            .claims = &world->claims,
                            .records = &world->records,
                            .boards = world->boards};
}

/* The planner's source of names has no argument to keep a state in. */
static uint32_t uuids;

static void new_uuid(char out[37])
{
    snprintf(out, 37, "00000000-0000-4000-9000-%012x", ++uuids);
}

struct plan *sim_world_plan(struct sim_world *world, struct claim *add, size_t n_add,
                            const char *const *remove, size_t n_remove, bool allocate)
{
    CLEANUP_FREE const struct claim **list = xcalloc(n_add + 1, sizeof(*list));
    sim_world_look(world);
    world->err = (struct error){0};
    struct planner planner = sim_world_planner(world);
    for (size_t i = 0; i < n_add; i++) {
        if (planner_admit(&planner, &add[i], &world->err) != 0) {
            return NULL;
        }
        list[i] = &add[i];
    }
    struct plan_request request = {.add = list,
                                   .n_add = n_add,
                                   .remove = remove,
                                   .n_remove = n_remove,
                                   .purpose = allocate ? PURPOSE_ALLOCATE : PURPOSE_CHANGE,
                                   .moves = world->moves,
                                   .new_uuid = new_uuid};
    struct plan *plan = NULL;
    uuids = world->uuids;
    int r = planner_build(&planner, &request, &plan, &world->err);
    return r == 0 ? plan : NULL;
}

static struct gpu_record *record_of(struct sim_world *world, const struct pci_addr *addr)
{
    struct gpu_record *record = gpu_records_find_addr(&world->records, addr);
    if (record == NULL) {
        record = vec_push(&world->records);
        *record = (struct gpu_record){.addr = *addr};
    }
    return record;
}

static void forget(struct claims *claims, const char *name)
{
    for (size_t i = 0; i < claims->n; i++) {
        if (str_eq(claims->items[i].name, name)) {
            vec_remove(claims, i);
            return;
        }
    }
}

/* The driver chose the instance of a vGPU: learnt when the step is read back. */
static void learn(struct claim *claim, const struct sim_world *world)
{
    struct assignment *got = &claim->assigned;
    const struct gpu *gpu = host_find_gpu_addr(world->host, &got->gpu);
    const struct vgpu *vgpu = gpu == NULL || claim->spec.type[0] == '\0'
                                  ? NULL
                                  : gpu_find_vgpu(gpu, got->mdev_uuid, &got->device);
    const struct gi *gi =
        vgpu != NULL && vgpu->gi_id != NO_ID ? gpu_find_gi(gpu, vgpu->gi_id) : NULL;
    if (gi != NULL) {
        got->gi_id = gi->id;
        got->start = gi->start;
    }
}

static void settle(struct sim_world *world, const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        (void)gpu_record_follow(record_of(world, &step->gpu), plan);
    }
    sim_world_look(world);
    for (vec_each(&plan->claims, entry)) {
        struct claim claim = entry->claim;
        forget(&world->claims, claim.name);
        switch (entry->verb) {
        case PLAN_BIND:
        case PLAN_RESTORE:
            claim.state = CLAIM_BOUND;
            learn(&claim, world);
            *vec_push(&world->claims) = claim;
            break;
        case PLAN_DEALLOCATE:
            claim.state = CLAIM_PENDING;
            claim.assigned = (struct assignment){0};
            *vec_push(&world->claims) = claim;
            break;
        case PLAN_KEEP:
        case PLAN_RELEASE:
            break;
        }
    }
}

bool sim_world_run(struct sim_world *world, struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        struct error err = {0};
        char text[STEP_TEXT_SIZE];
        int r = ports_check(&world->ports, step, &err);
        struct seat seat = {.step = step, .spares = plan->spares.items, .n_spares = plan->spares.n};
        step->gi_id = seat_instance(plan, step);
        if (r == 0) {
            r = seat_needed(step) ? seat_create(&world->ports, &seat, &err)
                                  : ports_apply(&world->ports, step, &err);
        }
        if (r != 0) {
            error_set(&world->err, err.reason, "step", "%s: %s",
                      step_describe(step, text, sizeof(text)), err.message);
            return false;
        }
        step->state = STEP_DONE;
    }
    world->uuids = uuids;
    settle(world, plan);
    return true;
}
