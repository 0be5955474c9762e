/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of a feed, and what they know by its messages alone, next to what the source has. */
#include "feed/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "test.h"

#define N_CLAIMS 12
#define ROUNDS 3000

struct world {
    struct evloop *loop;
    struct feed_source source;
    struct feed *feed;
    int claims[N_CLAIMS]; /* 0: not there */
    unsigned n_fills, n_looks;
};

/* What a client of the stream knows. */
struct client {
    struct feed_reader *reader;
    json_t *claims; /* by name */
    char last_id[64];
    unsigned n_snapshots, n_ready, n_events, n_wakes;
};

static void fill(struct feed *feed, void *data)
{
    struct world *world = data;
    CLEANUP_JSON json_t *list = json_array();
    world->n_fills++;
    for (int i = 0; i < N_CLAIMS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "c%d", i);
        if (world->claims[i] != 0) {
            json_array_append_new(list,
                                  json_pack("{s:s, s:i}", "name", name, "is", world->claims[i]));
        }
    }
    feed_set(feed, FEED_CLAIM, list);
}

static void look(void *data)
{
    struct world *world = data;
    world->n_looks++;
}

static int open_world(void **state)
{
    struct world *world = xcalloc(1, sizeof(*world));
    assert_int_equal(evloop_new(&world->loop), 0);
    world->source = (struct feed_source){.fill = fill, .look = look, .data = world};
    assert_int_equal(feed_new(world->loop, &world->source, &world->feed), 0);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    feed_free(world->feed);
    evloop_free(world->loop);
    free(world);
    return 0;
}

static void on_wake(void *data)
{
    struct client *client = data;
    client->n_wakes++;
}

static void come(struct world *world, struct client *client, unsigned kinds)
{
    client->reader = feed_follow(
        world->feed, kinds, client->last_id[0] == '\0' ? NULL : client->last_id, on_wake, client);
}

static void leave(struct client *client)
{
    feed_leave(TAKE_PTR(client->reader));
}

static void forget(struct client *client)
{
    json_decref(client->claims);
    *client = (struct client){0};
}

static void take_snapshot(struct client *client, const json_t *data)
{
    json_decref(client->claims);
    client->claims = json_object();
    client->n_snapshots++;
    size_t i = 0;
    json_t *object = NULL;
    json_array_foreach(json_object_get(data, "objects"), i, object)
    {
        json_object_set(client->claims, json_string_value(json_object_get(object, "name")), object);
    }
}

static void take_change(struct client *client, const json_t *data)
{
    const char *key = json_string_value(json_object_get(data, "key"));
    json_t *object = json_object_get(data, "object");
    assert_non_null(client->claims);
    if (json_is_null(object)) {
        json_object_del(client->claims, key);
    } else {
        json_object_set(client->claims, key, object);
    }
}

static void take_message(struct client *client, char *text)
{
    const char *name = "";
    json_t *data = NULL;
    for (char *line = strsep(&text, "\n"); line != NULL; line = strsep(&text, "\n")) {
        if (str_starts(line, "id: ")) {
            STR_SET(client->last_id, line + 4);
        } else if (str_starts(line, "event: ")) {
            name = line + 7;
        } else {
            assert_true(str_starts(line, "data: "));
            struct error err = {0};
            assert_int_equal(json_read(line + 6, strlen(line + 6), "data", &data, &err), 0);
        }
    }
    if (str_eq(name, "snapshot")) {
        take_snapshot(client, data);
    } else if (str_eq(name, "change")) {
        take_change(client, data);
    }
    client->n_ready += str_eq(name, "ready");
    client->n_events += str_eq(name, "event");
    json_decref(data);
}

/* Reads whole messages, some of what is there or all of it. */
static size_t take(struct client *client, size_t max)
{
    CLEANUP_STRBUF struct strbuf out = {0};
    feed_read(client->reader, max, &out);
    char *rest = out.text;
    while (rest != NULL && rest[0] != '\0') {
        char *end = strstr(rest, "\n\n");
        assert_non_null(end);
        end[0] = '\0';
        take_message(client, rest);
        rest = end + 2;
    }
    return out.len;
}

static void take_all(struct client *client)
{
    while (take(client, 4096) > 0) {
    }
}

