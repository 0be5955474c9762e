/* SPDX-License-Identifier: Apache-2.0 */
#include "hold/hold.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define OPERATION "0a1b2c3d-0000-4000-8000-000000000001"
#define SINCE_US UINT64_C(1764504000000000) /* 2025-11-30T12:00:00Z */
#define VM_UUID "11111111-2222-4333-8444-555555555555"

static const struct pci_addr gpu = {.domain = 0, .bus = 0x41};

static const enum hold_object_kind object_kinds[HOLD_WANT_COUNT] = {
    [WANT_CLAIM_CHANGE] = HELD_CLAIM,  [WANT_CLAIM_FOLLOW] = HELD_CLAIM,
    [WANT_CLAIM_COLLECT] = HELD_CLAIM, [WANT_GPU_CHANGE] = HELD_GPU,
    [WANT_GPU_REPORT] = HELD_GPU, /* the others are about a VM */
};

static struct hold_object object_of(enum hold_object_kind kind)
{
    switch (kind) {
    case HELD_CLAIM:
        return hold_claim_named("gpu1");
    case HELD_GPU:
        return hold_gpu(&gpu);
    case HELD_VM:
        break;
    }
    return hold_vm("web1", VM_UUID);
}

static struct hold hold_of(enum hold_kind kind, enum hold_object_kind object)
{
    static const char *const words[HOLD_KIND_COUNT][2] = {
        [HOLD_OUTGOING] = {"kvm2", "moving"},
        [HOLD_INCOMING] = {"kvm2", "prepared"},
        [HOLD_START] = {"", ""},
        [HOLD_CHANGE] = {"", ""},
        [HOLD_PLAN] = {"claim create c", ""},
        [HOLD_LATE_PLAN] = {"claim create c", "sysfs"},
    };
    struct hold hold = {.kind = kind,
                        .operation = OPERATION,
                        .object = object_of(object),
                        .bars = hold_bars(kind),
                        .since_us = SINCE_US,
                        .vm = object_of(HELD_VM)};
    STR_SET(hold.what, words[kind][0]);
    STR_SET(hold.state, words[kind][1]);
    return hold;
}

/* ---- what holds, times what is wanted ---- */

/* What each kind says of a VM, a claim and a GPU, behind "VM "web1" can't start: ", and its hint.
 */
static const char *const sentences[HOLD_KIND_COUNT][HELD_GPU + 1] = {
    [HOLD_OUTGOING] = {"it is migrating to kvm2 (moving, begun 2025-11-30T12:00:00Z)",
                       "VM \"web1\" is leaving with it (migration " OPERATION
                       ", begun 2025-11-30T12:00:00Z)"},
    [HOLD_INCOMING] =
        {"it is migrating to this host from kvm2 (prepared, begun 2025-11-30T12:00:00Z)",
         "VM \"web1\" is coming in with it (migration " OPERATION ", begun 2025-11-30T12:00:00Z)"},
    [HOLD_START] = {"it is being started (since 2025-11-30T12:00:00Z)"},
    [HOLD_CHANGE] = {"it is being changed (since 2025-11-30T12:00:00Z)"},
    [HOLD_PLAN] = {"plan " OPERATION " (claim create c, begun 2025-11-30T12:00:00Z) is changing "
                   "its devices",
                   "a plan is changing it", "a plan is changing it"},
    [HOLD_LATE_PLAN] = {"plan 0a1b2c3d (claim create c) is changing its GPU, and waits: sysfs has "
                        "not answered since 2025-11-30T12:00:00Z",
                        "plan 0a1b2c3d (claim create c) is changing it, and waits: sysfs has not "
                        "answered since 2025-11-30T12:00:00Z",
                        "plan 0a1b2c3d (claim create c) is changing it, and waits: sysfs has not "
                        "answered since 2025-11-30T12:00:00Z"},
};
static const char *const hints[HOLD_KIND_COUNT] = {
    [HOLD_OUTGOING] = "`cleave migration cancel " OPERATION "`",
    [HOLD_INCOMING] = "cancel the migration on its source: `cleave migration cancel " OPERATION "`",
    [HOLD_START] = "`cleave vm stop --now web1` ends the start",
    [HOLD_CHANGE] = "`cleave plan list`",
    [HOLD_PLAN] = "`cleave plan show " OPERATION "`",
    [HOLD_LATE_PLAN] = "continues when sysfs answers; see `cleave plan show " OPERATION "`",
};
static const enum reason reasons[HOLD_KIND_COUNT] = {
    [HOLD_OUTGOING] = REASON_IN_USE, [HOLD_INCOMING] = REASON_IN_USE,
    [HOLD_START] = REASON_IN_USE,    [HOLD_CHANGE] = REASON_IN_USE,
    [HOLD_PLAN] = REASON_CONFLICT,   [HOLD_LATE_PLAN] = REASON_UNAVAILABLE,
};

