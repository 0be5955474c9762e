/* SPDX-License-Identifier: Apache-2.0 */
#include "model/drain.h"

#include "base/sm.h"

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

static const struct field target_fields[] = {
    FIELD_STRING(struct drain_target, destination, "destination", FACE_ALL, .required = true),
    FIELD_TEXT(struct drain_target, peer, "peer", FACE_ALL),
    FIELD_TEXT(struct drain_target, migrate_uri, "migrateUri", FACE_ALL),
};
static const struct schema drain_target_schema = SCHEMA(drain_target, target_fields);

static const struct field vm_fields[] = {
    FIELD_STRING(struct drain_vm, name, "vm", FACE_KEPT),
    FIELD_TEXT(struct drain_vm, devices, "devices", FACE_KEPT),
    FIELD_WORD(struct drain_vm, verdict, "verdict", drain_verdict, FACE_KEPT, .required = true),
    FIELD_WORD(struct drain_vm, step, "step", drain_step, FACE_KEPT, .required = true),
    FIELD_COUNT(struct drain_vm, target, "targetIndex", FACE_STORE, .required = true,
                .max = DRAIN_MAX_TARGETS),
    FIELD_COUNT(struct drain_vm, attempts, "attempts", FACE_STORE, .required = true,
                .max = INT32_MAX),
    FIELD_IGNORED("target", FACE_KEPT), /* of `targetIndex`: see drain_to() */
    FIELD_TEXT(struct drain_vm, why, "why", FACE_KEPT),
    FIELD_TEXT(struct drain_vm, migration, "migration", FACE_KEPT),
    FIELD_TEXT(struct drain_vm, problem, "problem", FACE_KEPT),
    FIELD_AMOUNT(struct drain_vm, estimate_ms, "estimateMs", FACE_KEPT),
    FIELD_AMOUNT(struct drain_vm, total_bytes, "totalBytes", FACE_KEPT),
    FIELD_AMOUNT(struct drain_vm, processed_bytes, "processedBytes", FACE_KEPT),
    FIELD_AMOUNT(struct drain_vm, downtime_ms, "downtimeMs", FACE_KEPT),
};
static const struct schema drain_vm_schema = SCHEMA(drain_vm, vm_fields);

static const struct field drain_fields[] = {
    FIELD_TEXT(struct drain, id, "id", FACE_STORE),
    FIELD_TEXT(struct drain, author, "author", FACE_KEPT),
    FIELD_WORD(struct drain, state, "state", drain_state, FACE_KEPT, .required = true),
    FIELD_ARRAY(struct drain, targets, n_targets, "to", drain_target, FACE_ALL),
    FIELD_BOOL(struct drain, stop, "stop", FACE_ALL),
    FIELD_BOOL(struct drain, undrained, "undrained", FACE_STORE),
    FIELD_COUNT(struct drain, parallel, "parallel", FACE_ALL, .min = 1, .max = DRAIN_MAX_PARALLEL,
                .fallback = 1),
    FIELD_TEXT(struct drain, reason, "reason", FACE_ALL),
    FIELD_LIST(struct drain, vms, "vms", drain_vm, FACE_KEPT, .required = true,
               .max = DRAIN_MAX_VMS),
    FIELD_COUNT(struct drain, created_us, "createdUs", FACE_STORE, .required = true),
    FIELD_COUNT(struct drain, finished_us, "finishedUs", FACE_STORE, .required = true),
    FIELD_TIME(struct drain, created_us, "createdAt", FACE_KEPT),
    FIELD_TIME(struct drain, finished_us, "finishedAt", FACE_KEPT),
};
const struct schema drain_schema = SCHEMA(drain, drain_fields);

static int drain_of(const json_t *json, const char *origin, enum face face,
                    struct drain **ret_drain, struct error *err)
{
    const struct schema_input in = {.json = json, .origin = origin, .face = face};
    CLEANUP(drain_freep) struct drain *drain = xcalloc(1, sizeof(*drain));
    int r = schema_parse(&drain_schema, &in, drain, err);
    if (r == 0) {
        *ret_drain = TAKE_PTR(drain);
    }
    return r;
}

int drain_from_json(const json_t *json, struct drain **ret_drain, struct error *err)
{
    return drain_of(json, "request body", FACE_USER, ret_drain, err);
}

int drain_from_stored_json(const json_t *json, struct drain **ret_drain, struct error *err)
{
    return drain_of(json, "stored drain", FACE_STORE, ret_drain, err);
}

/* A VM's target is shown by its destination, which the drain has. */
static json_t *drain_to(const struct drain *drain, enum face face)
{
    json_t *json = schema_to_json(&drain_schema, drain, face);
    json_t *vms = json_object_get(json, "vms");
    for (size_t i = 0; i < drain->vms.n; i++) {
        const struct drain_vm *vm = &drain->vms.items[i];
        bool has_target = vm->verdict == DRAIN_MIGRATE && vm->target < drain->n_targets;
        const char *target = has_target ? drain->targets[vm->target].destination : "";
        json_object_set_new(json_array_get(vms, i), "target",
                            target[0] != '\0' ? json_string(target) : json_null());
    }
    return json;
}

json_t *drain_to_json(const struct drain *drain)
{
    return drain_to(drain, FACE_API);
}

json_t *drain_to_stored_json(const struct drain *drain)
{
    return drain_to(drain, FACE_STORE);
}
