/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/str.h"
#include "model/gpu_record.h"
#include "test.h"

static const struct pci_addr here = {.bus = 0x41};
static const struct pci_addr there = {.bus = 0x61};

static struct gpu_record full(void)
{
    struct gpu_record record = {
        .uuid = "GPU-11111111-2222-3333-4444-555555555555",
        .addr = here,
        .mode_set = true,
        .mode = GPU_TIME_SLICED,
        .vfs = true,
        .mixed = true,
        .scheduler = {.policy = SCHEDULER_EQUAL_SHARE,
                      .adaptive = true,
                      .frequency_hz = 480,
                      .averaging = 33},
        .cordon = {.set = true, .by = "root", .why = "fan noise", .since_us = 1700000000000000},
        .quarantine = {.set = true,
                       .kind = "xid",
                       .why = "Xid 79",
                       .boot_id = "b1",
                       .since_us = 1700000000000001},
        .stuck_vfs = {{.addr = {.bus = 0x41, .function = 5}, .why = "EIO", .since_us = 17}},
        .n_stuck_vfs = 1,
    };
    return record;
}

static void a_record_survives_the_store(void **state)
{
    (void)state;
    struct gpu_record record = full();
    struct gpu_record again = {0};
    CLEANUP_JSON json_t *json = gpu_record_to_json(&record);
    assert_non_null(json);
    assert_int_equal(gpu_record_from_stored_json(json, &again, NULL), 0);
    assert_string_equal(again.uuid, record.uuid);
    assert_int_equal(pci_addr_cmp(&again.addr, &here), 0);
    assert_true(again.mode_set && again.mode == GPU_TIME_SLICED && again.vfs && again.mixed);
    assert_memory_equal(&again.scheduler, &record.scheduler, sizeof(record.scheduler));
    assert_true(again.cordon.set && again.cordon.since_us == record.cordon.since_us);
    assert_string_equal(again.cordon.by, "root");
    assert_true(again.quarantine.set && again.quarantine.since_us == record.quarantine.since_us);
    assert_string_equal(again.quarantine.why, "Xid 79");
    assert_string_equal(again.quarantine.boot_id, "b1");
    assert_int_equal(again.n_stuck_vfs, 1);
    const struct stuck_vf *stuck = gpu_record_find_stuck(&again, &record.stuck_vfs[0].addr);
    assert_non_null(stuck);
    assert_string_equal(stuck->why, "EIO");
    assert_int_equal(stuck->since_us, 17);
    assert_null(gpu_record_find_stuck(&again, &here));
}

static void a_record_has_room_for_some_stuck_functions_only(void **state)
{
    (void)state;
    struct gpu_record record = {.addr = here};
    struct stuck_vf stuck = {.addr = here, .why = "EIO"};
    for (size_t i = 0; i < GPU_RECORD_STUCK_VFS; i++) {
        stuck.addr.device = (uint8_t)(i + 1);
        assert_true(gpu_record_add_stuck(&record, &stuck));
    }
    assert_true(gpu_record_add_stuck(&record, &stuck)); /* known */
    assert_int_equal(record.n_stuck_vfs, GPU_RECORD_STUCK_VFS);
    stuck.addr.device = 30;
    assert_false(gpu_record_add_stuck(&record, &stuck));
}

static void a_record_of_nothing_stays_one(void **state)
{
    (void)state;
    struct gpu_record record = {.addr = there};
    struct gpu_record again = full();
    CLEANUP_JSON json_t *json = gpu_record_to_json(&record);
    assert_int_equal(gpu_record_from_stored_json(json, &again, NULL), 0);
    assert_false(again.mode_set || again.vfs || again.mixed || again.cordon.set ||
                 again.quarantine.set);
    assert_int_equal(again.scheduler.policy, SCHEDULER_UNKNOWN);
    char key[GPU_UUID_SIZE];
    assert_string_equal(gpu_record_key(&again, key), "0000:61:00.0");
}

static void an_unknown_member_of_a_record_is_refused(void **state)
{
    (void)state;
    struct gpu_record record = full();
    struct gpu_record again;
    struct error err = {0};
    CLEANUP_JSON json_t *json = gpu_record_to_json(&record);
    json_object_set_new(json, "future", json_true());
    assert_int_equal(gpu_record_from_stored_json(json, &again, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "future"));
}

