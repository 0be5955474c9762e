/* SPDX-License-Identifier: Apache-2.0 */
/* Names of users, from a name service of the test's own that answers when the test lets it. */
#include "api/users.h"

#include <errno.h>
#include <pthread.h>
#include <pwd.h>

#include "base/str.h"
#include "test.h"

#define PATIENCE_US UINT64_C(20000000)
#define NAMELESS_UID 900 /* has no name */
#define FAILING_UID 901  /* the service can't say */
#define UNCLEAN_UID 902

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool hangs;
static unsigned n_asked;

static void set_hang(bool on)
{
    pthread_mutex_lock(&lock);
    hangs = on;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static unsigned asked(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = n_asked;
    pthread_mutex_unlock(&lock);
    return n;
}

/* Instead of the C library's. */
int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
    pthread_mutex_lock(&lock);
    n_asked++;
    while (hangs) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    *ret = NULL;
    if (uid == NAMELESS_UID || uid == FAILING_UID) {
        return uid == FAILING_UID ? EIO : 0;
    }
    str_print(buffer, size, "user%u", (unsigned)uid);
    buffer[0] = uid == UNCLEAN_UID ? (char)7 : buffer[0];
    *entry = (struct passwd){.pw_name = buffer, .pw_uid = uid};
    *ret = entry;
    return 0;
}

struct place {
    struct evloop *loop;
    struct users *users;
    unsigned n_named;
};

static void on_named(void *data)
{
    struct place *place = data;
    place->n_named++;
}

static int setup(void **state)
{
    static struct place place;
    place = (struct place){0};
    n_asked = 0;
    *state = &place;
    if (evloop_new(&place.loop) != 0) {
        return -1;
    }
    place.users = users_new(place.loop, on_named, &place);
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    set_hang(false);
    users_free(place->users);
    evloop_free(place->loop);
    return 0;
}

static uint64_t ask_name(struct place *place, int64_t uid, const char *want)
{
    char name[64] = "";
    uint64_t wait_us = users_name(place->users, uid, name, sizeof(name));
    assert_string_equal(name, want);
    return wait_us;
}

static void turn_until_named(struct place *place, unsigned n)
{
    while (place->n_named < n) {
        assert_true(evloop_step(place->loop, PATIENCE_US) > 0);
    }
}

static void a_name_comes_and_is_kept(void **state)
{
    struct place *place = *state;
    assert_true(ask_name(place, 1000, "uid 1000") > 0);
    turn_until_named(place, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask_name(place, 1000, "user1000"), 0);
    }
    assert_int_equal(asked(), 1);
}

static void root_has_its_name_without_a_question(void **state)
{
    struct place *place = *state;
    assert_int_equal(ask_name(place, 0, "root"), 0);
    assert_int_equal(asked(), 0);
}

static void who_has_no_clean_name_is_a_number(void **state)
{
    static const struct {
        int64_t uid;
        const char *text;
    } rows[] = {{NAMELESS_UID, "uid 900"}, {FAILING_UID, "uid 901"}, {UNCLEAN_UID, "uid 902"}};
    struct place *place = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(ask_name(place, rows[i].uid, rows[i].text) > 0);
        turn_until_named(place, i + 1);
        assert_int_equal(ask_name(place, rows[i].uid, rows[i].text), 0);
    }
}

static void a_service_that_hangs_is_waited_for_once(void **state)
{
    struct place *place = *state;
    set_hang(true);
    uint64_t wait_us = ask_name(place, 1000, "uid 1000");
    assert_in_range(wait_us, 1, USERS_PATIENCE_US);
    while (wait_us > 0) { /* until that much time is over, whenever it began */
        (void)evloop_step(place->loop, wait_us);
        wait_us = ask_name(place, 1000, "uid 1000");
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask_name(place, 1000, "uid 1000"), 0);
    }
    set_hang(false);
    turn_until_named(place, 1);
    assert_int_equal(ask_name(place, 1000, "user1000"), 0);
    assert_int_equal(asked(), 1);
}

static void more_users_than_are_kept_are_served(void **state)
{
    struct place *place = *state;
    char text[32];
    set_hang(true);
    for (int i = 0; i < USERS_KEPT; i++) {
        str_print(text, sizeof(text), "uid %d", 2000 + i);
        assert_true(ask_name(place, 2000 + i, text) > 0);
    }
    assert_int_equal(ask_name(place, 9000, "uid 9000"), 0); /* no question more */
    set_hang(false);
    turn_until_named(place, USERS_KEPT);
    assert_int_equal(ask_name(place, 2000 + USERS_KEPT - 1, "user2063"), 0);
    assert_true(ask_name(place, 9000, "uid 9000") > 0);
    turn_until_named(place, USERS_KEPT + 1);
    assert_int_equal(ask_name(place, 9000, "user9000"), 0);
    assert_int_equal(asked(), USERS_KEPT + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_comes_and_is_kept),
        TEST(root_has_its_name_without_a_question),
        TEST(who_has_no_clean_name_is_a_number),
        TEST(a_service_that_hangs_is_waited_for_once),
        TEST(more_users_than_are_kept_are_served),
    };
    return cmocka_run_group_tests_name("users", tests, NULL, NULL);
}
