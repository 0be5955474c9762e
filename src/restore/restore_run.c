/* SPDX-License-Identifier: Apache-2.0 */
/* How far a restoration is: schema Restore in api/openapi.yaml. */
#include "restore/restore_run.h"

#include "base/clock.h"
#include "base/str.h"
#include "model/encode.h"

#define MISSING_NAMED 3 /* in a sentence; the others are counted */

WORDS_DEFINE(restore_state_words, "state of the restoration", RESTORE_STATE_COUNT,
             WORD(RESTORE_WAITING, "waiting"), WORD(RESTORE_RUNNING, "running"),
             WORD(RESTORE_RESTORED, "restored"), WORD(RESTORE_INCOMPLETE, "incomplete"))

static bool came_back(const struct restore_gpu *gpu, const char *name)
{
    for (size_t i = 0; i < gpu->came.n; i++) {
        if (str_eq(gpu->came.items[i], name)) {
            return true;
        }
    }
    return false;
}

static const char *outcome_name(const struct restore_gpu *gpu, const struct restore_claim *claim)
{
    switch (claim->outcome) {
    case RESTORE_THERE:
        return came_back(gpu, claim->name) ? "restored" : "there";
    case RESTORE_COMES:
        return "coming";
    case RESTORE_BLOCKED:
        break;
    }
    return "blocked";
}

static void set_why(json_t *json, const struct error *why)
{
    bool none = why->reason == REASON_NONE;
    json_object_set_new(json, "problem", encode_text(none ? "" : why->message));
    json_object_set_new(json, "hint", encode_text(none ? "" : why->hint));
}

static json_t *gpu_to_restore_json(const struct restore_gpu *gpu)
{
    json_t *claims = json_array();
    for (vec_each(&gpu->claims, claim)) {
        json_t *one =
            json_pack("{s:s, s:s}", "name", claim->name, "state", outcome_name(gpu, claim));
        set_why(one, &claim->why);
        json_array_append_new(claims, one);
    }
    json_t *json =
        json_pack("{s:o, s:o, s:s, s:I, s:o, s:o}", "gpu", encode_addr(&gpu->addr), "uuid",
                  encode_text(gpu->uuid), "state", restore_state_name(gpu->state), "attempts",
                  (json_int_t)gpu->attempts.n, "plan", encode_text(gpu->plan_id), "claims", claims);
    set_why(json, &gpu->why);
    return json;
}

bool restore_is_active(const struct restore_run *run)
{
    return run->operation != NULL && !operation_is_over(run->operation);
}

size_t restore_count(const struct restore_run *run, enum restore_state state)
{
    size_t n = 0;
    for (vec_each(&run->gpus, gpu)) {
        n += gpu->state == state;
    }
    return n;
}

/* What lacks something, as it is listed: the first few are named. */
struct missing {
    struct strbuf *out;
    size_t n;
};

static void add_missing(struct missing *missing, const char *what, const char *name,
                        const struct error *why)
{
    if (missing->n++ < MISSING_NAMED) {
        strbuf_addf(missing->out, "; %s %s: %s", what, name, why->message);
    }
}

/* One whose turn has not come yet has no reason. */
static bool lacks_something(const struct restore_gpu *gpu)
{
    return gpu->state == RESTORE_INCOMPLETE ||
           (gpu->state != RESTORE_RESTORED && gpu->why.reason != REASON_NONE);
}

void restore_add_missing(const struct restore_run *run, struct strbuf *out)
{
    struct missing missing = {.out = out};
    char bdf[BDF_SIZE];
    for (vec_each(&run->gpus, gpu)) {
        if (lacks_something(gpu)) {
            add_missing(&missing, "GPU", pci_addr_format(&gpu->addr, bdf), &gpu->why);
        }
    }
    for (vec_each(&run->absent, absent)) {
        add_missing(&missing, "claim", absent->claim, &absent->why);
    }
    if (missing.n > MISSING_NAMED) {
        strbuf_addf(out, "; and %zu more", missing.n - MISSING_NAMED);
    }
}

static const char *first_hint(const struct restore_run *run)
{
    for (vec_each(&run->gpus, gpu)) {
        if (lacks_something(gpu)) {
            return gpu->why.hint;
        }
    }
    return run->absent.n > 0 ? run->absent.items[0].why.hint : "";
}

/* One that was found in the store is shown as it was stored until it goes on. */
void restore_describe(const struct operation *operation, struct operation_view *view)
{
    const struct restore_run *run = operation->data;
    CLEANUP_STRBUF struct strbuf missing = {0};
    STR_SET(view->text, "restoring what a reboot or a reload of the driver removed");
    if (run->operation != operation) {
        return;
    }
    STR_SET(view->progress.unit, "GPUs");
    view->progress.done = restore_count(run, RESTORE_RESTORED);
    view->progress.total = run->gpus.n;
    for (vec_each(&run->gpus, gpu)) {
        view->attempts += gpu->attempts.n;
    }
    if (operation->state == OPERATION_WAITING && operation->due_us != 0) {
        view->next_attempt_us = clock_realtime_of(operation->due_us);
    }
    restore_add_missing(run, &missing);
    STR_SET(view->problem, missing.len > 2 ? strbuf_str(&missing) + 2 : "");
    STR_SET(view->hint, first_hint(run));
}

/* Over and something is missing? */
static bool is_incomplete(const struct restore_run *run)
{
    return restore_count(run, RESTORE_RESTORED) < run->gpus.n || run->absent.n > 0;
}

json_t *restore_run_to_json(const struct restore_run *run)
{
    json_t *gpus = json_array();
    for (vec_each(&run->gpus, gpu)) {
        json_array_append_new(gpus, gpu_to_restore_json(gpu));
    }
    json_t *absent = json_array();
    for (vec_each(&run->absent, claim)) {
        json_t *one = json_pack("{s:s}", "name", claim->claim);
        set_why(one, &claim->why);
        json_array_append_new(absent, one);
    }
    const struct operation *operation = run->operation;
    const char *state = operation == NULL        ? "never"
                        : restore_is_active(run) ? "running"
                        : is_incomplete(run)     ? "incomplete"
                                                 : "done";
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:[]}", "state", state, "startedAt",
                     encode_time(operation == NULL ? 0 : operation->created_us), "finishedAt",
                     encode_time(operation == NULL ? 0 : operation->finished_us), "gpus", gpus,
                     "absent", absent, "plans");
}