/* One row per want: what can't be done, and a mark for each kind that bars it. */
static const struct row {
    enum hold_want want;
    const char *verb;
    const char *marks; /* outgoing, incoming, start, change, plan, late plan */
} table[] = {
    {WANT_VM_START, "VM \"web1\" can't start: ", "xx---x"},
    {WANT_VM_BOOT, "VM \"web1\" can't start: ", "x---xx"},
    {WANT_VM_STOP, "VM \"web1\" can't be stopped: ", "xx----"},
    {WANT_VM_MIGRATE, "VM \"web1\" can't migrate: ", "xxx---"},
    {WANT_VM_FORESEE_MOVE, "VM \"web1\" can't migrate: ", "xx----"},
    {WANT_VM_ARRIVE, "VM \"web1\" can't arrive a second time: ", "xx----"},
    {WANT_VM_DELETE, "VM \"web1\" can't be deleted: ", "xx----"},
    {WANT_VM_REDEFINE, "VM \"web1\" can't be changed: ", "--x---"},
    {WANT_VM_REPORT, "VM \"web1\" can't be judged by what is seen: ", "xxxx--"},
    {WANT_VM_TAKE_FOR_OFF, "VM \"web1\" can't be taken for off: ", "xxxx--"},
    {WANT_CLAIM_CHANGE, "claim \"gpu1\" can't be changed: ", "xx---x"},
    {WANT_CLAIM_FOLLOW, "claim \"gpu1\" can't follow its VM: ", "xx--x-"},
    {WANT_CLAIM_COLLECT, "claim \"gpu1\" can't be collected: ", "xx----"},
    {WANT_GPU_CHANGE, "GPU 0000:41:00.0 can't be changed: ", "-----x"},
    {WANT_GPU_REPORT, "GPU 0000:41:00.0 can't be judged by what is seen: ", "----xx"},
};

static void check_cell(const struct row *row, enum hold_kind kind)
{
    struct holds holds = {0};
    struct error err = {0};
    enum hold_object_kind object = object_kinds[row->want];
    struct hold hold = hold_of(kind, object);
    holds_take(&holds, &hold);
    int r = hold_check(&holds, object_of(object), row->want, NULL, &err);
    if (row->marks[kind] == '-') {
        assert_int_equal(r, 0);
        assert_string_equal(err.message, "");
    } else {
        char expected[ERROR_TEXT_SIZE];
        (void)snprintf(expected, sizeof(expected), "%s%s", row->verb, sentences[kind][object]);
        assert_string_equal(err.message, expected);
        assert_non_null(strstr(err.hint, hints[kind]));
        assert_int_equal(r, -(int)reasons[kind]);
    }
    assert_int_equal(hold_check(&holds, object_of(object), row->want, OPERATION, NULL), 0);
    holds_done(&holds);
}

static void each_hold_bars_what_its_row_says_and_says_why(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_SIZE(table), HOLD_WANT_COUNT);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        assert_int_equal(table[i].want, i);
        for (int kind = 0; kind < HOLD_KIND_COUNT; kind++) {
            check_cell(&table[i], (enum hold_kind)kind);
        }
    }
}

/* ---- whose hold ---- */

static void a_vm_is_known_by_name_and_by_uuid(void **state)
{
    (void)state;
    struct holds holds = {0};
    struct hold hold = hold_of(HOLD_OUTGOING, HELD_VM);
    holds_take(&holds, &hold);
    assert_true(holds_bar(&holds, hold_vm("web1", ""), WANT_VM_STOP));
    assert_true(holds_bar(&holds, hold_vm(VM_UUID, ""), WANT_VM_STOP));
    assert_true(holds_bar(&holds, hold_vm("renamed", VM_UUID), WANT_VM_STOP));
    assert_false(holds_bar(&holds, hold_vm("web2", ""), WANT_VM_STOP));
    assert_false(holds_bar(&holds, hold_vm("", ""), WANT_VM_STOP));
    hold.object = hold_vm("", VM_UUID); /* only the UUID counts */
    holds_end(&holds, OPERATION, 0);
    holds_take(&holds, &hold);
    assert_false(holds_bar(&holds, hold_vm("", ""), WANT_VM_STOP));
    assert_false(holds_bar(&holds, hold_vm("web1", ""), WANT_VM_STOP));
    assert_true(holds_bar(&holds, hold_vm("web1", VM_UUID), WANT_VM_STOP));
    holds_done(&holds);
}

