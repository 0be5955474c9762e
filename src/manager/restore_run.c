/* SPDX-License-Identifier: Apache-2.0 */
/* How far a restoration is: schema Restore in api/openapi.yaml. */
#include "manager/restore_run.h"
#include "base/str.h"
#include "model/encode.h"

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
                  (json_int_t)gpu->attempts, "plan", encode_text(gpu->plan_id), "claims", claims);
    set_why(json, &gpu->why);
    return json;
}

/* Over and something is missing? */
static bool is_incomplete(const struct restore_run *run)
{
    for (vec_each(&run->gpus, gpu)) {
        if (gpu->state != RESTORE_RESTORED) {
            return true;
        }
    }
    return run->absent.n > 0;
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
    const char *state = run->active          ? "running"
                        : run->began_us == 0 ? "never"
                        : is_incomplete(run) ? "incomplete"
                                             : "done";
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:[]}", "state", state, "startedAt",
                     encode_time(run->began_us), "finishedAt", encode_time(run->ended_us), "gpus",
                     gpus, "absent", absent, "plans");
}
