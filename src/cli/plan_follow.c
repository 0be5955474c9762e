/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_follow.h"

#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/follow.h"
#include "cli/plan_view.h"
#include "cli/prose.h"
#include "cli/view.h"

/* Said at a Ctrl-C. An id has 36 characters: each line fits a terminal. */
#define GOES_ON                                                                                    \
    "\nthe plan continues\n"                                                                       \
    "to follow it: `cleave operation watch %s`\n"                                                  \
    "to undo it:   `cleave plan cancel %s`\n"

static bool plan_is_over(const json_t *plan)
{
    const char *state = view_text(plan, "state", "");
    return !str_eq(state, "running") && !str_eq(state, "undoing");
}

/* ---- following it ---- */

/* A step that is neither planned nor at work: done, or undone again, or it failed. */
static bool step_is_over(const json_t *step)
{
    const char *state = view_text(step, "state", "planned");
    return !str_eq(state, "planned") && !str_eq(state, "running") && !str_eq(state, "undoing");
}

/* So many of the first steps have ended. */
static size_t count_settled(const json_t *steps)
{
    size_t n = 0;
    while (n < json_array_size(steps) && step_is_over(json_array_get(steps, n))) {
        n++;
    }
    return n;
}

/* "[2/5] create vGPU …": the step that runs. */
static void draw_plan(const json_t *plan, struct strbuf *out)
{
    const json_t *steps = view_at(plan, "steps");
    size_t n = json_array_size(steps);
    size_t settled = count_settled(steps);
    const json_t *now = json_array_get(steps, settled < n ? settled : n - 1);
    if (now != NULL) {
        strbuf_addf(out, "[%zu/%zu] %s", settled, n, view_text(now, "text", "-"));
    }
}

/* A line for a step that has ended, unless it is the last one that was said of that step. */
static void report_step(const json_t *steps, size_t i, json_t *seen)
{
    const json_t *step = json_array_get(steps, i);
    const char *problem = view_text(step, "problem", NULL);
    const char *state = view_text(step, "state", "-");
    char key[24];
    snprintf(key, sizeof(key), "%zu", i);
    if (!step_is_over(step) || str_eq(view_text(seen, key, ""), state)) {
        return;
    }
    prose_report("[%zu/%zu] %s: %s%s%s", i + 1, json_array_size(steps), state,
                 view_text(step, "text", "-"), problem == NULL ? "" : ": ",
                 problem == NULL ? "" : problem);
    json_object_set_new(seen, key, json_string(state));
}

/* A line for each step that has ended since, in the order in which they end: an undo goes back from
 * the last step. */
static void report_plan(const json_t *plan, json_t *seen)
{
    const json_t *steps = view_at(plan, "steps");
    size_t n = json_array_size(steps);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(view_text(json_array_get(steps, i), "state", ""), "done")) {
            report_step(steps, i, seen);
        }
    }
    for (size_t i = n; i > 0; i--) {
        report_step(steps, i - 1, seen);
    }
}

/* A plan that runs and has a problem waits for what hangs below cleaved: for how long is unknown.
 */
static int check_plan(const json_t *plan, struct error *err)
{
    const char *problem = view_text(plan, "problem", NULL);
    if (problem == NULL || !str_eq(view_text(plan, "state", ""), "running")) {
        return 0;
    }
    const char *id = view_text(plan, "id", "-");
    error_set(err, REASON_UNAVAILABLE, "", "plan %.8s %s", id, problem);
    error_hint(err, "the plan continues when that answers; see `cleave plan show %s`", id);
    return -REASON_UNAVAILABLE;
}

/* Follows the plan of `change`, and puts what it became there. */
static int follow_plan(struct cli *cli, json_t *change, struct error *err)
{
    const char *id = view_text(change, "plan.id", "");
    CLEANUP_FREE char *url = client_path("/v1/plans/", id, "");
    CLEANUP_FREE char *goes_on = xasprintf(GOES_ON, SHELL_ARG(id), SHELL_ARG(id));
    const struct follow follow = {.url = url,
                                  .ended = plan_is_over,
                                  .draw = draw_plan,
                                  .report = report_plan,
                                  .check = check_plan,
                                  .interrupt = {.text = goes_on}};
    json_t *plan = json_incref(view_at(change, "plan"));
    int result = follow_run(cli, &follow, &plan, err);
    json_object_set_new(change, "plan", plan);
    return result;
}

