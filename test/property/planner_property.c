/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random claims, releases, VM starts and stops on a host in memory. After every plan: each step was
 * accepted by the hardware in the order planned, every bound claim has its device, nothing that a
 * running VM holds was touched, and in the end nothing is left behind.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/str.h"
#include "fake_host.h"
#include "plan/planner.h"
#include "test.h"

#define SEEDS 300
#define ACTIONS 40

struct world {
    const struct catalog *catalog;
    const struct rules *rules;
    struct fake_host fake;
    struct ports ports;
    struct claims claims;
    uint64_t random;
    uint32_t seed;
    unsigned planned;
    unsigned refused;
};

/* xorshift64*: small, seeded, good enough to pick actions. */
static uint32_t pick(struct world *w, uint32_t n)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (uint32_t)((w->random * UINT64_C(2685821657736338717)) >> 33) % n;
}

static const struct {
    const char *type;
    const char *profile;
    enum claim_mode mode;
    bool mixed;
} wishes[] = {
    {"DC-1-8C", "", CLAIM_MODE_AUTO, false},    {"DC-2-24C", "", CLAIM_MODE_AUTO, false},
    {"DC-1-24C", "", CLAIM_MODE_AUTO, false},   {"A100-1-5C", "", CLAIM_MODE_AUTO, false},
    {"A100-2-10C", "", CLAIM_MODE_AUTO, false}, {"A100-3-20C", "", CLAIM_MODE_AUTO, false},
    {"A100-4-20C", "", CLAIM_MODE_AUTO, false}, {"A100-10C", "", CLAIM_MODE_AUTO, false},
    {"L40S-8Q", "", CLAIM_MODE_AUTO, false},    {"L40S-12Q", "", CLAIM_MODE_AUTO, true},
    {"L40S-24Q", "", CLAIM_MODE_AUTO, true},    {"", "", CLAIM_PASSTHROUGH, false},
    {"", "2g.10gb", CLAIM_MODE_AUTO, false},    {"", "1g.24gb", CLAIM_MODE_AUTO, false},
};

static struct claim wish(struct world *w, unsigned number)
{
    size_t i = pick(w, ARRAY_SIZE(wishes));
    struct claim claim = {
        .spec = {.mode = wishes[i].mode, .start = NO_ID, .mixed = wishes[i].mixed}};
    snprintf(claim.name, sizeof(claim.name), "c%u", number);
    STR_SET(claim.spec.type, wishes[i].type);
    STR_SET(claim.spec.profile, wishes[i].profile);
    if (claim.spec.profile[0] == '\0' && pick(w, 2) == 0) {
        snprintf(claim.vm, sizeof(claim.vm), "vm%u", pick(w, 6));
    }
    return claim;
}

static void fail_at(const struct world *w, const char *what, const char *why)
{
    fail_msg("seed %u: %s: %s", w->seed, what, why);
}

static bool is_held(const struct host *host, const struct step *step)
{
    const struct gpu *gpu = host_find_gpu_addr(host, &step->gpu);
    if (gpu->holder[0] != '\0') {
        return true;
    }
    for (vec_each(&gpu->vgpus, vgpu)) {
        bool same = pci_addr_cmp(&vgpu->vf, &step->device) == 0;
        bool of_gi = step->kind == STEP_GI_DESTROY || step->kind == STEP_CI_DESTROY;
        bool gi = of_gi && step->start != NO_ID && vgpu->gi_id != NO_ID &&
                  gpu_find_gi(gpu, vgpu->gi_id)->start == step->start;
        if (vgpu->holder[0] != '\0' && (same || gi)) {
            return true;
        }
    }
    return false;
}

static void run_steps(struct world *w, const struct host *host, struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        struct error err = {0};
        char text[256];
        step_describe(step, text, sizeof(text));
        bool makes = step->kind == STEP_GI_CREATE || step->kind == STEP_VGPU_CREATE;
        if (!makes && is_held(host, step)) {
            fail_at(w, text, "a running VM holds it");
        }
        int result = ports_check(&w->ports, step, &err);
        result = result != 0 ? result : ports_apply(&w->ports, step, &err);
        if (result != 0) {
            fail_at(w, text, err.message);
        }
    }
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

/* The driver chose the instances: learn them, as the manager does after a plan. */
static void learn(struct world *w)
{
    struct error err = {0};
    struct host *host = NULL;
    assert_int_equal(ports_observe(&w->ports, &host, &err), 0);
    for (size_t i = 0; i < w->claims.n; i++) {
        struct claim *claim = &w->claims.items[i];
        const struct gpu *gpu = host_find_gpu_addr(host, &claim->assigned.gpu);
        bool has_vgpu = claim->spec.type[0] != '\0';
        const struct vgpu *vgpu = has_vgpu ? gpu_find_vgpu_vf(gpu, &claim->assigned.device) : NULL;
        if (has_vgpu && (vgpu == NULL || !str_eq(vgpu->type, claim->spec.type))) {
            fail_at(w, claim->name, "a bound claim has no vGPU of its type");
        }
        if (vgpu != NULL && vgpu->gi_id != NO_ID) {
            claim->assigned.start = gpu_find_gi(gpu, vgpu->gi_id)->start;
        }
        if (claim->spec.mode == CLAIM_PASSTHROUGH && !str_eq(gpu->driver, "vfio-pci")) {
            fail_at(w, claim->name, "a passed-through GPU is not with vfio-pci");
        }
    }
    host_free(host);
}

