/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boards that change slots while the host is off, under claims that were made while another driver
 * than NVIDIA's had the board: its UUID is known from before, or is learned, or the claim is held
 * and no other board is taken for its own.
 */
#include <string.h>

#include "base/str.h"
#include "mhost_fixture.h"
#include "plan/places.h"
#include "restore/restore_run.h"
#include "state/state.h"
#include "test.h"

#define OTHER_L40S "0000:91:00.0"
#define PA "{\"name\": \"pa\", \"mode\": \"passthrough\", \"gpu\": \"" MHOST_L40S "\"}"
#define PB "{\"name\": \"pb\", \"mode\": \"passthrough\", \"gpu\": \"" OTHER_L40S "\"}"

static struct fake_gpu *board_at(struct mhost_fixture *f, const char *bdf)
{
    struct pci_addr addr = {0};
    assert_true(pci_addr_parse(bdf, &addr));
    return fake_host_gpu(&f->host, &addr);
}

static void look(struct mhost_fixture *f)
{
    mhost_look(&f->mhost);
    assert_true(mhost_settle(&f->mhost));
}

static void restart(struct mhost_fixture *f)
{
    mhost_stop(&f->mhost);
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
}

/* ---- ways to a claim on a board that NVIDIA's driver does not have ---- */

static void pass_through(struct mhost_fixture *f)
{
    CLEANUP_JSON json_t *body = json_pack("{s:s}", "mode", "passthrough");
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_SET_GPU_MODE, &answer, .target = OTHER_L40S, .json = body);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(mhost_settle(&f->mhost));
}

static void pass_through_and_restart(struct mhost_fixture *f)
{
    pass_through(f);
    restart(f);
}

/* As a claim on a GPU of the same IOMMU group does, or a person. */
static void take_by_hand(struct mhost_fixture *f)
{
    fake_lock();
    STR_SET(board_at(f, OTHER_L40S)->driver, "vfio-pci");
    fake_unlock();
    look(f);
}

/* No driver has said the UUID of any board of this boot. */
static void be_without_nvml(struct mhost_fixture *f)
{
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
    f->host.mismatch = true;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
}

