/* SPDX-License-Identifier: Apache-2.0 */
/* Which VMs keep a GPU from its recovery, when boards sit at other addresses than before. */
#include "plan/recover.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "plan/restore.h"
#include "test.h"

#define A "GPU-aaaaaaaa-0000-0000-0000-000000000001"
#define B "GPU-bbbbbbbb-0000-0000-0000-000000000002"

struct scene {
    struct host *host;
    struct claims claims;
    struct gpu_records records;
};

static void scene_done(struct scene *scene)
{
    host_free(scene->host);
    vec_done(&scene->claims);
    vec_done(&scene->records);
}

static struct gpu *add_gpu(struct scene *scene, uint8_t bus, const char *uuid)
{
    struct gpu *gpu = host_add_gpu(scene->host, &(struct pci_addr){.bus = bus});
    STR_SET(gpu->uuid, uuid);
    STR_SET(gpu->driver, "nvidia");
    STR_SET(gpu->reset_methods, "flr");
    return gpu;
}

static void add_claim(struct scene *scene, const char *name, uint8_t bus, const char *uuid)
{
    struct claim *claim = vec_push(&scene->claims);
    STR_SET(claim->name, name);
    STR_SET(claim->vm, name);
    STR_SET(claim->assigned.gpu_uuid, uuid);
    claim->state = CLAIM_BOUND;
    claim->assigned.set = true;
    claim->assigned.gpu = claim->assigned.device = (struct pci_addr){.bus = bus};
}

static int recover(const struct scene *scene, const char *gpu, struct error *err)
{
    struct planner planner = {
        .host = scene->host, .claims = &scene->claims, .records = &scene->records};
    struct plan *plan = NULL;
    *err = (struct error){0};
    int r = planner_recover(&planner, gpu, "tester", &plan, err);
    plan_free(plan);
    return r;
}

#define SCENE(name) CLEANUP(scene_done) struct scene name = {.host = host_new()}

/* A's claim is stored under the address that it had before the boards were shifted. */
static void a_board_that_moved_is_kept_by_its_own_claims(void **state)
{
    (void)state;
    SCENE(scene);
    struct error err;
    STR_SET(add_gpu(&scene, 0x27, A)->problem, "GPU requires reset");
    STR_SET(add_gpu(&scene, 0x26, B)->problem, "GPU requires reset");
    add_claim(&scene, "a", 0x26, A);
    STR_SET(scene.host->libvirt_problem, "libvirt does not answer");
    assert_int_equal(recover(&scene, "0000:27:00.0", &err), -REASON_UNAVAILABLE);
    assert_int_equal(recover(&scene, A, &err), -REASON_UNAVAILABLE);
}

static void an_address_that_a_board_left_for_another_has_nothing_to_recover(void **state)
{
    (void)state;
    SCENE(scene);
    struct error err;
    add_gpu(&scene, 0x27, A);
    add_claim(&scene, "a", 0x26, A);
    struct gpu_record *record = vec_push(&scene.records);
    *record = (struct gpu_record){.addr = {.bus = 0x26}};
    STR_SET(record->uuid, A);
    assert_int_equal(recover(&scene, "0000:26:00.0", &err), -REASON_NOT_FOUND);
    scene.host->gpus.n = 0; /* it is lost, and may be there */
    assert_int_equal(recover(&scene, "0000:26:00.0", &err), 0);
    assert_int_equal(recover(&scene, A, &err), 0);
    assert_int_equal(recover(&scene, B, &err), -REASON_NOT_FOUND);
}

