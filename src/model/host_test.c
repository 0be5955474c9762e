/* SPDX-License-Identifier: Apache-2.0 */
/* Names of VMs: kept whole wherever they stand, and never taken for another's. Copies of hosts. */
#include "model/host.h"

#include "base/json.h"
#include "base/str.h"
#include "model/drain.h"
#include "model/host_derive.h"
#include "model/incoming.h"
#include "model/plan.h"
#include "test.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

/* As long as a name can be kept, and one byte more. */
static char longest[VM_NAME_SIZE];
static char longer[VM_NAME_SIZE + 1];

static int make_names(void **state)
{
    (void)state;
    memset(longest, 'x', sizeof(longest) - 1);
    memset(longer, 'x', sizeof(longer) - 1);
    return 0;
}

static void add_vm(struct host *host, const char *name, const char *uuid)
{
    struct vm *vm = vec_push(&host->vms);
    STR_SET(vm->name, vm_known_as(name, uuid));
    STR_SET(vm->uuid, uuid);
}

static void a_vm_is_known_by_its_name_or_else_by_its_uuid(void **state)
{
    (void)state;
    assert_string_equal(vm_known_as("web1", UUID_A), "web1");
    assert_string_equal(vm_known_as(" two words ", UUID_A), " two words ");
    assert_string_equal(vm_known_as("\xe6\x97\xa5", UUID_A), "\xe6\x97\xa5");
    assert_string_equal(vm_known_as(longest, UUID_A), longest);
    assert_string_equal(vm_known_as(longer, UUID_A), UUID_A);
    assert_string_equal(vm_known_as("a\tb", UUID_A), UUID_A);
    assert_string_equal(vm_known_as("broken \xff", UUID_A), UUID_A);
}

static void names_that_differ_in_their_last_letter_are_two_vms(void **state)
{
    (void)state;
    char other[VM_NAME_SIZE];
    STR_SET(other, longest);
    other[VM_NAME_SIZE - 2] = 'y';
    CLEANUP(host_freep) struct host *host = host_new();
    add_vm(host, longest, UUID_A);
    add_vm(host, other, UUID_B);
    assert_string_equal(host_find_vm(host, longest)->uuid, UUID_A);
    assert_string_equal(host_find_vm(host, other)->uuid, UUID_B);
}

static void a_uuid_is_no_other_vms_name(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    add_vm(host, UUID_B, UUID_A);
    add_vm(host, "web1", UUID_B);
    assert_string_equal(host_find_vm(host, UUID_B)->uuid, UUID_B);
    host_settle_vm_name(host, &host->vms.items[0]);
    host_settle_vm_name(host, &host->vms.items[1]);
    assert_string_equal(host->vms.items[0].name, UUID_A);
    assert_string_equal(host->vms.items[1].name, "web1");
}

static void a_vm_may_be_called_by_a_uuid_that_is_nobodys_or_its_own(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    add_vm(host, "cccccccc-0000-4000-8000-000000000003", UUID_A);
    add_vm(host, UUID_B, UUID_B);
    host_settle_vm_name(host, &host->vms.items[0]);
    host_settle_vm_name(host, &host->vms.items[1]);
    assert_string_equal(host->vms.items[0].name, "cccccccc-0000-4000-8000-000000000003");
    assert_string_equal(host->vms.items[1].name, UUID_B);
}

static void the_holder_of_a_device_is_named_whole(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    struct pci_addr addr = {.bus = 0x41};
    (void)host_add_gpu(host, &addr);
    add_vm(host, longest, UUID_A);
    host->vms.items[0].state = VM_RUNNING;
    *vec_push(&host->vms.items[0].devices) = (struct vm_device){.addr = addr, .live = true};
    host_derive(host);
    assert_string_equal(host->gpus.items[0].holder, longest);
}

/* ---- documents ---- */

static int read_claim(const char *vm, struct claim *ret_claim, struct error *err)
{
    CLEANUP_JSON json_t *json =
        json_pack("{s:s, s:s, s:s}", "name", "a", "type", "L40S-8Q", "vm", vm);
    return claim_from_json(json, "test", "", ret_claim, err);
}

