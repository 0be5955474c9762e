/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/folder_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "test.h"

#define SETTLE_US UINT64_C(20000)
#define QUIET_US UINT64_C(100000) /* nothing more is reported */
#define LONG_US UINT64_C(20000000)

struct place {
    char root[32];
    char *dir;
    struct evloop *loop;
    struct folder_watch *watch;
    unsigned n_changes, n_unfinished;
    char unfinished[64];
};

static bool is_name(const char *name)
{
    return str_ends(name, ".yaml") && name[0] != '.';
}

static void changed(void *data, const char *unfinished)
{
    struct place *place = data;
    place->n_changes += unfinished == NULL;
    place->n_unfinished += unfinished != NULL;
    STR_SET(place->unfinished, unfinished == NULL ? "" : unfinished);
}

static int setup(void **state)
{
    struct place *place = xcalloc(1, sizeof(*place));
    *state = place;
    STR_SET(place->root, "/tmp/folder-watch-XXXXXX");
    if (mkdtemp(place->root) == NULL || evloop_new(&place->loop) != 0) {
        return -1;
    }
    place->dir = xasprintf("%s/etc/rules.d", place->root);
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    folder_watch_free(place->watch);
    evloop_free(place->loop);
    (void)fs_remove_tree(place->root);
    free(place->dir);
    free(place);
    return 0;
}

static void begin(struct place *place, uint64_t patience_us)
{
    const struct folder_watch_config config = {.loop = place->loop,
                                               .path = place->dir,
                                               .is_name = is_name,
                                               .changed = changed,
                                               .data = place,
                                               .settle_us = SETTLE_US,
                                               .patience_us = patience_us};
    assert_int_equal(folder_watch_new(&config, &place->watch), 0);
}

static void make_dir(struct place *place)
{
    assert_int_equal(fs_mkdirs(place->dir, 0755), 0);
}

/* Waits until the count has grown, and returns how many there are once it is quiet. */
static unsigned wait_for(struct place *place, const unsigned *count)
{
    unsigned before = *count;
    uint64_t until_us = clock_monotonic_us() + LONG_US;
    while (*count == before && clock_monotonic_us() < until_us) {
        assert_true(evloop_step(place->loop, QUIET_US) >= 0);
    }
    while (evloop_step(place->loop, QUIET_US) > 0) {
    }
    return *count - before;
}

static void expect_quiet(struct place *place)
{
    unsigned before = place->n_changes + place->n_unfinished;
    while (evloop_step(place->loop, QUIET_US) > 0) {
    }
    assert_int_equal(place->n_changes + place->n_unfinished, before);
}

static char *path_of(const struct place *place, const char *name)
{
    return xasprintf("%s/%s", place->dir, name);
}