static void assert_knows(const struct world *world, const struct client *client)
{
    size_t n = 0;
    for (int i = 0; i < N_CLAIMS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "c%d", i);
        const json_t *object = json_object_get(client->claims, name);
        assert_int_equal(json_integer_value(json_object_get(object, "is")), world->claims[i]);
        n += world->claims[i] != 0;
    }
    assert_int_equal(json_object_size(client->claims), n);
}

static void step(struct world *world, uint64_t timeout_us)
{
    assert_true(evloop_step(world->loop, timeout_us) >= 0);
}

static void settle(struct world *world)
{
    unsigned fills = world->n_fills;
    feed_touch(world->feed);
    while (world->n_fills == fills) {
        step(world, UINT64_C(1000000));
    }
}

static void a_reader_gets_what_is_there_and_then_what_changes(void **state)
{
    struct world *world = *state;
    struct client client = {0};
    world->claims[3] = 7;
    come(world, &client, 1U << FEED_CLAIM | 1U << FEED_EVENT);
    take_all(&client);
    assert_int_equal(client.n_snapshots, 1);
    assert_int_equal(client.n_ready, 1);
    assert_knows(world, &client);
    world->claims[3] = 0;
    world->claims[4] = 1;
    settle(world);
    assert_true(client.n_wakes > 0);
    take_all(&client);
    assert_knows(world, &client);
    assert_int_equal(client.n_snapshots, 1);
    CLEANUP_JSON json_t *event = json_pack("{s:i}", "seq", 1);
    feed_add_event(world->feed, event);
    take_all(&client);
    assert_int_equal(client.n_events, 1);
    leave(&client);
    forget(&client);
}

static void what_did_not_change_is_no_message(void **state)
{
    struct world *world = *state;
    struct client client = {0};
    world->claims[0] = 1;
    come(world, &client, FEED_ALL_KINDS);
    take_all(&client);
    settle(world);
    assert_int_equal(take(&client, 4096), 0);
    leave(&client);
    forget(&client);
}

static void only_the_kinds_that_were_asked_for_come(void **state)
{
    struct world *world = *state;
    struct client client = {0};
    world->claims[0] = 1;
    come(world, &client, 1U << FEED_GPU);
    take_all(&client);
    world->claims[0] = 2;
    settle(world);
    take_all(&client);
    assert_int_equal(client.n_snapshots, 1); /* of GPUs, which are not known */
    assert_int_equal(client.n_ready, 1);
    assert_int_equal(json_object_size(client.claims), 0);
    leave(&client);
    forget(&client);
}

/* Clients that read a little, fall behind, go, and come back with the id that they had. */
static void clients_know_what_is_there_however_they_read(void **state)
{
    struct world *world = *state;
    struct client clients[4] = {0};
    unsigned resumed = 0;
    srandom(12);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct client *client = &clients[random() % 4];
        long act = random() % 6;
        if (client->reader == NULL) {
            unsigned before = client->n_snapshots;
            bool had = client->last_id[0] != '\0';
            come(world, client, 1U << FEED_CLAIM);
            take_all(client);
            resumed += had && client->n_snapshots == before;
        } else if (act == 0) {
            leave(client);
        } else if (act < 3) {
            (void)take(client, (size_t)(random() % 300));
        } else {
            world->claims[random() % N_CLAIMS] = (int)(random() % 4);
            fill(world->feed, world);
        }
    }
    assert_true(resumed > ROUNDS / 50);
    for (size_t i = 0; i < 4; i++) {
        if (clients[i].reader == NULL) {
            come(world, &clients[i], 1U << FEED_CLAIM);
        }
        fill(world->feed, world);
        take_all(&clients[i]);
        assert_knows(world, &clients[i]);
        leave(&clients[i]);
        forget(&clients[i]);
    }
}

static void who_falls_behind_the_ring_gets_all_again(void **state)
{
    struct world *world = *state;
    struct client slow = {0};
    come(world, &slow, 1U << FEED_CLAIM);
    take_all(&slow);
    for (int i = 0; i < 3 * FEED_MAX_MESSAGES; i++) {
        world->claims[0] = i + 1;
        fill(world->feed, world);
    }
    take_all(&slow);
    assert_int_equal(slow.n_snapshots, 2);
    assert_int_equal(slow.n_ready, 2);
    assert_knows(world, &slow);
    leave(&slow);
    forget(&slow);
}