static void change(struct world *w, const struct claim *add, const char *remove)
{
    struct error err = {0};
    struct host *host = NULL;
    assert_int_equal(ports_observe(&w->ports, &host, &err), 0);
    struct planner planner = {
        .catalog = w->catalog, .rules = w->rules, .host = host, .claims = &w->claims};
    struct claim claim = {0};
    const struct claim *adds[] = {&claim};
    const char *removes[] = {remove};
    int result = 0;
    if (add != NULL) {
        claim = *add;
        result = planner_admit(&planner, &claim, &err);
    }
    CLEANUP(plan_freep) struct plan *plan = NULL;
    struct plan_request request = {.add = adds,
                                   .n_add = add != NULL,
                                   .remove = removes,
                                   .n_remove = remove != NULL,
                                   .new_uuid = id_uuid};
    result = result != 0 ? result : planner_build(&planner, &request, &plan, &err);
    if (result != 0) {
        w->refused++;
        if (err.message[0] == '\0' || result == -REASON_INTERNAL) {
            fail_at(w, "refusal", "says nothing");
        }
        host_free(host);
        return;
    }
    w->planned++;
    run_steps(w, host, plan);
    host_free(host);
    for (vec_each(&plan->claims, entry)) {
        forget(&w->claims, entry->claim.name);
        if (entry->verb == PLAN_BIND) {
            entry->claim.state = CLAIM_BOUND;
            *vec_push(&w->claims) = entry->claim;
        }
    }
    learn(w);
}

static void act(struct world *w, unsigned number)
{
    uint32_t what = pick(w, 10);
    if (what < 6) {
        /* Now and then in place of another, in one plan. */
        char name[NAME_SIZE] = "";
        if (what < 2 && w->claims.n > 0) {
            STR_SET(name, w->claims.items[pick(w, (uint32_t)w->claims.n)].name);
        }
        struct claim claim = wish(w, number);
        change(w, &claim, name[0] != '\0' ? name : NULL);
    } else if (what < 9 && w->claims.n > 0) {
        char name[NAME_SIZE];
        STR_SET(name, w->claims.items[pick(w, (uint32_t)w->claims.n)].name);
        change(w, NULL, name);
    } else {
        struct fake_vm *vm = &w->fake.vms[pick(w, 6)];
        vm->running = !vm->running;
    }
}

static void release_all(struct world *w)
{
    for (size_t i = 0; i < FAKE_VMS; i++) {
        w->fake.vms[i].running = false;
    }
    while (w->claims.n > 0) {
        size_t before = w->claims.n;
        char name[NAME_SIZE];
        STR_SET(name, w->claims.items[0].name);
        change(w, NULL, name);
        if (w->claims.n == before) {
            fail_at(w, name, "can't be released though nothing runs");
        }
    }
    if (fake_host_count_vgpus(&w->fake) != 0 || fake_host_count_gis(&w->fake) != 0) {
        fail_at(w, "end", "orphans are left");
    }
    for (size_t i = 0; i < FAKE_VMS; i++) {
        if (w->fake.vms[i].n_devices != 0) {
            fail_at(w, w->fake.vms[i].name, "a device is left in its definition");
        }
    }
}

static void init_host(struct fake_host *fake)
{
    static const struct {
        uint8_t bus;
        uint32_t id, subsystem, slices;
    } boards[] = {{0x41, 0x2bb5, 0x204e, 12}, {0x61, 0x20f1, 0x145f, 8}, {0x81, 0x26b9, NO_ID, 0}};
    for (size_t i = 0; i < ARRAY_SIZE(boards); i++) {
        struct fake_gpu *gpu =
            fake_host_add_gpu(fake, boards[i].bus, boards[i].id, boards[i].subsystem);
        gpu->memory_slices = boards[i].slices;
        gpu->mig_capable = boards[i].slices > 0;
        gpu->mig_timeslicing = i == 0;
    }
    for (unsigned i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof(name), "vm%u", i);
        fake_host_add_vm(fake, name);
    }
}

static void random_actions_leave_nothing_behind(void **state)
{
    (void)state;
    struct error err = {0};
    CLEANUP(catalog_freep) struct catalog *catalog = NULL;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    assert_int_equal(catalog_load_default(&catalog, &err), 0);
    assert_int_equal(rules_load_default(&rules, &err), 0);
    unsigned planned = 0;
    unsigned refused = 0;
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        struct world w = {.catalog = catalog, .rules = rules, .seed = seed};
        w.random = seed * UINT64_C(0x9e3779b97f4a7c15);
        init_host(&w.fake);
        w.ports = fake_ports_new(&w.fake);
        for (unsigned i = 0; i < ACTIONS; i++) {
            act(&w, i);
        }
        release_all(&w);
        planned += w.planned;
        refused += w.refused;
        ports_free(&w.ports);
        vec_done(&w.claims);
    }
    print_message("# %u plans carried out, %u requests refused\n", planned, refused);
    assert_true(planned > SEEDS * ACTIONS / 4);
    assert_true(refused > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_actions_leave_nothing_behind)};
    return cmocka_run_group_tests_name("planner property", tests, NULL, NULL);
}