static void a_claim_keeps_the_name_of_its_vm(void **state)
{
    (void)state;
    struct error err = {0};
    struct claim claim;
    struct claim again;
    assert_int_equal(read_claim(longest, &claim, &err), 0);
    assert_string_equal(claim.vm, longest);
    CLEANUP_JSON json_t *json = claim_to_json(&claim);
    assert_int_equal(claim_from_stored_json(json, &again, &err), 0);
    assert_string_equal(again.vm, longest);
    assert_true(claim_is_of(&again, longest, ""));
    assert_int_equal(read_claim(longer, &claim, &err), -REASON_INVALID);
    assert_int_equal(read_claim("a\tb", &claim, &err), -REASON_INVALID);
}

static void a_plan_keeps_the_names_of_its_vms_and_says_them(void **state)
{
    (void)state;
    struct error err = {0};
    struct pci_addr gpu = {.bus = 0x41};
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    CLEANUP(plan_freep) struct plan *again = NULL;
    struct step *step = vec_push(&plan->steps);
    char text[STEP_TEXT_SIZE];
    *step = step_make(STEP_ATTACH, &gpu);
    STR_SET(step->vm, longest);
    plan_name_vm(plan, longest);
    plan_name_vm(plan, longest);
    str_print(plan->reason, sizeof(plan->reason), "vm migrate %s from %s: give back", longest,
              "source.example.org");
    assert_true(str_ends(plan->reason, ": give back"));
    assert_true(str_ends(step_describe(step, text, sizeof(text)), longest));
    CLEANUP_JSON json_t *json = plan_to_json(plan);
    assert_int_equal(plan_from_stored_json(json, &again, &err), 0);
    assert_string_equal(again->steps.items[0].vm, longest);
    assert_int_equal(again->vms.n, 1);
    assert_string_equal(again->vms.items[0].name, longest);
    assert_string_equal(again->reason, plan->reason);
}

static void migrations_keep_the_name_of_their_vm(void **state)
{
    (void)state;
    struct error err = {0};
    struct migration migration = {.state = MIGRATION_MOVING};
    struct incoming incoming = {.state = INCOMING_PREPARED};
    CLEANUP(migration_freep) struct migration *out = NULL;
    CLEANUP(incoming_freep) struct incoming *in = NULL;
    STR_SET(migration.id, UUID_A);
    STR_SET(migration.request.vm, longest);
    STR_SET(migration.request.destination, "qemu+ssh://b/system");
    STR_SET(incoming.id, UUID_A);
    STR_SET(incoming.vm, longest);
    CLEANUP_JSON json_t *left = migration_to_json(&migration);
    CLEANUP_JSON json_t *came = incoming_to_json(&incoming);
    assert_int_equal(migration_from_stored_json(left, &out, &err), 0);
    assert_int_equal(incoming_from_json(came, "test", &in, &err), 0);
    assert_string_equal(out->request.vm, longest);
    assert_string_equal(in->vm, longest);
}

static void a_drain_keeps_the_names_of_its_vms(void **state)
{
    (void)state;
    struct error err = {0};
    struct drain drain = {.state = DRAIN_RUNNING, .parallel = 1};
    CLEANUP(drain_freep) struct drain *again = NULL;
    STR_SET(((struct drain_vm *)vec_push(&drain.vms))->name, longest);
    CLEANUP_JSON json_t *json = drain_to_stored_json(&drain);
    vec_done(&drain.vms);
    assert_int_equal(drain_from_stored_json(json, &again, &err), 0);
    assert_string_equal(again->vms.items[0].name, longest);
}

/* Freed twice, or not at all, what two hosts share is a sanitizer's to see; here, that neither
 * shows what the other has. */
static void a_copy_of_a_host_shares_nothing_with_it(void **state)
{
    (void)state;
    struct host *host = host_new();
    struct gpu *gpu = host_add_gpu(host, &(struct pci_addr){.bus = 1});
    vec_push(&gpu->group_members)->bridge = true;
    vec_push(&gpu->gis)->id = 1;
    vec_push(&gpu->vgpus)->gi_id = 1;
    vec_push(&gpu->pf_offers)->type_id = 1;
    struct vf *vf = vec_push(&gpu->vfs);
    vec_push(&vf->offers)->type_id = 1;
    vec_push(&gpu->board.profiles)->id = 1;
    vec_push(&gpu->board.types)->type_id = 1;
    struct vm *vm = vec_push(&host->vms);
    vec_push(&vm->devices)->live = true;
    vec_push(&host->vm_ends)->stopped = true;
    struct host *copy = host_copy(host);
    vf->offers.items[0].type_id = 2;
    gpu->board.types.items[0].type_id = 2;
    vm->devices.items[0].live = false;
    host->vm_ends.items[0].stopped = false;
    host_free(host);
    assert_int_equal(copy->gpus.items[0].vfs.items[0].offers.items[0].type_id, 1);
    assert_int_equal(copy->gpus.items[0].board.types.items[0].type_id, 1);
    assert_int_equal(copy->gpus.items[0].group_members.n + copy->gpus.items[0].gis.n +
                         copy->gpus.items[0].vgpus.n + copy->gpus.items[0].pf_offers.n,
                     4);
    assert_true(copy->vms.items[0].devices.items[0].live);
    assert_true(copy->vm_ends.items[0].stopped);
    host_free(copy);
}