/* The ring's bytes are bounded, too: large messages push out many. */
static void large_messages_push_out_earlier_ones(void **state)
{
    struct world *world = *state;
    struct client slow = {0};
    come(world, &slow, FEED_ALL_KINDS);
    take_all(&slow);
    CLEANUP_FREE char *text = xcalloc(1, FEED_MAX_BYTES / 4 + 1);
    memset(text, 'x', FEED_MAX_BYTES / 4);
    CLEANUP_JSON json_t *event = json_pack("{s:s}", "message", text);
    for (int i = 0; i < 8; i++) {
        feed_add_event(world->feed, event);
    }
    CLEANUP_STRBUF struct strbuf out = {0};
    feed_read(slow.reader, SIZE_MAX, &out);
    assert_true(out.len < 2 * FEED_MAX_BYTES);
    assert_non_null(strstr(out.text, "event: snapshot"));
    leave(&slow);
    forget(&slow);
}

static void ids_of_another_feed_or_none_get_all(void **state)
{
    struct world *world = *state;
    static const char *const ids[] = {"", "5", "zz-1", "0-1", "-", "1-99999999999999999999999"};
    struct client first = {0};
    come(world, &first, 1U << FEED_CLAIM);
    take_all(&first);
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        struct client client = {0};
        STR_SET(client.last_id, ids[i]);
        come(world, &client, 1U << FEED_CLAIM);
        take_all(&client);
        assert_int_equal(client.n_snapshots, 1);
        leave(&client);
        forget(&client);
    }
    /* One that is ahead of the feed, of the same era: nothing that it could have seen. */
    struct client ahead = {0};
    char *dash = strchr(first.last_id, '-');
    snprintf(ahead.last_id, sizeof(ahead.last_id), "%.*s-%d", (int)(dash - first.last_id),
             first.last_id, 1000);
    come(world, &ahead, 1U << FEED_CLAIM);
    take_all(&ahead);
    assert_int_equal(ahead.n_snapshots, 1);
    leave(&ahead);
    leave(&first);
    forget(&ahead);
    forget(&first);
}

static void nothing_is_kept_before_the_first_reader(void **state)
{
    struct world *world = *state;
    assert_false(feed_is_on(world->feed));
    assert_false(feed_is_on(NULL));
    feed_touch(world->feed);
    feed_touch(NULL);
    step(world, 2 * FEED_SETTLE_US);
    assert_int_equal(world->n_fills, 0);
}

static void readers_outlive_the_feed(void **state)
{
    struct world *world = *state;
    struct client clients[2] = {0};
    come(world, &clients[0], FEED_ALL_KINDS);
    come(world, &clients[1], FEED_ALL_KINDS);
    feed_free(TAKE_PTR(world->feed));
    assert_int_equal(take(&clients[0], 4096), 0);
    leave(&clients[1]);
    leave(&clients[0]);
}

static void kinds_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *names;
        int result;
        unsigned kinds;
    } rows[] = {
        {NULL, 0, FEED_ALL_KINDS},
        {"gpu", 0, 1U << FEED_GPU},
        {"gpu,vm,gpu", 0, 1U << FEED_GPU | 1U << FEED_VM},
        {"", -REASON_INVALID, 0},
        {"gpu,", -REASON_INVALID, 0},
        {"GPU", -REASON_INVALID, 0},
        {"gpus", -REASON_INVALID, 0},
        {"gpu vm", -REASON_INVALID, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned kinds = 0;
        struct error err = {0};
        assert_int_equal(feed_read_kinds(rows[i].names, &kinds, &err), rows[i].result);
        if (rows[i].result == 0) {
            assert_int_equal(kinds, rows[i].kinds);
        } else {
            assert_true(err.hint[0] != '\0');
        }
    }
}

#define FEED_TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FEED_TEST(a_reader_gets_what_is_there_and_then_what_changes),
        FEED_TEST(what_did_not_change_is_no_message),
        FEED_TEST(only_the_kinds_that_were_asked_for_come),
        FEED_TEST(clients_know_what_is_there_however_they_read),
        FEED_TEST(who_falls_behind_the_ring_gets_all_again),
        FEED_TEST(large_messages_push_out_earlier_ones),
        FEED_TEST(ids_of_another_feed_or_none_get_all),
        FEED_TEST(nothing_is_kept_before_the_first_reader),
        FEED_TEST(readers_outlive_the_feed),
        cmocka_unit_test(kinds_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