/* ---- what became of it ---- */

/* Claims as they are now, by one request; one that is gone was released and is left out. */
static int refresh_claims(struct cli *cli, json_t *change, struct error *err)
{
    const json_t *old = view_at(change, "claims");
    CLEANUP_JSON json_t *now = NULL;
    if (json_array_size(old) == 0) {
        return 0;
    }
    int result = cli_get(cli, "/v1/claims", &now, err);
    if (result != 0) {
        return result;
    }
    CLEANUP_JSON json_t *claims = json_array();
    const json_t *all = view_at(now, "claims");
    for (size_t i = 0; i < json_array_size(old); i++) {
        const char *name = view_text(json_array_get(old, i), "name", "");
        for (size_t k = 0; k < json_array_size(all); k++) {
            if (str_eq(view_text(json_array_get(all, k), "name", NULL), name)) {
                json_array_append(claims, json_array_get(all, k));
            }
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
        prose_print(width, "%zu step%s done%s%s", n, n == 1 ? "" : "s",
                    counts[0] == '\0' ? "" : "; GPU instances: ", counts);
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *name = view_text(entry, "claim.name", "-");
        if (str_eq(view_text(entry, "verb", ""), "release") && plan_view_move(plan, name) == NULL) {
            prose_print(width, "claim %s is released", name);
        }
    }
    plan_view_bars(plan, width);
    plan_view_left(plan, width);
    plan_view_warnings(plan);
    plan_view_claims(view_at(change, "claims"), width);
}

/* What a claim that failed means for its VM. */
static void report_failed_claims(const json_t *change)
{
    const json_t *claims = view_at(change, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const json_t *claim = json_array_get(claims, i);
        const char *name = view_text(claim, "name", "-");
        const char *vm = view_text(claim, "vm", NULL);
        if (vm != NULL && str_eq(view_text(claim, "state", ""), "failed")) {
            prose_report(view_true(claim, "wasBound")
                             ? "VM %s does not start until claim %s is deleted"
                             : "VM %s starts without claim %s, which has failed; delete the claim "
                               "if the VM does not need it",
                         vm, name);
        }
    }
}

static int show_change(struct cli *cli, const json_t *change, struct error *err)
{
    const json_t *plan = view_at(change, "plan");
    const char *state = view_text(plan, "state", "-");
    const char *id = view_text(plan, "id", "-");
    bool raw = cli_print_raw(cli, change);
    if (str_eq(state, "cancelled")) {
        error_set(err, REASON_CONFLICT, "", "the plan is cancelled, and what it did is undone: %s",
                  view_text(plan, "problem", "no reason was given"));
        error_hint(err, "`cleave plan show %s` has all its steps", id);
        return -REASON_CONFLICT;
    }
    bool lacks = str_eq(state, "done") && view_text(plan, "problem", NULL) != NULL;
    if (lacks || str_eq(state, "undone") || str_eq(state, "stuck") || str_eq(state, "failed")) {
        error_set(err, REASON_DRIVER, "", "the plan is %s: %s", state,
                  view_text(plan, "problem", "no reason was given"));
        report_failed_claims(change);
        const char *hint = plan_view_hint(plan);
        error_hint(err, "%s%s`cleave plan show %s` shows all its steps", hint,
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
        prose_print(cli_width(cli), "plan %s is running; `cleave plan show %s` shows its progress",
                    id, id);
    }
    return 0;
}

int plan_follow_change(struct cli *cli, const char *method, const char *path, const json_t *body,
                       struct error *err)
{
    CLEANUP_JSON json_t *change = NULL;
    int result = cli_change(cli, method, path, body, &change, err);
    if (result == 0 && !cli->dry_run && !cli->no_wait && !plan_is_over(view_at(change, "plan"))) {
        result = follow_plan(cli, change, err);
        result = result != 0 ? result : refresh_claims(cli, change, err);
    }
    return result != 0 ? result : show_change(cli, change, err);
}