static void a_model_or_a_gpu_that_is_away_is_named_where_a_gpu_is_not_found(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    static const char *const uuids[] = {"GPU-00000000-0000-4000-8000-000000000041",
                                        "GPU-00000000-0000-4000-8000-000000000061"};
    for (uint8_t i = 0; i < 2; i++) {
        struct gpu *gpu = host_add_gpu(host, &(struct pci_addr){.bus = i == 0 ? 0x41 : 0x61});
        STR_SET(gpu->model, i == 0 ? "a30" : "l40s");
        STR_SET(gpu->seen_uuid, uuids[i]);
        STR_SET(gpu->uuid, i == 0 ? "" : uuids[i]); /* the first is passed through */
    }
    struct error err = {0};
    assert_int_equal(host_unknown_gpu(host, "A30", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "\"A30\" is a model"));
    assert_non_null(strstr(err.message, "of that model is 0000:41:00.0"));
    assert_int_equal(host_unknown_gpu(host, uuids[0], &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "was last at 0000:41:00.0"));
    err = (struct error){0};
    assert_int_equal(host_unknown_gpu(host, "GPU-00000000-0000-4000-8000-000000000062", &err),
                     -REASON_NOT_FOUND);
    assert_null(strstr(err.hint, "did you mean")); /* another board's UUID */
}

/* A GPU of which four vGPUs of type 7 can share the time, with `n` of them on functions .4, .5, …
 */
static struct gpu *add_shared_gpu(struct host *host, uint32_t n)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse("0000:41:00.0", &addr));
    struct gpu *gpu = host_add_gpu(host, &addr);
    gpu->scheduler.policy = SCHEDULER_FIXED_SHARE;
    *vec_push(&gpu->board.types) = (struct board_type){.type_id = 7, .max_per_gpu = 4};
    for (uint32_t i = 0; i < n; i++) {
        addr.function = (uint8_t)(4 + i);
        *vec_push(&gpu->vgpus) =
            (struct vgpu){.type_id = 7, .gi_id = NO_ID, .placement_id = NO_ID, .vf = addr};
    }
    return gpu;
}

static void run_with(struct host *host, const char *name, const char *uuid, size_t from, size_t to)
{
    add_vm(host, name, uuid);
    struct vm *vm = &host->vms.items[host->vms.n - 1];
    vm->state = VM_RUNNING;
    for (size_t i = from; i < to; i++) {
        struct vm_device *device = vec_push(&vm->devices);
        device->addr = host->gpus.items[0].vgpus.items[i].vf;
        device->live = true;
    }
}

static void each_vgpu_gets_its_share_and_what_was_measured_of_it(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = add_shared_gpu(host, 4);
    run_with(host, "a", UUID_A, 0, 1);
    run_with(host, "b", UUID_B, 1, 3);
    for (size_t i = 0; i < 3; i++) {
        struct vgpu_use *use = vec_push(&gpu->uses);
        *use = (struct vgpu_use){.type_id = 7, .percent = 10 + (uint32_t)i};
        STR_SET(use->vm_uuid, i == 0 ? UUID_A : UUID_B);
    }
    host_derive(host);
    host_derive(host); /* idempotent */
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(gpu->vgpus.items[i].share.parts, 4);
    }
    assert_true(gpu->vgpus.items[0].used_percent.known);
    assert_int_equal(gpu->vgpus.items[0].used_percent.value, 10);
    assert_false(gpu->vgpus.items[1].used_percent.known); /* of which of two it is isn't said */
    assert_false(gpu->vgpus.items[3].used_percent.known); /* it doesn't run */
    assert_int_equal(host->vms.items[0].devices.items[0].used_percent.value, 10);
    assert_int_equal(host->vms.items[1].devices.items[1].share.parts, 4);
}

