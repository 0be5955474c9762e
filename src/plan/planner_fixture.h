/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the planner: the real catalog and rules, and a host in memory that plans are applied
 * to. CLEAVE_DATADIR must name the data folder. */
#ifndef PLAN_PLANNER_FIXTURE_H
#define PLAN_PLANNER_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/str.h"
#include "fake_host.h"
#include "plan/planner.h"
#include "test.h"

#define RTX "0000:41:00.0"
#define A100 "0000:61:00.0"
#define L40S "0000:81:00.0"
#define L40S_2 "0000:a1:00.0"
#define H100 "0000:c1:00.0"

struct fixture {
    struct catalog *catalog;
    struct rules *rules;
    struct fake_host fake;
    struct ports ports;
    struct host *host;
    struct claims claims;
    struct error err;
    struct gpu_records records;
};

static inline struct fake_gpu *add_gpu(struct fixture *f, uint8_t bus, uint32_t id,
                                       uint32_t subsystem, uint32_t slices)
{
    struct fake_gpu *gpu = fake_host_add_gpu(&f->fake, bus, id, subsystem);
    gpu->memory_slices = slices;
    gpu->mig_capable = slices > 0;
    return gpu;
}

static inline int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    assert_int_equal(catalog_load_default(&f->catalog, &f->err), 0);
    assert_int_equal(rules_load_default(&f->rules, &f->err), 0);
    add_gpu(f, 0x41, 0x2bb5, 0x204e, 12)->mig_timeslicing = true;
    add_gpu(f, 0x61, 0x20f1, 0x145f, 8);
    add_gpu(f, 0x81, 0x26b9, NO_ID, 0);
    for (int i = 1; i <= 12; i++) {
        char name[16];
        snprintf(name, sizeof(name), "vm%d", i);
        fake_host_add_vm(&f->fake, name);
    }
    f->ports = fake_ports_new(&f->fake);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    host_free(f->host);
    ports_free(&f->ports);
    catalog_free(f->catalog);
    rules_free(f->rules);
    vec_done(&f->claims);
    vec_done(&f->records);
    free(f);
    return 0;
}

static inline struct claim make(const char *name, const char *vm, const char *type)
{
    struct claim claim = {.spec = {.mode = CLAIM_MODE_AUTO, .start = NO_ID}};
    STR_SET(claim.name, name);
    STR_SET(claim.vm, vm);
    STR_SET(claim.spec.type, type);
    return claim;
}

/* Over a fresh look at the host. */
static inline struct planner planner_now(struct fixture *f)
{
    host_free(f->host);
    f->host = NULL;
    assert_int_equal(ports_observe(&f->ports, &f->host, &f->err), 0);
    return (struct planner){.catalog = f->catalog,
                            .rules = f->rules,
                            .host = f->host,
                            .claims = &f->claims,
                            .records = &f->records};
}

static inline int build_by(struct fixture *f, const struct planner *planner, struct claim *add,
                           size_t n_add, const char *const *remove, size_t n_remove,
                           struct plan **ret_plan)
{
    const struct claim *list[16] = {NULL};
    f->err = (struct error){0};
    for (size_t i = 0; i < n_add; i++) {
        int result = planner_admit(planner, &add[i], &f->err);
        if (result != 0) {
            return result;
        }
        list[i] = &add[i];
    }
    struct plan_request request = {.add = list,
                                   .n_add = n_add,
                                   .remove = remove,
                                   .n_remove = n_remove,
                                   .author = "test",
                                   .new_uuid = id_uuid};
    return planner_build(planner, &request, ret_plan, &f->err);
}

/* Plans; with a fresh look at the host. */
static inline int build(struct fixture *f, struct claim *add, size_t n_add,
                        const char *const *remove, size_t n_remove, struct plan **ret_plan)
{
    const struct planner planner = planner_now(f);
    return build_by(f, &planner, add, n_add, remove, n_remove, ret_plan);
}

static inline void forget(struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->claims.n; i++) {
        if (str_eq(f->claims.items[i].name, name)) {
            vec_remove(&f->claims, i);
            return;
        }
    }
}

/* Applies every step and books the claims, as runner and manager do. */
static inline void apply(struct fixture *f, struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        char text[256];
        int result = ports_check(&f->ports, step, &f->err);
        result = result != 0 ? result : ports_apply(&f->ports, step, &f->err);
        if (result != 0) {
            fail_msg("%s: %s", step_describe(step, text, sizeof(text)), f->err.message);
        }
    }
    for (vec_each(&plan->claims, entry)) {
        forget(f, entry->claim.name);
        if (entry->verb == PLAN_BIND) {
            entry->claim.state = CLAIM_BOUND;
            *vec_push(&f->claims) = entry->claim;
        }
    }
}

/* Plans and applies, or fails the test with the reason. */
static inline struct plan *must(struct fixture *f, struct claim *add, size_t n_add,
                                const char *const *remove, size_t n_remove)
{
    struct plan *plan = NULL;
    if (build(f, add, n_add, remove, n_remove, &plan) != 0) {
        fail_msg("refused: %s", f->err.message);
    }
    apply(f, plan);
    return plan;
}

static inline size_t count(const struct plan *plan, enum step_kind kind)
{
    size_t n = 0;
    for (vec_each(&plan->steps, step)) {
        n += step->kind == kind;
    }
    return n;
}

#endif
