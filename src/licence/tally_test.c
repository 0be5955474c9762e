/* SPDX-License-Identifier: Apache-2.0 */
#include "licence/tally.h"

#include "base/str.h"
#include "base/vec.h"
#include "licence/judge.h"
#include "test.h"

#define VAPPS LICENCE_SET(LICENCE_VAPPS)
#define VPC LICENCE_SET(LICENCE_VPC)
#define VWS LICENCE_SET(LICENCE_VWS)
#define NVAIE LICENCE_SET(LICENCE_NVAIE)
#define NOW_US 1000000

static void add(struct licence_holders *holders, const char *vm, licence_set any_of,
                const char *gpu, bool on)
{
    struct licence_holder *holder = vec_push(holders);
    *holder = (struct licence_holder){.any_of = any_of, .on = on};
    STR_SET(holder->vm, vm);
    STR_SET(holder->gpu, gpu);
}

static void set(struct licence_pools *pools, enum licence product, uint32_t count)
{
    pools->items[product] =
        (struct licence_pool){.set = true, .count = count, .policy = LICENCE_REFUSE};
}

static void a_vm_with_several_vgpus_takes_one(void **state)
{
    (void)state;
    struct licence_holders holders = {0};
    const struct licence_pools none = {0};
    struct licence_tally tally;
    add(&holders, "a", VWS, "0", true);
    add(&holders, "a", VWS, "1", true);
    add(&holders, "a", VPC | VWS, "1", true); /* its vWS covers that, too */
    add(&holders, "b", VPC | VWS, "1", false);
    licence_tally(&holders, &none, NOW_US, &tally);
    assert_int_equal(tally.counts[LICENCE_VWS].in_use, 1);
    assert_int_equal(tally.counts[LICENCE_VWS].reserved, 0);
    assert_int_equal(tally.counts[LICENCE_VPC].in_use, 0);
    assert_int_equal(tally.counts[LICENCE_VPC].reserved, 1);
    vec_done(&holders);
}

static void ai_enterprise_is_one_for_sixteen_vgpus_of_a_gpu(void **state)
{
    (void)state;
    struct licence_holders holders = {0};
    const struct licence_pools none = {0};
    struct licence_tally tally;
    for (uint32_t i = 0; i < 17; i++) {
        char vm[8];
        (void)str_print(vm, sizeof(vm), "vm%u", i);
        add(&holders, vm, NVAIE, "0", i < 16);
    }
    add(&holders, "other", NVAIE, "1", true);
    licence_tally(&holders, &none, NOW_US, &tally);
    assert_int_equal(tally.counts[LICENCE_NVAIE].in_use, 2);
    assert_int_equal(tally.counts[LICENCE_NVAIE].reserved, 1);
    vec_done(&holders);
}

/* ---- against brute force ---- */

#define MOST 6

static const licence_set sets[] = {VAPPS, VPC, VWS, VPC | VWS, VWS | VAPPS};

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % below;
}

/* The fewest licences that lack, over all choices of the VMs from `i` on. */
static uint32_t fewest(const struct licence_holders *holders, const struct licence_pools *pools,
                       size_t i, uint32_t used[LICENCE_COUNT])
{
    if (i == holders->n) {
        uint32_t lacking = 0;
        for (uint32_t p = 0; p < LICENCE_COUNT; p++) {
            const struct licence_pool *pool = &pools->items[p];
            lacking += pool->set && used[p] > pool->count ? used[p] - pool->count : 0;
        }
        return lacking;
    }
    uint32_t best = UINT32_MAX;
    for (uint32_t p = 0; p < LICENCE_COUNT; p++) {
        if ((holders->items[i].any_of & LICENCE_SET(p)) != 0) {
            used[p]++;
            uint32_t lacking = fewest(holders, pools, i + 1, used);
            best = lacking < best ? lacking : best;
            used[p]--;
        }
    }
    return best;
}

static void as_few_as_possible_lack(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed;
        struct licence_holders holders = {0};
        struct licence_pools pools = {0};
        struct licence_tally tally;
        uint32_t used[LICENCE_COUNT] = {0};
        uint32_t lacking = 0;
        uint32_t n = draw(&random, MOST + 1);
        for (uint32_t i = 0; i < n; i++) {
            char vm[8];
            (void)str_print(vm, sizeof(vm), "vm%u", i);
            add(&holders, vm, sets[draw(&random, ARRAY_SIZE(sets))], "0", draw(&random, 2) == 0);
        }
        for (uint32_t p = 0; p < LICENCE_NVAIE; p++) {
            if (draw(&random, 4) != 0) {
                set(&pools, (enum licence)p, draw(&random, 4));
            }
        }
        licence_tally(&holders, &pools, NOW_US, &tally);
        for (uint32_t p = 0; p < LICENCE_COUNT; p++) {
            lacking += licence_excess(&tally, &pools, (enum licence)p, NOW_US);
        }
        if (lacking != fewest(&holders, &pools, 0, used)) {
            fail_msg("seed %llu: %u lack", (unsigned long long)seed, lacking);
        }
        vec_done(&holders);
    }
}

/* ---- one more ---- */

static struct claim workstation(const char *name, const char *vm)
{
    struct claim claim = {.need = {.any_licence = true}};
    claim.spec.mode = CLAIM_TIME_SLICED;
    STR_SET(claim.name, name);
    STR_SET(claim.vm, vm);
    STR_SET(claim.spec.type, "NVIDIA L40S-8Q");
    return claim;
}

static void only_a_claim_beyond_a_pool_that_refuses_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *vm;
        uint32_t count;
        enum licence_policy policy;
        const char *expires;
        int result;
    } rows[] = {
        {"other", 1, LICENCE_REFUSE, "", -REASON_NO_LICENCE},
        {"other", 1, LICENCE_WARN, "", 0},
        {"other", 2, LICENCE_REFUSE, "", 0},
        {"a", 1, LICENCE_REFUSE, "", 0}, /* its VM has it already */
        {"other", 9, LICENCE_REFUSE, "1970-01-01", 0},
        {"other", 9, LICENCE_REFUSE, "1970-01-01T00:00:00Z", -REASON_NO_LICENCE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct licence_room room = {.now_us = NOW_US};
        struct error err = {0};
        const struct claim claim = workstation("new", rows[i].vm);
        add(&room.holders, "a", VWS, "0", true);
        set(&room.pools, LICENCE_VWS, rows[i].count);
        room.pools.items[LICENCE_VWS].policy = rows[i].policy;
        STR_SET(room.pools.items[LICENCE_VWS].expires, rows[i].expires);
        licence_tally(&room.holders, &room.pools, NOW_US, &room.tally);
        if (licence_room_check(&room, &claim, "0", &err) != rows[i].result) {
            fail_msg("row %zu: %s", i, err.message);
        }
        licence_room_done(&room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_with_several_vgpus_takes_one),
        cmocka_unit_test(ai_enterprise_is_one_for_sixteen_vgpus_of_a_gpu),
        cmocka_unit_test(as_few_as_possible_lack),
        cmocka_unit_test(only_a_claim_beyond_a_pool_that_refuses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