static void add_licensee(struct gpu *gpu, const char *vm_uuid, enum vgpu_licence_state licence)
{
    struct vgpu_licensee *licensee = vec_push(&gpu->licensees);
    *licensee = (struct vgpu_licensee){.type_id = 7, .licence.state = licence};
    STR_SET(licensee->vm_uuid, vm_uuid);
}

/* By its VM and type alone, a vGPU may be any of several. */
static void a_vgpu_has_the_licence_that_all_it_can_be_have(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = add_shared_gpu(host, 4);
    run_with(host, "a", UUID_A, 0, 1);
    run_with(host, "b", UUID_B, 1, 3);
    add_licensee(gpu, UUID_A, VGPU_LICENCE_RESTRICTED);
    add_licensee(gpu, UUID_B, VGPU_LICENCE_LICENSED);
    add_licensee(gpu, UUID_B, VGPU_LICENCE_LICENSED);
    host_derive(host);
    assert_int_equal(gpu->vgpus.items[0].licence.state, VGPU_LICENCE_RESTRICTED);
    assert_int_equal(gpu->vgpus.items[1].licence.state, VGPU_LICENCE_LICENSED);
    assert_int_equal(gpu->vgpus.items[3].licence.state, VGPU_LICENCE_UNKNOWN); /* it doesn't run */
    assert_int_equal(host->vms.items[0].devices.items[0].licence.state, VGPU_LICENCE_RESTRICTED);
    gpu->licensees.items[2].licence.state = VGPU_LICENCE_UNRESTRICTED;
    host_derive(host);
    assert_int_equal(gpu->vgpus.items[1].licence.state, VGPU_LICENCE_UNKNOWN);
    assert_int_equal(gpu->vgpus.items[2].licence.state, VGPU_LICENCE_UNKNOWN);
}

static void a_vgpu_on_an_instance_shares_that(void **state)
{
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    struct gpu *gpu = add_shared_gpu(host, 3);
    gpu->mig_enabled = true;
    gpu->board.types.items[0].mig_backed = true;
    gpu->board.types.items[0].max_per_gi = 3;
    *vec_push(&gpu->gis) = (struct gi){.id = 1, .scheduler = {.policy = SCHEDULER_EQUAL_SHARE}};
    *vec_push(&gpu->gis) = (struct gi){.id = 2, .scheduler = {.policy = SCHEDULER_BEST_EFFORT}};
    gpu->vgpus.items[0].gi_id = gpu->vgpus.items[1].gi_id = 1;
    gpu->vgpus.items[2].gi_id = 2;
    run_with(host, "a", UUID_A, 0, 1);
    host_derive(host);
    assert_int_equal(gpu->vgpus.items[0].share.parts, 1);
    assert_int_equal(gpu->vgpus.items[1].share.parts, 2); /* once it runs, too */
    assert_int_equal(gpu->vgpus.items[0].share.whole, SHARE_OF_INSTANCE);
    assert_int_equal(gpu->vgpus.items[2].share.kind, SHARE_NONE);
    gpu->vgpus.items[0].gi_id = NO_ID; /* as by mdev, which doesn't say it */
    host_derive(host);
    assert_int_equal(gpu->vgpus.items[0].share.kind, SHARE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_is_known_by_its_name_or_else_by_its_uuid),
        cmocka_unit_test(names_that_differ_in_their_last_letter_are_two_vms),
        cmocka_unit_test(a_uuid_is_no_other_vms_name),
        cmocka_unit_test(a_vm_may_be_called_by_a_uuid_that_is_nobodys_or_its_own),
        cmocka_unit_test(the_holder_of_a_device_is_named_whole),
        cmocka_unit_test(a_claim_keeps_the_name_of_its_vm),
        cmocka_unit_test(a_plan_keeps_the_names_of_its_vms_and_says_them),
        cmocka_unit_test(migrations_keep_the_name_of_their_vm),
        cmocka_unit_test(a_drain_keeps_the_names_of_its_vms),
        cmocka_unit_test(a_copy_of_a_host_shares_nothing_with_it),
        cmocka_unit_test(a_model_or_a_gpu_that_is_away_is_named_where_a_gpu_is_not_found),
        cmocka_unit_test(each_vgpu_gets_its_share_and_what_was_measured_of_it),
        cmocka_unit_test(a_vgpu_has_the_licence_that_all_it_can_be_have),
        cmocka_unit_test(a_vgpu_on_an_instance_shares_that),
    };
    return cmocka_run_group_tests_name("host", tests, make_names, NULL);
}
