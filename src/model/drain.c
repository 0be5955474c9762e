/* SPDX-License-Identifier: Apache-2.0 */
#include "model/drain.h"

#include "base/sm.h"
#include "base/str.h"
#include "model/decode.h"
#include "model/encode.h"

#define TO(state) SM_TO(DRAIN_##state)
static const struct word drain_state_rows[] = {
    [DRAIN_PLANNING] = {.name = "planning", .next = TO(RUNNING) | TO(CANCELLING), .initial = true},
    [DRAIN_RUNNING] = {.name = "running", .next = TO(DONE) | TO(INCOMPLETE) | TO(CANCELLING)},
    [DRAIN_CANCELLING] = {.name = "cancelling", .next = TO(CANCELLED)},
    [DRAIN_DONE] = {.name = "done", .final = true},
    [DRAIN_INCOMPLETE] = {.name = "incomplete", .final = true},
    [DRAIN_CANCELLED] = {.name = "cancelled", .final = true},
};
WORDS_OF(drain_state_words, "drain", drain_state_rows, DRAIN_STATE_COUNT)

static const struct word drain_step_rows[] = {
    [DRAIN_WAITING] = {.name = "waiting",
                       .next = TO(MOVING) | TO(STOPPING) | TO(GONE) | TO(LEFT) | TO(FAILED),
                       .initial = true},
    /* Back when this target did not take it and another one is left to try. */
    [DRAIN_MOVING] = {.name = "moving", .next = TO(GONE) | TO(FAILED) | TO(LEFT) | TO(WAITING)},
    [DRAIN_STOPPING] = {.name = "stopping", .next = TO(GONE) | TO(FAILED) | TO(WAITING)},
    [DRAIN_GONE] = {.name = "gone", .final = true},
    [DRAIN_LEFT] = {.name = "left", .final = true},
    [DRAIN_FAILED] = {.name = "failed", .final = true},
};
WORDS_OF(drain_step_words, "drain of a VM", drain_step_rows, DRAIN_STEP_COUNT)
#undef TO

WORDS_DEFINE(drain_verdict_words, "verdict", DRAIN_VERDICT_COUNT,
             WORD(DRAIN_UNDECIDED, "undecided"), WORD(DRAIN_MIGRATE, "migrate"),
             WORD(DRAIN_STOP, "stop"), WORD(DRAIN_STAY, "stay"))

void drain_move(struct drain *drain, enum drain_state state)
{
    if (drain->state != state) {
        sm_go(&drain_state_words, &drain->state, state);
    }
}

void drain_vm_move(struct drain_vm *vm, enum drain_step step)
{
    if (vm->step != step) {
        sm_go(&drain_step_words, &vm->step, step);
    }
}

bool drain_is_over(enum drain_state state)
{
    return state == DRAIN_DONE || state == DRAIN_INCOMPLETE || state == DRAIN_CANCELLED;
}

void drain_free(struct drain *drain)
{
    if (drain != NULL) {
        vec_done(&drain->vms);
        free(drain);
    }
}

/* ---- the request ---- */

/* A nested reader's errors are the outer one's. */
static void end_nested(struct reader *outer, struct reader *r)
{
    int result = reader_end(r);
    outer->result = outer->result != 0 ? outer->result : result;
}

static void read_targets(struct reader *outer, struct drain *drain)
{
    json_t *list = reader_array_or_null(outer, "to", DRAIN_MAX_TARGETS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[160];
        struct reader r;
        struct drain_target *target = &drain->targets[drain->n_targets++];
        reader_init(&r, json_array_get(list, i), outer->origin,
                    reader_path(outer, "to", (int)i, path, sizeof(path)), outer->err);
        const char *destination = reader_str(&r, "destination", sizeof(target->destination) - 1);
        STR_SET(target->destination, destination == NULL ? "" : destination);
        STR_SET(target->peer, reader_str_or(&r, "peer", sizeof(target->peer) - 1, ""));
        STR_SET(target->migrate_uri,
                reader_str_or(&r, "migrateUri", sizeof(target->migrate_uri) - 1, ""));
        end_nested(outer, &r);
    }
}

static void read_request(struct reader *r, struct drain *drain)
{
    read_targets(r, drain);
    drain->stop = reader_bool_or(r, "stop", false);
    drain->parallel = (size_t)reader_int_or(r, "parallel", 1, DRAIN_MAX_PARALLEL, 1);
    STR_SET(drain->reason, reader_str_or(r, "reason", sizeof(drain->reason) - 1, ""));
}

int drain_from_json(const json_t *json, struct drain **ret_drain, struct error *err)
{
    struct error local = {0};
    struct reader r;
    CLEANUP(drain_freep) struct drain *drain = xcalloc(1, sizeof(*drain));
    reader_init(&r, json, "request body", "", err != NULL ? err : &local);
    read_request(&r, drain);
    int result = reader_end(&r);
    if (result == 0) {
        *ret_drain = TAKE_PTR(drain);
    }
    return result;
}

/* ---- the answer ---- */

static json_t *targets_to_json(const struct drain *drain)
{
    json_t *list = json_array();
    for (size_t i = 0; i < drain->n_targets; i++) {
        const struct drain_target *target = &drain->targets[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "destination", target->destination,
                                              "peer", encode_text(target->peer), "migrateUri",
                                              encode_text(target->migrate_uri)));
    }
    return list;
}

