/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_queue.h"

#include <string.h>

#include "base/attr.h"
#include "test.h"

/* Requests as letters: r, R root's; a, A Ann's; b, B Ben's; t TCP's. Capitals are urgent. */
static void put(struct http_queue *queue, struct http_queued *items, const char *letters)
{
    for (size_t i = 0; letters[i] != '\0'; i++) {
        char user = (char)(letters[i] | 0x20);
        items[i] = (struct http_queued){.urgent = user != letters[i]};
        http_queue_add(queue, &items[i], user == 'r', user == 't' ? -1 : user);
    }
}

static void take_all(struct http_queue *queue, const struct http_queued *items, const char *letters,
                     char *out)
{
    for (struct http_queued *item = http_queue_take(queue); item != NULL;
         item = http_queue_take(queue)) {
        assert_null(item->lane);
        *out++ = letters[item - items];
    }
    *out = '\0';
    assert_true(http_queue_is_empty(queue));
}

static void users_take_turns(void **state)
{
    (void)state;
    static const struct {
        const char *come, *go;
    } rows[] = {
        {"", ""},           {"aaa", "aaa"},   {"aaaabb", "ababaa"},
        {"aaatb", "atbaa"}, {"aaA", "Aaa"},   /* her health before her lists */
        {"aaaBb", "aBaba"},                   /* but not before the turns of others */
        {"aarr", "rara"},                     /* root's every other time */
        {"rraab", "rarba"}, {"aaaR", "Raaa"}, /* what is urgent to root before all */
        {"rrRaR", "RRarr"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct http_queue queue = {0};
        struct http_queued items[8];
        char gone[9];
        put(&queue, items, rows[i].come);
        take_all(&queue, items, rows[i].come, gone);
        if (strcmp(gone, rows[i].go) != 0) {
            fail_msg("%s: %s and not %s", rows[i].come, gone, rows[i].go);
        }
    }
}

static void what_is_removed_does_not_come(void **state)
{
    (void)state;
    static const char letters[] = "aaabAr";
    for (size_t gone = 0; gone < sizeof(letters) - 1; gone++) {
        struct http_queue queue = {0};
        struct http_queued items[8];
        char out[9];
        put(&queue, items, letters);
        http_queue_remove(&queue, &items[gone]);
        http_queue_remove(&queue, &items[gone]); /* is in no queue now */
        take_all(&queue, items, letters, out);
        assert_int_equal(strlen(out), sizeof(letters) - 2);
    }
}

static void a_user_who_comes_again_waits_for_the_others(void **state)
{
    (void)state;
    struct http_queue queue = {0};
    struct http_queued items[4];
    put(&queue, items, "ab");
    assert_ptr_equal(http_queue_take(&queue), &items[0]);
    items[2] = (struct http_queued){0};
    http_queue_add(&queue, &items[2], false, 'a');
    assert_ptr_equal(http_queue_take(&queue), &items[1]);
    assert_ptr_equal(http_queue_take(&queue), &items[2]);
    assert_null(http_queue_take(&queue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_take_turns),
        cmocka_unit_test(what_is_removed_does_not_come),
        cmocka_unit_test(a_user_who_comes_again_waits_for_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