static void an_operation_has_one_hold_of_an_object(void **state)
{
    (void)state;
    struct holds holds = {0};
    struct hold hold = hold_of(HOLD_PLAN, HELD_GPU);
    holds_take(&holds, &hold);
    holds_take(&holds, &hold);
    assert_int_equal(holds.n, 1);
    STR_SET(hold.operation, "another");
    holds_take(&holds, &hold);
    assert_int_equal(holds.n, 2);
    hold.bars = 0; /* none */
    holds_take(&holds, &hold);
    assert_int_equal(holds.n, 1);
    holds_done(&holds);
}

static void a_claim_in_a_plans_hand_says_so_itself(void **state)
{
    (void)state;
    struct holds holds = {0};
    struct error err = {0};
    struct claim claim = {.name = "gpu1", .state = CLAIM_BOUND};
    assert_false(holds_bar(&holds, hold_claim(&claim), WANT_CLAIM_FOLLOW));
    claim.state = CLAIM_BINDING;
    assert_true(holds_bar(&holds, hold_claim(&claim), WANT_CLAIM_FOLLOW));
    assert_false(holds_bar(&holds, hold_claim(&claim), WANT_CLAIM_CHANGE));
    claim.state = CLAIM_RELEASING;
    assert_int_equal(hold_check(&holds, hold_claim(&claim), WANT_CLAIM_FOLLOW, NULL, &err),
                     -REASON_CONFLICT);
    assert_string_equal(err.message, "claim \"gpu1\" can't follow its VM: a plan is changing it");
}

/* ---- how it ends ---- */

static void what_is_over_keeps_older_looks_from_being_believed(void **state)
{
    (void)state;
    struct holds holds = {0};
    struct hold hold = hold_of(HOLD_START, HELD_VM);
    struct hold_object vm = object_of(HELD_VM);
    holds_take(&holds, &hold);
    assert_true(holds_have(&holds, HOLD_START, vm));
    holds_forget_seen(&holds, 100); /* it goes on */
    assert_true(holds_bar(&holds, vm, WANT_VM_MIGRATE));
    holds_end(&holds, OPERATION, 7);
    assert_false(holds_have(&holds, HOLD_START, vm));
    assert_false(holds_bar(&holds, vm, WANT_VM_MIGRATE));
    assert_false(holds_bar(&holds, vm, WANT_VM_TAKE_FOR_OFF));
    assert_true(holds_bar(&holds, vm, WANT_VM_REPORT));
    holds_forget_seen(&holds, 6);
    assert_true(holds_bar(&holds, vm, WANT_VM_REPORT));
    holds_forget_seen(&holds, 7);
    assert_int_equal(holds.n, 0);
    holds_done(&holds);
}

static void what_was_done_to_gpus_stays_expected_until_it_is_dropped(void **state)
{
    (void)state;
    struct holds holds = {0};
    struct hold hold = hold_of(HOLD_PLAN, HELD_GPU);
    holds_take(&holds, &hold);
    hold = hold_of(HOLD_PLAN, HELD_VM);
    holds_take(&holds, &hold);
    holds_end(&holds, OPERATION, UINT64_MAX);
    assert_false(holds_bar(&holds, object_of(HELD_VM), WANT_VM_BOOT));
    assert_true(holds_bar(&holds, hold_gpu(&gpu), WANT_GPU_REPORT));
    holds_end(&holds, OPERATION, 0);
    assert_int_equal(holds.n, 0);
    holds_done(&holds);
}

/* ---- lending ---- */

static void a_claim_is_lent_to_the_vm_that_comes_in_and_to_no_other(void **state)
{
    (void)state;
    struct holds holds = {0};
    struct hold hold = hold_of(HOLD_INCOMING, HELD_CLAIM);
    holds_take(&holds, &hold);
    assert_false(holds_lend(&holds, "gpu1", "web1", VM_UUID));
    hold.lends = true;
    holds_take(&holds, &hold);
    assert_true(holds_lend(&holds, "gpu1", "web1", ""));
    assert_true(holds_lend(&holds, "gpu1", "renamed", VM_UUID));
    assert_false(holds_lend(&holds, "gpu1", "web2", ""));
    assert_false(holds_lend(&holds, "gpu2", "web1", VM_UUID));
    holds_end(&holds, OPERATION, 3);
    assert_false(holds_lend(&holds, "gpu1", "web1", VM_UUID));
    holds_done(&holds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hold_bars_what_its_row_says_and_says_why),
        cmocka_unit_test(a_vm_is_known_by_name_and_by_uuid),
        cmocka_unit_test(an_operation_has_one_hold_of_an_object),
        cmocka_unit_test(a_claim_in_a_plans_hand_says_so_itself),
        cmocka_unit_test(what_is_over_keeps_older_looks_from_being_believed),
        cmocka_unit_test(what_was_done_to_gpus_stays_expected_until_it_is_dropped),
        cmocka_unit_test(a_claim_is_lent_to_the_vm_that_comes_in_and_to_no_other),
    };
    return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