static void be_without_nvml_for_a_while(struct mhost_fixture *f)
{
    be_without_nvml(f);
    assert_int_equal(mhost_create(&f->mhost, PB, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    fake_lock();
    STR_SET(board_at(f, OTHER_L40S)->driver, "nvidia");
    f->host.mismatch = false;
    fake_unlock();
    look(f);
}

/* ---- what comes of it ---- */

static const struct claim *claim_of(struct mhost_fixture *f, const char *name)
{
    const struct claim *claim = claims_find(&f->mhost.manager->claims, name);
    assert_non_null(claim);
    return claim;
}

static void must_be_at(struct mhost_fixture *f, const char *name, const char *bdf, const char *uuid)
{
    char at[BDF_SIZE];
    const struct claim *claim = claim_of(f, name);
    assert_string_equal(pci_addr_format(&claim->assigned.gpu, at), bdf);
    assert_string_equal(claim->assigned.gpu_uuid, uuid);
    assert_string_equal(board_at(f, bdf)->driver, "vfio-pci");
}

static void swap_and_boot(struct mhost_fixture *f)
{
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
    board_at(f, MHOST_L40S)->board = 0x91;
    board_at(f, OTHER_L40S)->board = 0x81;
    f->host.mismatch = false;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
}

static void add_board(struct mhost_fixture *f)
{
    fake_lock();
    struct fake_gpu *gpu = fake_host_add_gpu(&f->host, 0x91, 0x26b9, 0x1851);
    gpu->mig_capable = false;
    fake_unlock();
    look(f);
}

static void a_claim_follows_a_board_that_another_driver_had(void **state)
{
    static void (*const ways[])(struct mhost_fixture *f) = {
        pass_through, pass_through_and_restart, take_by_hand, be_without_nvml_for_a_while};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        struct mhost_fixture *f = *state;
        add_board(f);
        ways[i](f);
        if (claims_find(&f->mhost.manager->claims, "pb") == NULL) {
            assert_int_equal(mhost_create(&f->mhost, PB, NULL), 0);
            assert_true(mhost_settle(&f->mhost));
        }
        assert_int_equal(mhost_create(&f->mhost, PA, NULL), 0);
        assert_true(mhost_settle(&f->mhost));
        assert_string_equal(claim_of(f, "pb")->assigned.gpu_uuid, "GPU-91");
        swap_and_boot(f);
        must_be_at(f, "pa", OTHER_L40S, "GPU-81");
        must_be_at(f, "pb", MHOST_L40S, "GPU-91");
        assert_int_equal(mhost_fixture_teardown(state), 0);
        assert_int_equal(mhost_fixture_setup(state), 0);
    }
}

/* What a dry run and a run of `host restore` say of claims that they can't bring back. */
static size_t count_absent(struct mhost_fixture *f, bool dry_run)
{
    struct answer answer = {0};
    mhost_ask(&f->mhost, VERB_RESTORE_HOST, &answer, .dry_run = dry_run);
    assert_true(mhost_wait(&f->mhost, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    size_t n = json_array_size(json_object_get(answer.body, "absent"));
    answer_done(&answer);
    assert_true(mhost_settle(&f->mhost));
    return dry_run ? n : f->mhost.manager->restore->absent.n;
}

static void a_claim_whose_board_was_never_known_is_held_when_boards_move(void **state)
{
    struct mhost_fixture *f = *state;
    char why[ERROR_TEXT_SIZE] = "";
    add_board(f);
    assert_int_equal(mhost_create(&f->mhost, PA, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    be_without_nvml(f);
    assert_int_equal(mhost_create(&f->mhost, PB, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    assert_string_equal(claim_of(f, "pb")->assigned.gpu_uuid, "");
    swap_and_boot(f);
    must_be_at(f, "pa", OTHER_L40S, "GPU-81");
    assert_int_equal(claim_of(f, "pb")->assigned.board, CLAIM_BOARD_ELSEWHERE);
    assert_int_equal(mhost_count_events(&f->mhost, "claim-displaced", "claim/pb", why), 1);
    assert_non_null(strstr(why, "\"pa\""));
    assert_non_null(strstr(why, OTHER_L40S));
    assert_int_equal(count_absent(f, true), 1);
    assert_int_equal(count_absent(f, false), 1);
    restart(f);
    assert_int_equal(mhost_delete(&f->mhost, "pb", NULL),
                     0); /* takes nothing of the other claim's */
    assert_true(mhost_settle(&f->mhost));
    must_be_at(f, "pa", OTHER_L40S, "GPU-81");
    assert_string_equal(board_at(f, MHOST_L40S)->driver, "nvidia");
}

static void a_claim_whose_board_was_never_known_comes_back_where_no_board_moved(void **state)
{
    struct mhost_fixture *f = *state;
    add_board(f);
    be_without_nvml(f);
    assert_int_equal(mhost_create(&f->mhost, PB, NULL), 0);
    assert_true(mhost_settle(&f->mhost));
    mhost_stop(&f->mhost);
    fake_host_reboot(&f->host);
    f->host.mismatch = false;
    assert_int_equal(mhost_start(&f->mhost), 0);
    assert_true(mhost_settle(&f->mhost));
    must_be_at(f, "pb", OTHER_L40S, ""); /* a UUID of another boot is not its own */
}

/* ---- two claims, one device ---- */

static struct claim bound(const char *name, enum claim_mode mode, uint8_t bus, uint8_t function)
{
    struct claim claim = {.state = CLAIM_BOUND, .spec = {.mode = mode}};
    STR_SET(claim.name, name);
    claim.assigned = (struct assignment){
        .set = true, .gpu = {.bus = bus}, .device = {.bus = bus, .function = function}};
    return claim;
}

static void no_plan_gives_a_claim_what_another_one_has(void **state)
{
    static const struct {
        enum claim_mode has, gets;
        uint8_t bus, function;
        bool refused;
    } cases[] = {
        {CLAIM_PASSTHROUGH, CLAIM_PASSTHROUGH, 1, 0, true},
        {CLAIM_PASSTHROUGH, CLAIM_TIME_SLICED, 1, 4, true},
        {CLAIM_PASSTHROUGH, CLAIM_PASSTHROUGH, 2, 0, false},
        {CLAIM_TIME_SLICED, CLAIM_TIME_SLICED, 1, 0, true},
        {CLAIM_TIME_SLICED, CLAIM_TIME_SLICED, 1, 4, false},
        {CLAIM_GPU_INSTANCE, CLAIM_GPU_INSTANCE, 1, 0, false},
    };
    (void)state;
    CLEANUP(host_freep) struct host *host = host_new();
    struct pci_addr addr = {.bus = 1};
    (void)host_add_gpu(host, &addr);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct error err = {0};
        struct claim has = bound("pa", cases[i].has, 1, 0);
        struct claims claims = {.items = &has, .n = 1};
        CLEANUP(plan_freep) struct plan *plan = plan_new();
        *vec_push(&plan->claims) = (struct plan_claim){
            .verb = PLAN_BIND,
            .claim = bound("pb", cases[i].gets, cases[i].bus, cases[i].function)};
        int r = places_check_plan(host, &claims, plan, &err);
        if ((r != 0) != cases[i].refused) {
            fail_msg("case %zu: %s", i, err.message);
        }
        has.assigned.board = CLAIM_BOARD_ELSEWHERE; /* then it has nothing there */
        assert_int_equal(places_check_plan(host, &claims, plan, &err), 0);
    }
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, mhost_fixture_setup, mhost_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_claim_follows_a_board_that_another_driver_had),
        TEST(a_claim_whose_board_was_never_known_is_held_when_boards_move),
        TEST(a_claim_whose_board_was_never_known_comes_back_where_no_board_moved),
        cmocka_unit_test(no_plan_gives_a_claim_what_another_one_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