static void a_board_in_the_place_of_a_lost_one_is_not_taken_for_it(void **state)
{
    (void)state;
    SCENE(scene);
    struct error err;
    struct gpu *b = add_gpu(&scene, 0x26, "");
    STR_SET(b->seen_uuid, B); /* it is passed through */
    STR_SET(b->driver, "vfio-pci");
    add_claim(&scene, "a", 0x26, A);
    struct gpu_record *record = vec_push(&scene.records);
    *record = (struct gpu_record){.addr = {.bus = 0x26}, .quarantine = {.set = true}};
    STR_SET(record->uuid, A);
    assert_int_equal(recover(&scene, "0000:26:00.0", &err), -REASON_CONFLICT);
    assert_non_null(strstr(err.message, "is not quarantined"));
    assert_int_equal(recover(&scene, A, &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "another GPU is at its address 0000:26:00.0"));
    STR_SET(b->problem, "it does not answer");
    STR_SET(scene.host->libvirt_problem, "libvirt does not answer");
    b->reset_methods[0] = '\0';
    assert_int_equal(recover(&scene, "0000:26:00.0", &err), -REASON_UNSUPPORTED); /* A's VM is no
                                                                                   * matter */
}

/* One step of two is all that can be planned: the plan says so, and whose devices follow. */
static void a_plan_for_a_board_that_is_off_the_bus_says_what_is_known_later(void **state)
{
    (void)state;
    static const struct {
        const char *claims[2];
        const char *words;
    } rows[] = {{{NULL}, "which steps GPU 0000:26:00.0 needs once it is back on the bus"},
                {{"a"}, "these claims: a; the run finds out once GPU 0000:26:00.0 is back"},
                {{"a", "b"}, "these claims: a, b; the run"}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        SCENE(scene);
        struct error err = {0};
        struct gpu_record *record = vec_push(&scene.records);
        *record = (struct gpu_record){.addr = {.bus = 0x26}, .quarantine = {.set = true}};
        STR_SET(record->uuid, A);
        for (size_t k = 0; k < ARRAY_SIZE(rows[i].claims) && rows[i].claims[k] != NULL; k++) {
            add_claim(&scene, rows[i].claims[k], 0x26, A);
        }
        add_claim(&scene, "other", 0x27, B);
        struct planner planner = {
            .host = scene.host, .claims = &scene.claims, .records = &scene.records};
        CLEANUP(plan_freep) struct plan *plan = NULL;
        assert_int_equal(planner_recover(&planner, "0000:26:00.0", "tester", &plan, &err), 0);
        assert_int_equal(plan->steps.n, 1);
        assert_non_null(strstr(plan->later, rows[i].words));
        assert_null(strstr(plan->later, "other"));
        CLEANUP_JSON json_t *json = plan_to_json(plan);
        assert_int_equal(json_array_size(json_object_get(json, "notChecked")), 2);
        plan->state = PLAN_DONE;
        CLEANUP_JSON json_t *over = plan_to_json(plan);
        assert_null(json_object_get(over, "notChecked"));
    }
}

/* Bound to vfio-pci it tells no UUID, and is the board that the driver had there. */
static void a_board_that_moved_and_is_passed_through_is_found(void **state)
{
    (void)state;
    SCENE(scene);
    add_gpu(&scene, 0x26, B);
    struct gpu *a = add_gpu(&scene, 0x27, "");
    STR_SET(a->seen_uuid, A);
    STR_SET(a->driver, "vfio-pci");
    add_claim(&scene, "a", 0x26, A);
    assert_true(restore_gpu_of(scene.host, &scene.claims.items[0]) ==
                host_find_gpu_addr(scene.host, &(struct pci_addr){.bus = 0x27}));
    scene.host->gpus.n = 1;
    assert_null(restore_gpu_of(scene.host, &scene.claims.items[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_that_moved_is_kept_by_its_own_claims),
        cmocka_unit_test(an_address_that_a_board_left_for_another_has_nothing_to_recover),
        cmocka_unit_test(a_board_that_moved_and_is_passed_through_is_found),
        cmocka_unit_test(a_plan_for_a_board_that_is_off_the_bus_says_what_is_known_later),
        cmocka_unit_test(a_board_in_the_place_of_a_lost_one_is_not_taken_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
