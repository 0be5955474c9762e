/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/change.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/plan_view.h"
#include "cli/table.h"
#include "cli/view.h"

#define FIRST_POLL_MS 20
#define LAST_POLL_MS 500
#define CLEAR_LINE "\r\033[K"

struct progress {
    size_t shown; /* steps that were reported as settled */
    bool tty;
    bool line; /* a moving line stands on the terminal */
};

static bool plan_is_over(const json_t *plan)
{
    const char *state = view_text(plan, "state", "");
    return !str_eq(state, "running") && !str_eq(state, "undoing");
}

static bool step_is_settled(const json_t *step)
{
    const char *state = view_text(step, "state", "planned");
    return !str_eq(state, "planned") && !str_eq(state, "running");
}

static void tell_step(const json_t *step, size_t number, size_t n)
{
    const char *problem = view_text(step, "problem", NULL);
    prose_report("[%zu/%zu] %s: %s%s%s", number, n, view_text(step, "state", "-"),
                 view_text(step, "text", "-"), problem == NULL ? "" : ": ",
                 problem == NULL ? "" : problem);
}

static void tell_plain(struct progress *progress, const json_t *steps)
{
    size_t n = json_array_size(steps);
    while (progress->shown < n && step_is_settled(json_array_get(steps, progress->shown))) {
        tell_step(json_array_get(steps, progress->shown), progress->shown + 1, n);
        progress->shown++;
    }
}