static void a_gpu_is_known_by_its_uuid_wherever_it_sits(void **state)
{
    (void)state;
    struct gpu_record items[] = {full()};
    struct gpu_records records = {.items = items, .n = 1};
    struct gpu gpu = {.addr = there};
    STR_SET(gpu.uuid, items[0].uuid);
    assert_ptr_equal(gpu_records_find(&records, &gpu), &items[0]);
    gpu.uuid[0] = '\0'; /* the driver does not answer: the address has to do */
    assert_null(gpu_records_find(&records, &gpu));
    gpu.addr = here;
    assert_ptr_equal(gpu_records_find(&records, &gpu), &items[0]);
    STR_SET(gpu.uuid, "GPU-another"); /* a board was exchanged */
    assert_null(gpu_records_find(&records, &gpu));
}

static struct step *done(struct plan *plan, enum step_kind kind, const struct pci_addr *gpu)
{
    struct step *step = vec_push(&plan->steps);
    *step = step_make(kind, gpu);
    step->state = STEP_DONE;
    return step;
}

static void a_record_follows_the_steps_that_were_done(void **state)
{
    (void)state;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct gpu_record record = {.addr = here};
    done(plan, STEP_MIG_ENABLE, &here);
    done(plan, STEP_SRIOV_ENABLE, &here);
    done(plan, STEP_BIND_VFIO, &there);
    done(plan, STEP_MIXED_ON, &here)->state = STEP_UNDONE;
    assert_true(gpu_record_follow(&record, plan));
    assert_true(record.mode_set && record.mode == GPU_MIG && record.vfs && !record.mixed);
    assert_false(gpu_record_follow(&record, plan));
    done(plan, STEP_SRIOV_DISABLE, &here);
    done(plan, STEP_MIG_DISABLE, &here);
    assert_true(gpu_record_follow(&record, plan));
    assert_true(record.mode == GPU_IDLE && !record.vfs);
}

static void a_record_keeps_a_companions_driver_until_it_has_it_back(void **state)
{
    (void)state;
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct gpu_record record = {.addr = here};
    struct step *step = done(plan, STEP_COMPANION_VFIO, &here);
    step->device.function = 1;
    STR_SET(step->driver, "snd_hda_intel");
    STR_SET(done(plan, STEP_BIND_VFIO, &here)->claim, "game");
    assert_true(gpu_record_follow(&record, plan));
    assert_false(gpu_record_follow(&record, plan));
    assert_int_equal(record.mode, GPU_IDLE); /* the claim says what it is for */
    struct gpu_record again;
    CLEANUP_JSON json_t *json = gpu_record_to_json(&record);
    assert_int_equal(gpu_record_from_stored_json(json, &again, NULL), 0);
    struct pci_addr audio = here;
    audio.function = 1;
    assert_string_equal(gpu_record_find_companion(&again, &audio)->driver, "snd_hda_intel");
    struct step home = step_undo(&plan->steps.items[0]);
    assert_int_equal(home.kind, STEP_COMPANION_HOME);
    *vec_push(&plan->steps) = home;
    plan->steps.items[2].state = STEP_DONE;
    assert_true(gpu_record_follow(&again, plan));
    assert_null(gpu_record_find_companion(&again, &audio));
}

static void a_frequency_matches_the_slice_that_comes_of_it(void **state)
{
    (void)state;
    struct gpu_scheduler wanted = {
        .policy = SCHEDULER_EQUAL_SHARE, .adaptive = true, .frequency_hz = 480};
    struct gpu_scheduler seen = {
        .policy = SCHEDULER_EQUAL_SHARE, .adaptive = true, .slice_ns = 2083333, .averaging = 33};
    assert_true(gpu_scheduler_matches(&wanted, &seen));
    wanted.frequency_hz = 960;
    assert_false(gpu_scheduler_matches(&wanted, &seen));
    seen.policy = SCHEDULER_FIXED_SHARE;
    assert_false(gpu_scheduler_matches(&wanted, &seen));
    wanted.policy = SCHEDULER_UNKNOWN; /* no one chose: anything will do */
    assert_true(gpu_scheduler_matches(&wanted, &seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_survives_the_store),
        cmocka_unit_test(a_record_has_room_for_some_stuck_functions_only),
        cmocka_unit_test(a_record_of_nothing_stays_one),
        cmocka_unit_test(an_unknown_member_of_a_record_is_refused),
        cmocka_unit_test(a_gpu_is_known_by_its_uuid_wherever_it_sits),
        cmocka_unit_test(a_record_follows_the_steps_that_were_done),
        cmocka_unit_test(a_record_keeps_a_companions_driver_until_it_has_it_back),
        cmocka_unit_test(a_frequency_matches_the_slice_that_comes_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
