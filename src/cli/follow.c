/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/exit_status.h"
#include "base/json.h"
#include "cli/screen.h"
#include "cli/view.h"
#include "lib/watch.h"

#define FIRST_PAUSE_US 20000
#define LONGEST_PAUSE_US 500000
#define LONGEST_DRAWN_PAUSE_US 200000 /* a line that moves more seldom looks stuck */
#define QUICK_US 200000 /* most is over so soon: until then it is asked for without a stream */
#define LONGEST_WAIT_MS 10000
#define USECS_PER_MS 1000

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t interrupts;
static const char *volatile leave_text; /* NULL: interrupts are counted */

static void on_interrupt(int number)
{
    (void)number;
    if (leave_text != NULL) {
        ssize_t ignored = write(STDERR_FILENO, leave_text, strlen(leave_text));
        (void)ignored;
        _exit(EXIT_STATUS_INTERRUPTED);
    }
    interrupts++;
}

static void catch_interrupts(const struct follow_interrupt *interrupt, struct sigaction *ret_before)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
    interrupts = 0;
    leave_text = interrupt->method == NULL ? interrupt->text : NULL;
    (void)sigaction(SIGINT, interrupt->text != NULL ? &action : NULL, ret_before);
}

static void send_cancel(struct cli *cli, const struct follow_interrupt *interrupt)
{
    struct error err = {0};
    CLEANUP_JSON json_t *json = NULL;
    fputs(interrupt->text, stderr);
    if (cli_change(cli, interrupt->method, interrupt->url, NULL, &json, &err) != 0) {
        (void)cli_report(&err);
    }
}

/* ---- progress ---- */

struct progress {
    bool quiet;
    bool drawn; /* on a terminal */
    struct screen_line line;
    json_t *seen;
};

static void show_progress(const struct follow *follow, const json_t *item,
                          struct progress *progress)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    if (follow->show != NULL) {
        follow->show(item, progress->seen, follow->data);
        return;
    }
    if (progress->quiet) {
        return;
    }
    if (!progress->drawn) {
        follow->report(item, progress->seen);
        return;
    }
    follow->draw(item, &text);
    if (text.len > 0) {
        screen_line_show(&progress->line, strbuf_str(&text));
    }
}

/* ---- the loop ---- */

static const json_t *item_of(const struct follow *follow, const json_t *answer)
{
    return follow->path == NULL ? answer : view_at(answer, follow->path);
}

/* Kinds whose changes change an answer, by the beginning of its URL; NULL: all. */
static const char *kinds_of(const char *url)
{
    static const struct {
        const char *url, *kinds;
    } rows[] = {
        {"/v1/claims", "claim"},         {"/v1/events", "event"},    {"/v1/gpus", "gpu"},
        {"/v1/operations", "operation"}, {"/v1/plans", "operation"}, {"/v1/vms", "vm"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (str_starts(url, rows[i].url)) {
            return rows[i].kinds;
        }
    }
    return NULL;
}

/* Until there is reason to ask again. */
static void wait_for_change(struct watch *watch, const struct follow *follow, uint64_t pause_us,
                            uint64_t began_us)
{
    unsigned pause_ms = (unsigned)(pause_us / USECS_PER_MS);
    if (follow->pause_us == 0 && clock_monotonic_us() - began_us < QUICK_US) {
        const struct timespec pause = {.tv_nsec = (long)pause_us * 1000};
        nanosleep(&pause, NULL); /* a signal ends it */
        return;
    }
    watch_wait(watch, pause_ms, LONGEST_WAIT_MS);
}

static int ask_again(struct cli *cli, const struct follow *follow, json_t **answer,
                     struct error *err)
{
    json_t *next = NULL;
    int result = cli_get(cli, follow->url, &next, err);
    if (result == 0) {
        json_decref(*answer);
        *answer = next;
    }
    return result != 0 || follow->check == NULL ? result
                                                : follow->check(item_of(follow, next), err);
}

bool follow_unwritten(const json_t *item UNUSED)
{
    return ferror(stdout) != 0;
}

static int follow_until_end(struct cli *cli, const struct follow *follow, json_t **answer,
                            struct progress *progress, struct error *err)
{
    struct backoff backoff = {0};
    uint64_t longest_us = progress->drawn ? LONGEST_DRAWN_PAUSE_US : LONGEST_PAUSE_US;
    CLEANUP(watch_freep) struct watch *watch = NULL;
    uint64_t began_us = clock_monotonic_us();
    int handled = 0;
    int result = 0;
    while (result == 0 && !follow->ended(item_of(follow, *answer)) && interrupts < 2) {
        show_progress(follow, item_of(follow, *answer), progress);
        if (interrupts > handled) {
            handled++;
            screen_line_clear(&progress->line);
            send_cancel(cli, &follow->interrupt);
        }
        uint64_t pause_us = follow->pause_us != 0
                                ? follow->pause_us
                                : backoff_take(&backoff, FIRST_PAUSE_US, longest_us);
        watch = watch != NULL ? watch : watch_new(cli->socket, kinds_of(follow->url));
        wait_for_change(watch, follow, pause_us, began_us);
        result = ask_again(cli, follow, answer, err);
    }
    if (result == 0 && follow->ended(item_of(follow, *answer))) {
        show_progress(follow, item_of(follow, *answer), progress);
    }
    screen_line_clear(&progress->line);
    return result;
}

int follow_run(struct cli *cli, const struct follow *follow, json_t **answer, struct error *err)
{
    struct sigaction before = {0};
    CLEANUP_JSON json_t *seen = json_object();
    struct progress progress = {.quiet = cli->quiet,
                                .drawn = follow->draw != NULL && screen_error_is_terminal() &&
                                         !cli->verbose, /* whose lines would cut it */
                                .seen = seen};
    catch_interrupts(&follow->interrupt, &before);
    int result = follow_until_end(cli, follow, answer, &progress, err);
    (void)sigaction(SIGINT, &before, NULL);
    return result;
}
