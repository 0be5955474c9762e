/* SPDX-License-Identifier: Apache-2.0 */
/* Things that stay a claim's when its VM is off, the host was rebooted, or someone changed the
 * mode. */
#include <string.h>

#include "plan/planner_fixture.h"
#include "plan/restore.h"

static struct plan *draw(struct fixture *f, const struct claim *claim)
{
    struct plan *plan = NULL;
    host_free(f->host);
    f->host = NULL;
    assert_int_equal(ports_observe(&f->ports, &f->host, &f->err), 0);
    struct planner planner = {
        .catalog = f->catalog, .rules = f->rules, .host = f->host, .claims = &f->claims};
    const struct claim *add[] = {claim};
    struct plan_request request = {
        .add = add, .n_add = 1, .purpose = PURPOSE_ALLOCATE, .author = "test", .new_uuid = id_uuid};
    assert_int_equal(planner_build(&planner, &request, &plan, &f->err), 0);
    return plan;
}

static void what_a_vm_names_already_is_drawn_without_touching_its_definition(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make("later", "vm1", "L40S-8Q");
    claim.spec.hold = CLAIM_ON_DEMAND;
    CLEANUP(plan_freep) struct plan *parked = must(f, &claim, 1, NULL, 0);
    assert_int_equal(count(parked, STEP_ATTACH), 1);
    claim = parked->claims.items[0].claim;
    *vec_push(&f->claims) = claim;
    CLEANUP(plan_freep) struct plan *drawn = draw(f, &claim);
    assert_int_equal(count(drawn, STEP_VGPU_CREATE), 1);
    assert_int_equal(count(drawn, STEP_ATTACH), 0); /* its undo would take the name out */

    fake_host_vm(&f->fake, "vm1")->n_devices = 0;
    CLEANUP(plan_freep) struct plan *again = draw(f, &claim);
    assert_int_equal(count(again, STEP_ATTACH), 1);
}

/* Another tool deleted the claim's vGPU and made one of another type on the same function. */
static void what_another_tool_made_in_a_claims_place_is_left_alone(void **state)
{
    static const struct {
        const char *type, *other;
    } rows[] = {{"L40S-8Q", "L40S-8A"},
                {"L40S-8Q", "L40S-12Q"},
                {"DC-1-24C", "RTX Pro 6000 Blackwell DC-1-8C"}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *const names[] = {"one"};
        struct claim claim = make("one", "vm1", rows[i].type);
        CLEANUP(plan_freep) struct plan *made = must(f, &claim, 1, NULL, 0);
        const struct assignment *got = &made->claims.items[0].claim.assigned;
        struct fake_gpu *gpu = fake_host_gpu(&f->fake, &got->gpu);
        struct fake_vf *vf = &gpu->vfs[got->device.device * 8 + got->device.function - 4];
        assert_non_null(strstr(vf->type, rows[i].type));
        STR_SET(vf->type, rows[i].other);
        vf->type_id += 1000;
        CLEANUP(plan_freep) struct plan *plan = must(f, NULL, 0, names, 1);
        assert_int_equal(count(plan, STEP_VGPU_DELETE), 0);
        assert_int_equal(count(plan, STEP_GI_DESTROY), 0);
        assert_int_equal(count(plan, STEP_DETACH), 1);
        assert_int_equal(plan->claims.n, 1);
        assert_int_equal(plan->left.n, 1);
        assert_non_null(strstr(plan->left.items[0].text, rows[i].other));
        assert_string_equal(vf->type, rows[i].other);
        CLEANUP_JSON json_t *json = plan_to_json(plan);
        CLEANUP(plan_freep) struct plan *read = NULL;
        assert_int_equal(plan_from_stored_json(json, &read, &f->err), 0);
        assert_string_equal(read->left.items[0].text, plan->left.items[0].text);
        *vf = (struct fake_vf){0};
        struct claim again = make("one", "vm1", rows[i].type);
        CLEANUP(plan_freep) struct plan *second = must(f, &again, 1, NULL, 0);
        CLEANUP(plan_freep) struct plan *gone = must(f, NULL, 0, names, 1);
        assert_int_equal(count(gone, STEP_VGPU_DELETE), 1);
        assert_int_equal(gone->left.n, 0);
    }
}

struct company {
    const char *other; /* another tool's, on the instance; "" none */
    enum restore_outcome outcome;
    size_t n_created;
};