static json_t *known_number(uint64_t value)
{
    return value == 0 ? json_null() : json_integer((json_int_t)value);
}

static json_t *vm_to_json_of(const struct drain *drain, const struct drain_vm *vm)
{
    bool has_target = vm->verdict == DRAIN_MIGRATE && vm->target < drain->n_targets;
    json_t *json = json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o}", "vm", vm->name, "devices",
                             encode_text(vm->devices), "verdict", drain_verdict_name(vm->verdict),
                             "step", drain_step_name(vm->step), "target",
                             encode_text(has_target ? drain->targets[vm->target].destination : ""),
                             "why", encode_text(vm->why), "migration", encode_text(vm->migration),
                             "problem", encode_text(vm->problem));
    json_object_set_new(json, "estimateMs", known_number(vm->estimate_ms));
    json_object_set_new(json, "totalBytes", known_number(vm->total_bytes));
    json_object_set_new(json, "processedBytes", known_number(vm->processed_bytes));
    json_object_set_new(json, "downtimeMs", known_number(vm->downtime_ms));
    return json;
}

json_t *drain_to_json(const struct drain *drain)
{
    json_t *vms = json_array();
    for (vec_each(&drain->vms, vm)) {
        json_array_append_new(vms, vm_to_json_of(drain, vm));
    }
    json_t *json = json_pack("{s:o, s:o, s:s, s:b, s:I, s:o, s:o, s:o, s:o}", "author",
                             encode_text(drain->author), "reason", encode_text(drain->reason),
                             "state", drain_state_name(drain->state), "stop", drain->stop,
                             "parallel", (json_int_t)drain->parallel, "to", targets_to_json(drain),
                             "vms", vms, "createdAt", encode_time(drain->created_us), "finishedAt",
                             encode_time(drain->finished_us));
    return json;
}

/* ---- the store ---- */

json_t *drain_to_stored_json(const struct drain *drain)
{
    json_t *json = drain_to_json(drain);
    json_object_set_new(json, "createdUs", json_integer((json_int_t)drain->created_us));
    json_object_set_new(json, "finishedUs", json_integer((json_int_t)drain->finished_us));
    json_t *vms = json_object_get(json, "vms");
    for (size_t i = 0; i < drain->vms.n; i++) {
        const struct drain_vm *vm = &drain->vms.items[i];
        json_object_set_new(json_array_get(vms, i), "targetIndex",
                            json_integer((json_int_t)vm->target));
        json_object_set_new(json_array_get(vms, i), "attempts", json_integer(vm->attempts));
    }
    return json;
}

static unsigned read_word(struct reader *r, const char *key, const struct words *words)
{
    int value = reader_word(r, key, words);
    return value < 0 ? 0 : (unsigned)value;
}

static void read_vm(struct reader *r, struct drain_vm *vm)
{
    decode_text(r, "vm", vm->name, sizeof(vm->name));
    decode_text(r, "devices", vm->devices, sizeof(vm->devices));
    vm->verdict = (enum drain_verdict)read_word(r, "verdict", &drain_verdict_words);
    vm->step = (enum drain_step)read_word(r, "step", &drain_step_words);
    vm->target = (size_t)reader_int(r, "targetIndex", 0, DRAIN_MAX_TARGETS);
    vm->attempts = (unsigned)reader_int(r, "attempts", 0, INT32_MAX);
    reader_has(r, "target");
    decode_text(r, "why", vm->why, sizeof(vm->why));
    decode_text(r, "migration", vm->migration, sizeof(vm->migration));
    decode_text(r, "problem", vm->problem, sizeof(vm->problem));
    vm->estimate_ms = (uint64_t)reader_int_or(r, "estimateMs", 0, INT64_MAX, 0);
    vm->total_bytes = (uint64_t)reader_int_or(r, "totalBytes", 0, INT64_MAX, 0);
    vm->processed_bytes = (uint64_t)reader_int_or(r, "processedBytes", 0, INT64_MAX, 0);
    vm->downtime_ms = (uint64_t)reader_int_or(r, "downtimeMs", 0, INT64_MAX, 0);
}

static void read_vms(struct reader *outer, struct drain *drain)
{
    json_t *list = reader_array(outer, "vms", DRAIN_MAX_VMS);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char path[160];
        struct reader r;
        reader_init(&r, json_array_get(list, i), outer->origin,
                    reader_path(outer, "vms", (int)i, path, sizeof(path)), outer->err);
        read_vm(&r, vec_push(&drain->vms));
        end_nested(outer, &r);
    }
}

int drain_from_stored_json(const json_t *json, struct drain **ret_drain, struct error *err)
{
    struct error local = {0};
    struct reader r;
    CLEANUP(drain_freep) struct drain *drain = xcalloc(1, sizeof(*drain));
    reader_init(&r, json, "stored drain", "", err != NULL ? err : &local);
    decode_text(&r, "author", drain->author, sizeof(drain->author));
    drain->state = (enum drain_state)read_word(&r, "state", &drain_state_words);
    read_request(&r, drain);
    read_vms(&r, drain);
    drain->created_us = (uint64_t)reader_int(&r, "createdUs", 0, INT64_MAX);
    drain->finished_us = (uint64_t)reader_int(&r, "finishedUs", 0, INT64_MAX);
    reader_has(&r, "createdAt");
    reader_has(&r, "finishedAt");
    int result = reader_end(&r);
    if (result == 0) {
        *ret_drain = TAKE_PTR(drain);
    }
    return result;
}
