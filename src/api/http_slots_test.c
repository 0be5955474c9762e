/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_slots.h"

#include "base/attr.h"
#include "test.h"

#define ROOT 0
#define ANN 1000
#define BEN 1001

static const struct http_limits limits = {.connections = 6, .kept_for_root = 2, .per_user = 3};

static struct http_slot *chain(struct http_slot *slots, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        slots[i].next = &slots[i + 1];
    }
    return n > 0 ? slots : NULL;
}

/* The index of the one that goes; -1 when none has to; -2 when there is no room. */
static int admit(struct http_slot *slots, size_t n, int64_t user)
{
    struct http_slot *victim = NULL;
    if (!http_slots_admit(&limits, chain(slots, n), user == ROOT, user, &victim)) {
        return -2;
    }
    return victim == NULL ? -1 : (int)(victim - slots);
}

static void a_free_slot_costs_no_connection(void **state)
{
    (void)state;
    assert_int_equal(admit(NULL, 0, ANN), -1);
    struct http_slot slots[] = {{.use = HTTP_SLOT_IDLE, .user = ANN},
                                {.use = HTTP_SLOT_KEPT, .user = ANN},
                                {.use = HTTP_SLOT_KEPT, .user = BEN}};
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ANN), -1);
}

static void the_longest_idle_of_a_user_with_many_goes_first(void **state)
{
    (void)state;
    struct http_slot slots[] = {{.use = HTTP_SLOT_UNREAD, .user = ANN, .since_us = 1},
                                {.use = HTTP_SLOT_IDLE, .user = ANN, .since_us = 9},
                                {.use = HTTP_SLOT_IDLE, .user = ANN, .since_us = 5},
                                {.use = HTTP_SLOT_IDLE, .user = BEN, .since_us = 2}};
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ANN), 2);
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), BEN), 3); /* the host is full for users */
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ROOT), -1);
}

static void a_user_whose_requests_all_wait_gets_no_more(void **state)
{
    (void)state;
    struct http_slot slots[] = {{.use = HTTP_SLOT_READING, .user = ANN},
                                {.use = HTTP_SLOT_KEPT, .user = ANN},
                                {.use = HTTP_SLOT_READING, .user = ANN}};
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ANN), -2);
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), BEN), -1);
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ROOT), -1);
}

static void users_never_push_out_root(void **state)
{
    (void)state;
    struct http_slot slots[] = {{.use = HTTP_SLOT_IDLE, .root = true},
                                {.use = HTTP_SLOT_UNREAD, .root = true},
                                {.use = HTTP_SLOT_READING, .user = BEN},
                                {.use = HTTP_SLOT_SENDING, .user = BEN}};
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ANN), -2);
    slots[3].use = HTTP_SLOT_UNREAD;
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ANN), 3);
}

static void root_always_comes_in_while_anything_only_reads(void **state)
{
    (void)state;
    struct http_slot slots[] = {
        {.use = HTTP_SLOT_KEPT, .user = ANN, .since_us = 1},
        {.use = HTTP_SLOT_KEPT, .user = BEN, .since_us = 1},
        {.use = HTTP_SLOT_READING, .root = true, .since_us = 1},
        {.use = HTTP_SLOT_READING, .user = BEN, .since_us = 9},
        {.use = HTTP_SLOT_READING, .user = BEN, .since_us = 7},
        {.use = HTTP_SLOT_KEPT, .root = true, .since_us = 1},
    };
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ROOT), 4);
    slots[3].use = HTTP_SLOT_KEPT;
    slots[4].use = HTTP_SLOT_KEPT;
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ROOT), 2);
    slots[2].use = HTTP_SLOT_KEPT;
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ROOT), -2);
}

static void connections_that_leave_take_no_slot(void **state)
{
    (void)state;
    struct http_slot slots[8] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
        slots[i] = (struct http_slot){.use = HTTP_SLOT_LEAVING, .user = ANN};
    }
    assert_int_equal(admit(slots, ARRAY_SIZE(slots), ANN), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_slot_costs_no_connection),
        cmocka_unit_test(the_longest_idle_of_a_user_with_many_goes_first),
        cmocka_unit_test(a_user_whose_requests_all_wait_gets_no_more),
        cmocka_unit_test(users_never_push_out_root),
        cmocka_unit_test(root_always_comes_in_while_anything_only_reads),
        cmocka_unit_test(connections_that_leave_take_no_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
