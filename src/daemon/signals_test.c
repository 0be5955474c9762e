/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/signals.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static const struct signal_row *row_of(int number, struct signal_row *row)
{
    for (size_t i = 0; signals_row(i, row); i++) {
        if (number >= row->first && number <= row->last) {
            return row;
        }
    }
    return NULL;
}

static void every_signal_that_can_be_sent_has_a_row(void **state)
{
    (void)state;
    for (int number = 1; number <= SIGRTMAX; number++) {
        struct signal_row row;
        bool of_libc = number > SIGSYS && number < SIGRTMIN;
        if (row_of(number, &row) == NULL && !of_libc) {
            fail_msg("signal %d (%s) has no row", number, strsignal(number));
        }
    }
}

enum { STOPPED = 3, RELOADED, NEITHER };

static void stop(void *data)
{
    *(int *)data = STOPPED;
}

static void reload(void *data)
{
    *(int *)data = RELOADED;
}

/* In a child: takes signals as cleaved does, sends itself one, and ends with what came of it. */
static _Noreturn void be_cleaved(int number)
{
    struct evloop *loop = NULL;
    struct error err = {0};
    int status = NEITHER;
    signals_ignore();
    int r = evloop_new(&loop);
    struct signal_actions actions = {.stop = stop, .reload = reload, .data = &status};
    r = r != 0 ? r : signals_take(loop, &actions, &err);
    r = r != 0 ? r : kill(getpid(), number);
    while (r == 0 && evloop_step(loop, 0) > 0) { /* all that is due */
    }
    _exit(r != 0 ? 99 : status);
}

static int status_after(int number)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        be_cleaved(number);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void a_signal_does_what_its_row_says(void **state)
{
    static const int wanted[SIGNAL_EFFECT_COUNT] = {
        [SIGNAL_STOPS] = STOPPED, [SIGNAL_RELOADS] = RELOADED, [SIGNAL_IGNORED] = NEITHER};
    (void)state;
    struct signal_row row;
    for (size_t i = 0; signals_row(i, &row); i++) {
        int numbers[] = {row.first, row.last};
        for (size_t n = 0; wanted[row.effect] != 0 && n < ARRAY_SIZE(numbers); n++) {
            int status = status_after(numbers[n]);
            if (status != wanted[row.effect]) {
                fail_msg("%s (%d): %d, not %d", row.name, numbers[n], status, wanted[row.effect]);
            }
        }
    }
}

static void a_signal_that_comes_before_the_loop_ends_no_start(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        signals_ignore();
        _exit(raise(SIGHUP) == 0 && raise(SIGUSR1) == 0 && raise(SIGRTMAX) == 0 ? 0 : 99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_manual_names_every_signal_that_cleaved_takes(void **state)
{
    (void)state;
    CLEANUP_STRBUF struct strbuf text = {0};
    signals_docs(&text);
    struct signal_row row;
    for (size_t i = 0; signals_row(i, &row); i++) {
        bool named = strstr(strbuf_str(&text), row.name) != NULL;
        assert_int_equal(named, row.effect != SIGNAL_LEFT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_signal_that_can_be_sent_has_a_row),
        cmocka_unit_test(a_signal_does_what_its_row_says),
        cmocka_unit_test(a_signal_that_comes_before_the_loop_ends_no_start),
        cmocka_unit_test(the_manual_names_every_signal_that_cleaved_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