/* After a reboot another tool made the instance, and its own vGPU on it. */
static void restore_in_company(struct fixture *f, const char *type, const struct company *rows,
                               size_t n)
{
    struct claim claim = make("one", "vm1", type);
    CLEANUP(plan_freep) struct plan *made = must(f, &claim, 1, NULL, 0);
    const struct assignment *got = &made->claims.items[0].claim.assigned;
    struct fake_gpu *gpu = fake_host_gpu(&f->fake, &got->gpu);
    struct fake_vf *vf = &gpu->vfs[got->device.device * 8 + got->device.function - FAKE_VF_OFFSET];
    struct fake_vf *another = vf == &gpu->vfs[5] ? &gpu->vfs[6] : &gpu->vfs[5];
    *another = *vf;
    *vf = (struct fake_vf){0};
    for (size_t i = 0; i < n; i++) {
        STR_SET(another->type, rows[i].other);
        another->type_id++;
        host_free(f->host);
        f->host = NULL;
        assert_int_equal(ports_observe(&f->ports, &f->host, &f->err), 0);
        struct planner planner = {
            .catalog = f->catalog, .rules = f->rules, .host = f->host, .claims = &f->claims};
        struct restore_request request = {.gpu = host_find_gpu_addr(f->host, &got->gpu)};
        struct restoration restoration = {0};
        planner_restore(&planner, &request, &restoration);
        assert_int_equal(restoration.claims.items[0].outcome, rows[i].outcome);
        assert_int_equal(count(restoration.plan, STEP_VGPU_CREATE), rows[i].n_created);
        assert_true(rows[i].n_created == 1 ||
                    strstr(restoration.claims.items[0].why.message, rows[i].other) != NULL);
        restoration_done(&restoration);
    }
}

static void an_instance_with_another_tools_vgpu_is_not_restored_to_who_wants_it_alone(void **state)
{
    static const struct company rows[] = {{"", RESTORE_COMES, 1}, {"DC-1-8C", RESTORE_BLOCKED, 0}};
    restore_in_company(*state, "DC-1-24C", rows, ARRAY_SIZE(rows));
}

/* One that takes no turns, or is of another size, leaves no room for it. */
static void a_share_of_an_instance_is_restored_next_to_another_tools_of_its_size_only(void **state)
{
    static const struct company rows[] = {{"", RESTORE_COMES, 1},
                                          {"DC-1-8C", RESTORE_COMES, 1},
                                          {"DC-1-24C", RESTORE_BLOCKED, 0},
                                          {"DC-1-12C", RESTORE_BLOCKED, 0}};
    restore_in_company(*state, "DC-1-8C", rows, ARRAY_SIZE(rows));
}

static void a_vm_is_not_named_one_gpu_twice(void **state)
{
    struct fixture *f = *state;
    struct claim one = make("one", "vm1", "");
    one.spec.mode = CLAIM_PASSTHROUGH;
    one.spec.hold = CLAIM_ON_DEMAND;
    STR_SET(one.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *parked = must(f, &one, 1, NULL, 0);
    *vec_push(&f->claims) = parked->claims.items[0].claim;
    struct claim again = one;
    STR_SET(again.name, "again");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &again, 1, NULL, 0, &none), -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "\"one\""));
    again.spec.hold = CLAIM_HELD;
    assert_int_equal(build(f, &again, 1, NULL, 0, &none), -REASON_CONFLICT);
    again.spec.hold = CLAIM_ON_DEMAND;
    STR_SET(again.vm, "vm2"); /* one of them can start */
    CLEANUP(plan_freep) struct plan *other = must(f, &again, 1, NULL, 0);
    assert_int_equal(count(other, STEP_ATTACH), 1);
}

static void places_that_a_reboot_took_stay_those_of_their_claims(void **state)
{
    struct fixture *f = *state;
    struct claim bare = make("bare", "", "");
    STR_SET(bare.spec.profile, "3g.20gb");
    struct claim shared = make("shared", "", "DC-1-8C");
    CLEANUP(plan_freep) struct plan *one = must(f, &bare, 1, NULL, 0);
    CLEANUP(plan_freep) struct plan *two = must(f, &shared, 1, NULL, 0);
    struct assignment first = claims_find(&f->claims, "bare")->assigned;
    fake_host_reboot(&f->fake);

    STR_SET(bare.name, "another");
    CLEANUP(plan_freep) struct plan *three = must(f, &bare, 1, NULL, 0);
    assert_int_not_equal(claims_find(&f->claims, "another")->assigned.start, first.start);
    STR_SET(bare.name, "third");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &bare, 1, NULL, 0, &none), -REASON_NO_CAPACITY);

    /* One that shares brings the instance back that both stand on. */
    STR_SET(shared.name, "joins");
    CLEANUP(plan_freep) struct plan *four = must(f, &shared, 1, NULL, 0);
    const struct claim *joins = claims_find(&f->claims, "joins");
    const struct claim *was = claims_find(&f->claims, "shared");
    assert_int_equal(count(four, STEP_GI_CREATE), 1);
    assert_int_equal(joins->assigned.start, was->assigned.start);
    assert_int_not_equal(pci_addr_cmp(&joins->assigned.device, &was->assigned.device), 0);
}