static int open_new(const struct place *place, const char *name)
{
    CLEANUP_FREE char *path = path_of(place, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    return fd;
}

static void write_file(const struct place *place, const char *name)
{
    int fd = open_new(place, name);
    assert_int_equal(write(fd, "rules: []\n", 10), 10);
    close(fd);
}

static void rename_to(const struct place *place, const char *from, const char *to)
{
    CLEANUP_FREE char *old = path_of(place, from);
    CLEANUP_FREE char *new = path_of(place, to);
    assert_int_equal(rename(old, new), 0);
}

static void link_to(const struct place *place, const char *target, const char *name)
{
    CLEANUP_FREE char *path = path_of(place, name);
    assert_int_equal(symlink(target, path), 0);
}

static void remove_file(const struct place *place, const char *name)
{
    CLEANUP_FREE char *path = path_of(place, name);
    assert_int_equal(unlink(path), 0);
}

static void a_folder_that_comes_later_is_seen(void **state)
{
    struct place *place = *state;
    begin(place, 0);
    expect_quiet(place);
    make_dir(place); /* with the folder above it */
    assert_true(wait_for(place, &place->n_changes) >= 1);
    write_file(place, "a.yaml");
    assert_true(wait_for(place, &place->n_changes) >= 1);
    assert_int_equal(fs_remove_tree(place->dir), 0);
    assert_true(wait_for(place, &place->n_changes) >= 1);
    make_dir(place);
    assert_true(wait_for(place, &place->n_changes) >= 1);
    write_file(place, "b.yaml");
    assert_true(wait_for(place, &place->n_changes) >= 1);
}

/* ---- what counts ---- */

static void write_new(const struct place *place)
{
    write_file(place, "new.yaml");
}
static void write_old(const struct place *place)
{
    write_file(place, "old.yaml");
}
static void remove_old(const struct place *place)
{
    remove_file(place, "old.yaml");
}
static void rename_old_away(const struct place *place)
{
    rename_to(place, "old.yaml", "old.yaml.off");
}
static void rename_in_place(const struct place *place)
{
    write_file(place, ".old.yaml.tmp");
    rename_to(place, ".old.yaml.tmp", "old.yaml");
}
static void link_new(const struct place *place)
{
    link_to(place, "../target", "new.yaml");
}
static void write_behind_link(const struct place *place)
{
    write_file(place, "../target");
}
static void replace_behind_link(const struct place *place)
{
    write_file(place, "../other");
    rename_to(place, "../other", "../target");
}
static void switch_folder(const struct place *place)
{
    link_to(place, "version-2", "..data.tmp");
    rename_to(place, "..data.tmp", "..data");
}
static void forbid_old(const struct place *place)
{
    CLEANUP_FREE char *path = path_of(place, "old.yaml");
    assert_int_equal(chmod(path, 0646), 0);
}
static void move_folder_away(const struct place *place)
{
    CLEANUP_FREE char *away = xasprintf("%s.away", place->dir);
    assert_int_equal(rename(place->dir, away), 0);
}
static void edit_as_editors_do(const struct place *place)
{
    write_file(place, ".old.yaml.swp");
    write_file(place, "old.yaml~");
    write_file(place, "4913"); /* by which vim tries whether it may write */
    remove_file(place, "4913");
    link_to(place, "nowhere", ".#old.yaml"); /* Emacs's lock */
    remove_file(place, ".#old.yaml");
}

static void changes_that_count_are_seen_and_others_are_not(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *what;
        void (*change)(const struct place *place);
        bool counts;
    } rows[] = {
        {"a new file", write_new, true},
        {"a file written again", write_old, true},
        {"a file removed", remove_old, true},
        {"a file renamed away", rename_old_away, true},
        {"a file renamed in place", rename_in_place, true},
        {"a new link", link_new, true},
        {"a file behind a link", write_behind_link, true},
        {"another file behind a link", replace_behind_link, true},
        {"another folder behind links", switch_folder, true},
        {"a file's mode", forbid_old, true},
        {"the folder moved away", move_folder_away, true},
        {"files of editors", edit_as_editors_do, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        make_dir(place);
        write_file(place, "old.yaml");
        write_file(place, "../target");
        link_to(place, "../target", "link.yaml");
        begin(place, 0);
        rows[i].change(place);
        bool seen = rows[i].counts && wait_for(place, &place->n_changes) > 0;
        if (seen != rows[i].counts) {
            fail_msg("%s: not seen", rows[i].what);
        }
        expect_quiet(place);
        folder_watch_free(place->watch);
        place->watch = NULL;
        CLEANUP_FREE char *etc = xasprintf("%s/etc", place->root);
        assert_int_equal(fs_remove_tree(etc), 0);
    }
}

/* ---- half-written files ---- */

static void a_file_is_not_read_before_it_is_closed(void **state)
{
    struct place *place = *state;
    make_dir(place);
    begin(place, LONG_US);
    int fd = open_new(place, "a.yaml");
    assert_int_equal(write(fd, "rules:", 6), 6);
    expect_quiet(place);
    write_file(place, "b.yaml"); /* whose change would be read together with it */
    expect_quiet(place);
    folder_watch_ask(place->watch);
    expect_quiet(place);
    assert_int_equal(write(fd, " []\n", 4), 4);
    close(fd);
    assert_int_equal(wait_for(place, &place->n_changes), 1);
}

static void a_file_that_stays_open_is_named(void **state)
{
    struct place *place = *state;
    make_dir(place);
    begin(place, 2 * QUIET_US);
    int fd = open_new(place, "a.yaml");
    assert_int_equal(write(fd, "rules:", 6), 6);
    assert_true(wait_for(place, &place->n_unfinished) >= 1);
    assert_string_equal(place->unfinished, "a.yaml");
    assert_int_equal(place->n_changes, 0);
    close(fd);
    assert_int_equal(wait_for(place, &place->n_changes), 1);
}

static void a_file_that_is_removed_while_it_is_written_holds_up_nothing(void **state)
{
    struct place *place = *state;
    make_dir(place);
    begin(place, LONG_US);
    int fd = open_new(place, "a.yaml");
    assert_int_equal(write(fd, "rules:", 6), 6);
    remove_file(place, "a.yaml");
    assert_true(wait_for(place, &place->n_changes) >= 1);
    close(fd);
}

static void a_change_is_reported_when_asked(void **state)
{
    struct place *place = *state;
    begin(place, 0);
    folder_watch_ask(place->watch);
    assert_int_equal(wait_for(place, &place->n_changes), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_folder_that_comes_later_is_seen),
        TEST(changes_that_count_are_seen_and_others_are_not),
        TEST(a_file_is_not_read_before_it_is_closed),
        TEST(a_file_that_stays_open_is_named),
        TEST(a_file_that_is_removed_while_it_is_written_holds_up_nothing),
        TEST(a_change_is_reported_when_asked),
    };
    return cmocka_run_group_tests_name("folder_watch", tests, NULL, NULL);
}
