/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/follow.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/exit_status.h"
#include "base/json.h"
#include "cli/screen.h"
#include "cli/view.h"

#define FIRST_PAUSE_US 20000
#define LONGEST_PAUSE_US 500000
#define LONGEST_DRAWN_PAUSE_US 200000 /* a line that moves more seldom looks stuck */
#define USECS_PER_S 1000000

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

static void sleep_us(uint64_t us)
{
    const struct timespec pause = {.tv_sec = (time_t)(us / USECS_PER_S),
                                   .tv_nsec = (long)(us % USECS_PER_S) * 1000};
    nanosleep(&pause, NULL); /* a signal ends it */
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
    int handled = 0;
    int result = 0;
    while (result == 0 && !follow->ended(item_of(follow, *answer)) && interrupts < 2) {
        show_progress(follow, item_of(follow, *answer), progress);
        if (interrupts > handled) {
            handled++;
            screen_line_clear(&progress->line);
            send_cancel(cli, &follow->interrupt);
        }
        sleep_us(follow->pause_us != 0 ? follow->pause_us
                                       : backoff_take(&backoff, FIRST_PAUSE_US, longest_us));
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