static void room_that_a_reboot_took_stays_that_of_the_claims(void **state)
{
    struct fixture *f = *state;
    struct claim half = make("half", "", "L40S-24Q");
    half.spec.mixed = true;
    CLEANUP(plan_freep) struct plan *one = must(f, &half, 1, NULL, 0);
    uint32_t placement = claims_find(&f->claims, "half")->assigned.placement_id;
    fake_host_reboot(&f->fake);

    struct claim equal = make("equal", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &equal, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
    assert_non_null(strstr(f->err.message, "\"half\""));
    STR_SET(half.name, "other");
    CLEANUP(plan_freep) struct plan *two = must(f, &half, 1, NULL, 0);
    assert_int_not_equal(claims_find(&f->claims, "other")->assigned.placement_id, placement);
    STR_SET(half.name, "third");
    assert_int_equal(build(f, &half, 1, NULL, 0, &none), -REASON_NO_CAPACITY);
}

static void a_gpu_left_in_passthrough_mode_is_taken_back_unless_a_vm_has_it(void **state)
{
    struct fixture *f = *state;
    struct claim shared = make("shared", "", "L40S-8Q");
    struct fake_gpu *gpu = &f->fake.gpus[2];
    struct fake_vm *vm = fake_host_vm(&f->fake, "vm1");
    STR_SET(gpu->driver, "vfio-pci");
    vm->devices[vm->n_devices++] = gpu->addr;
    CLEANUP(plan_freep) struct plan *none = NULL;
    assert_int_equal(build(f, &shared, 1, NULL, 0, &none), -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "vm1"));

    vm->n_devices = 0;
    CLEANUP(plan_freep) struct plan *plan = must(f, &shared, 1, NULL, 0);
    assert_int_equal(plan->steps.items[0].kind, STEP_BIND_NVIDIA);
    assert_int_equal(count(plan, STEP_BIND_NVIDIA), 1);
    assert_string_equal(gpu->driver, "nvidia");
}

/* One reason, whichever of them is there first and whatever other GPUs say: there is no room. */
static void a_bare_instance_and_a_vgpu_of_its_profile_find_no_room_together(void **state)
{
    struct fixture *f = *state;
    struct claim bare = make("bare", "", "");
    bare.spec.mode = CLAIM_GPU_INSTANCE;
    STR_SET(bare.spec.profile, "2g.10gb");
    struct claim vgpu = make("vgpu", "", "A100-2-10C");
    struct claim *const orders[][2] = {{&bare, &vgpu}, {&vgpu, &bare}};
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        CLEANUP(plan_freep) struct plan *first = must(f, orders[i][0], 1, NULL, 0);
        CLEANUP(plan_freep) struct plan *none = NULL;
        assert_int_equal(build(f, orders[i][1], 1, NULL, 0, &none), -REASON_NO_CAPACITY);
        assert_non_null(strstr(f->err.message, "a vGPU and a bare GPU instance of profile"));
        const char *const remove[] = {orders[i][0]->name};
        CLEANUP(plan_freep) struct plan *gone = must(f, NULL, 0, remove, 1);
    }
}

/* As after a release that failed half-way, or an unbind by hand. */
static void a_gpu_without_a_driver_is_bound_by_idle_once_no_claim_holds_it(void **state)
{
    struct fixture *f = *state;
    struct claim whole = make("whole", "vm1", "");
    whole.spec.mode = CLAIM_PASSTHROUGH;
    STR_SET(whole.spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *made = must(f, &whole, 1, NULL, 0);
    struct fake_gpu *gpu = &f->fake.gpus[2];
    STR_SET(gpu->driver, "");
    claims_find(&f->claims, "whole")->state = CLAIM_FAILED;
    struct planner planner = planner_now(f);
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_mode(&planner, L40S, GPU_IDLE, &plan, &f->err), -REASON_CONFLICT);
    assert_non_null(strstr(f->err.message, "is still held by claim \"whole\" (failed)"));
    assert_non_null(strstr(f->err.hint, "`cleave claim delete whole`"));

    f->claims.n = 0;
    planner = planner_now(f);
    assert_int_equal(planner_mode(&planner, L40S, GPU_IDLE, &plan, &f->err), 0);
    assert_int_equal(count(plan, STEP_BIND_NVIDIA), 1);
}