/* A moving line must not be longer, or it leaves pieces behind. */
static int terminal_width(void)
{
    struct winsize size = {0};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

static void tell_live(struct progress *progress, const json_t *steps)
{
    size_t n = json_array_size(steps);
    size_t done = 0;
    while (done < n && step_is_settled(json_array_get(steps, done))) {
        done++;
    }
    const json_t *now = json_array_get(steps, done < n ? done : n - 1);
    if (now != NULL) {
        char line[512];
        str_print(line, sizeof(line), "[%zu/%zu] %s", done, n, view_text(now, "text", "-"));
        line[str_cut_len(line, strlen(line), (size_t)terminal_width() - 1)] = '\0';
        fprintf(stderr, CLEAR_LINE "%s", line);
        fflush(stderr);
        progress->line = true;
    }
}

static void tell(struct progress *progress, const json_t *plan)
{
    const json_t *steps = view_at(plan, "steps");
    if (progress->tty) {
        tell_live(progress, steps);
    } else {
        tell_plain(progress, steps);
    }
}

static void sleep_ms(unsigned ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

/* One that runs and has a problem waits for what hangs below cleaved: who knows how long. */
static int check_waits(const json_t *plan, struct error *err)
{
    const char *problem = view_text(plan, "problem", NULL);
    if (problem == NULL || !str_eq(view_text(plan, "state", ""), "running")) {
        return 0;
    }
    const char *id = view_text(plan, "id", "-");
    error_set(err, REASON_UNAVAILABLE, "", "plan %.8s %s", id, problem);
    error_hint(err, "it goes on when that answers; `cleave plan show %s` tells", id);
    return -REASON_UNAVAILABLE;
}

/* Polls until the plan is over, or waits for what hangs; puts what it became into `change`. */
static int follow(struct cli *cli, json_t *change, struct error *err)
{
    struct progress progress = {.tty = isatty(STDERR_FILENO) == 1};
    CLEANUP_FREE char *path = client_path("/v1/plans/", view_text(change, "plan.id", ""), "");
    unsigned pause_ms = FIRST_POLL_MS;
    int result = 0;
    while (result == 0 && !plan_is_over(view_at(change, "plan"))) {
        tell(&progress, view_at(change, "plan"));
        sleep_ms(pause_ms);
        pause_ms = pause_ms * 3 / 2 > LAST_POLL_MS ? LAST_POLL_MS : pause_ms * 3 / 2;
        json_t *plan = NULL;
        result = cli_get(cli, path, &plan, err);
        if (result == 0) {
            json_object_set_new(change, "plan", plan);
            result = check_waits(plan, err);
        }
    }
    if (result == 0) {
        tell(&progress, view_at(change, "plan"));
    }
    if (progress.line) {
        fputs(CLEAR_LINE, stderr);
    }
    return result;
}

/* Claims as they are now; one that is gone was released and is left out. */
static int refresh_claims(struct cli *cli, json_t *change, struct error *err)
{
    const json_t *old = view_at(change, "claims");
    CLEANUP_JSON json_t *claims = json_array();
    for (size_t i = 0; i < json_array_size(old); i++) {
        const char *name = view_text(json_array_get(old, i), "name", "");
        CLEANUP_FREE char *path = client_path("/v1/claims/", name, "");
        json_t *claim = NULL;
        struct error problem = {0};
        int result = cli_get(cli, path, &claim, &problem);
        if (result == 0) {
            json_array_append_new(claims, claim);
        } else if (problem.reason != REASON_NOT_FOUND) {
            *err = problem;
            return result;
        }
    }
    json_object_set(change, "claims", claims);
    return 0;
}

static void print_done(const json_t *change, size_t width)
{
    const json_t *plan = view_at(change, "plan");
    char counts[128];
    plan_view_counts(plan, counts, sizeof(counts));
    size_t n = json_array_size(view_at(plan, "steps"));
    const json_t *entries = view_at(plan, "claims");
    if (n == 0 && json_array_size(entries) == 0) {
        printf("nothing to do\n");
    } else if (n > 0) {
        printf("%zu step%s done%s%s\n", n, n == 1 ? "" : "s",
               counts[0] == '\0' ? "" : "; GPU instances: ", counts);
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *name = view_text(entry, "claim.name", "-");
        if (str_eq(view_text(entry, "verb", ""), "release") && plan_view_move(plan, name) == NULL) {
            prose_print(width, "claim %s is released", name);
        }
    }
    plan_view_left(plan, width);
    plan_view_warnings(plan);
    plan_view_claims(view_at(change, "claims"), width);
}

/* What a claim that failed means for its VM. */
static void say_failed(const json_t *change)
{
    const json_t *claims = view_at(change, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        const char *name = view_text(claim, "name", "-");
        const char *vm = view_text(claim, "vm", NULL);
        if (vm != NULL && str_eq(view_text(claim, "state", ""), "failed")) {
            prose_report(view_true(claim, "wasBound")
                             ? "VM %s does not start until claim %s is deleted"
                             : "VM %s starts without claim %s, which failed and stays until it is "
                               "deleted",
                         vm, name);
        }
    }
}

static int print_result(struct cli *cli, const json_t *change, struct error *err)
{
    const json_t *plan = view_at(change, "plan");
    const char *state = view_text(plan, "state", "-");
    const char *id = view_text(plan, "id", "-");
    bool raw = cli_print_raw(cli, change);
    bool lacks = str_eq(state, "done") && view_text(plan, "problem", NULL) != NULL;
    if (lacks || str_eq(state, "undone") || str_eq(state, "stuck") || str_eq(state, "failed")) {
        error_set(err, REASON_DRIVER, "", "the plan is %s: %s", state,
                  view_text(plan, "problem", "no reason was given"));
        say_failed(change);
        const char *hint = plan_view_hint(plan);
        error_hint(err, "%s%s`cleave plan show %s` has all its steps", hint,
                   hint[0] == '\0' ? "" : "; ", id);
        return -REASON_DRIVER;
    }
    if (raw) {
        return 0;
    }
    if (cli->dry_run) {
        plan_view_print(plan, cli_width(cli));
        printf("\nDry run: nothing was changed.\n");
        plan_view_unchecked(plan, cli_width(cli));
    } else if (plan_is_over(plan)) {
        print_done(change, cli_width(cli));
    } else {
        prose_print(cli_width(cli), "plan %s runs; `cleave plan show %s` tells how far it is", id,
                    id);
    }
    return 0;
}

int change_run(struct cli *cli, const char *method, const char *path, const json_t *body,
               struct error *err)
{
    CLEANUP_JSON json_t *change = NULL;
    int result = cli_change(cli, method, path, body, &change, err);
    if (result == 0 && !cli->dry_run && !cli->no_wait && !plan_is_over(view_at(change, "plan"))) {
        result = follow(cli, change, err);
        result = result != 0 ? result : refresh_claims(cli, change, err);
    }
    return result != 0 ? result : print_result(cli, change, err);
}