static void nothing_is_taken_away_while_a_vm_may_have_any_device(void **state)
{
    struct fixture *f = *state;
    struct claim claim = make("one", "", "L40S-8Q");
    CLEANUP(plan_freep) struct plan *made = must(f, &claim, 1, NULL, 0);
    struct planner planner = planner_now(f);
    const char *const remove[] = {"one"};
    struct plan_request request = {
        .remove = remove, .n_remove = 1, .author = "test", .new_uuid = id_uuid};
    struct vm *vm = host_find_vm(f->host, "vm3");
    STR_SET(vm->unread, "longer than 4194304 bytes");
    struct plan *none = NULL;
    assert_int_equal(planner_build(&planner, &request, &none, &f->err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(f->err.message, "VM \"vm3\" may have it"));
    assert_non_null(strstr(f->err.message, "longer than 4194304 bytes"));
    vm->unread[0] = '\0';
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(planner_build(&planner, &request, &plan, &f->err), 0);
    assert_int_equal(count(plan, STEP_VGPU_DELETE), 1);
}

/* Programs run on in a bare instance and its memory is not cleared when it is reused, so only the
 * claim that has it keeps it. */
static void a_bare_instance_is_made_again_for_another_owner(void **state)
{
    static const struct {
        const char *name, *tenant, *type;
        size_t made;
    } rows[] = {
        {"alice", "alice", "", 0}, /* the claim itself, asked for differently */
        {"bob", "bob", "", 1},     {"alice", "bob", "", 1},
        {"bob", "alice", "", 1},   {"bob", "bob", "A100-3-20C", 1},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct claim alice = make("alice", "", "");
        STR_SET(alice.tenant, "alice");
        STR_SET(alice.spec.profile, "3g.20gb");
        alice.spec.start = 4;
        CLEANUP(plan_freep) struct plan *one = must(f, &alice, 1, NULL, 0);
        struct claim next = make(rows[i].name, "", rows[i].type);
        STR_SET(next.tenant, rows[i].tenant);
        STR_SET(next.spec.profile, "3g.20gb");
        STR_SET(next.spec.gpu, A100);
        CLEANUP(plan_freep) struct plan *two = must(f, &next, 1, (const char *[]){"alice"}, 1);
        assert_int_equal(count(two, STEP_CI_DESTROY), rows[i].made);
        assert_int_equal(count(two, STEP_GI_DESTROY), rows[i].made);
        assert_int_equal(count(two, STEP_GI_CREATE), rows[i].made);
        CLEANUP(plan_freep) struct plan *end = must(f, NULL, 0, &rows[i].name, 1);
        assert_int_equal(count(end, STEP_GI_DESTROY), 1);
    }
}

/* Whichever is larger, and whichever stands first. */
static void a_claim_that_names_its_gpu_gets_it_before_one_that_takes_any(void **state)
{
    struct fixture *f = *state;
    struct claim add[] = {make("any", "", "L40S-24Q"), make("named", "", "L40S-8Q")};
    STR_SET(add[1].spec.gpu, L40S);
    CLEANUP(plan_freep) struct plan *plan = NULL;
    assert_int_equal(build(f, add, 2, NULL, 0, &plan), -REASON_NO_CAPACITY);
    assert_non_null(strstr(f->err.message, "claim \"any\" can't be served"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_claim_that_names_its_gpu_gets_it_before_one_that_takes_any, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bare_instance_is_made_again_for_another_owner, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nothing_is_taken_away_while_a_vm_may_have_any_device, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            what_a_vm_names_already_is_drawn_without_touching_its_definition, setup, teardown),
        cmocka_unit_test_setup_teardown(what_another_tool_made_in_a_claims_place_is_left_alone,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_share_of_an_instance_is_restored_next_to_another_tools_of_its_size_only, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            an_instance_with_another_tools_vgpu_is_not_restored_to_who_wants_it_alone, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_vm_is_not_named_one_gpu_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(places_that_a_reboot_took_stay_those_of_their_claims, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(room_that_a_reboot_took_stays_that_of_the_claims, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_gpu_left_in_passthrough_mode_is_taken_back_unless_a_vm_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_bare_instance_and_a_vgpu_of_its_profile_find_no_room_together, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_gpu_without_a_driver_is_bound_by_idle_once_no_claim_holds_it, setup, teardown),
    };
    return cmocka_run_group_tests_name("planner: what stays", tests, NULL, NULL);
}
