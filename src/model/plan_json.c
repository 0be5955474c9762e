/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as the API shows it and the store keeps it. Schemas Plan and Step in openapi.yaml. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "model/decode.h"
#include "model/encode.h"
#include "model/plan.h"

/* Of a stored plan: far above what any host's plan has, as one that can't be read stops cleaved. */
#define PLAN_MAX_STEPS 65536

json_t *step_to_json(const struct step *step)
{
    char text[STEP_TEXT_SIZE];
    json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "kind", step_kind_name(step->kind),
                             "text", step_describe(step, text, sizeof(text)), "state",
                             step_state_name(step->state), "gpu", encode_addr(&step->gpu), "claim",
                             encode_text(step->claim), "vm", encode_text(step->vm));
    json_object_set_new(json, "gpuUuid", encode_text(step->board));
    json_object_set_new(json, "vmUuid", encode_text(step->vm_uuid));
    json_object_set_new(json, "profileId", encode_id(step->profile_id));
    json_object_set_new(json, "profile", encode_text(step->profile));
    json_object_set_new(json, "start", encode_id(step->start));
    json_object_set_new(json, "size", encode_id(step->size));
    json_object_set_new(json, "gpuInstance", encode_id(step->gi_id));
    json_object_set_new(json, "fillers", json_integer(step->fillers));
    json_object_set_new(json, "typeId", encode_id(step->type_id));
    json_object_set_new(json, "type", encode_text(step->type));
    json_object_set_new(json, "device", encode_addr(&step->device));
    json_object_set_new(json, "driver", encode_text(step->driver));
    json_object_set_new(json, "mdevUuid", encode_text(step->mdev_uuid));
    json_object_set_new(json, "placementId", encode_id(step->placement_id));
    json_object_set_new(json, "scheduler", gpu_scheduler_to_json(&step->scheduler));
    json_object_set_new(json, "formerScheduler", gpu_scheduler_to_json(&step->former));
    json_object_set_new(json, "mmioBytes", encode_size(step->mmio_bytes));
    json_object_set_new(json, "numaNode",
                        step->numa_node < 0 ? json_null() : json_integer(step->numa_node));
    json_object_set_new(json, "keepsElement", json_boolean(step->keeps));
    if (step->was_pending) {
        json_object_set_new(json, "wasPending", json_true());
    }
    json_object_set_new(json, "problem", encode_text(step->problem));
    if (step->hint[0] != '\0') {
        json_object_set_new(json, "hint", json_string(step->hint));
    }
    json_object_set_new(json, "gotGpuInstance", encode_id(step->got_gi_id));
    json_object_set_new(json, "gotUuid", encode_text(step->got_uuid));
    return json;
}

static json_t *instances_to_json(const struct plan *plan)
{
    json_t *list = json_array();
    for (vec_each(&plan->instances, instance)) {
        json_array_append_new(
            list, json_pack("{s:o, s:s, s:I, s:I, s:s}", "gpu", encode_addr(&instance->gpu),
                            "profile", instance->profile, "start", (json_int_t)instance->start,
                            "size", (json_int_t)instance->size, "what", instance->what));
    }
    return list;
}

static json_t *left_to_json(const struct plan *plan)
{
    json_t *list = json_array();
    for (vec_each(&plan->left, left)) {
        json_array_append_new(list, json_string(left->text));
    }
    return list;
}

static json_t *moves_to_json(const struct plan *plan)
{
    json_t *list = json_array();
    for (vec_each(&plan->moves, move)) {
        char text[MOVE_TEXT_SIZE];
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "claim", move->claim, "text",
                                              plan_move_text(move, text, sizeof(text)), "from",
                                              assignment_to_json(&move->from), "to",
                                              assignment_to_json(&move->to)));
    }
    return list;
}

static json_t *warnings_to_json(const struct plan *plan)
{
    json_t *list = json_array();
    for (vec_each(&plan->warnings, warning)) {
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "claim", warning->claim, "text", warning->text));
    }
    return list;
}

/* What steps look for themselves, as late as they can: a dry run can't promise it. */
static bool takes_from_programs(const struct plan *plan)
{
    static const enum step_kind kinds[] = {
        STEP_BIND_VFIO,     STEP_BIND_NVIDIA, STEP_COMPANION_VFIO, STEP_SRIOV_ENABLE,
        STEP_SRIOV_DISABLE, STEP_MIG_ENABLE,  STEP_MIG_DISABLE,    STEP_GPU_RESET,
        STEP_PCI_RESCAN,    STEP_VGPU_DELETE};
    for (vec_each(&plan->steps, step)) {
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
            if (step->kind == kinds[i]) {
                return true;
            }
        }
    }
    return false;
}

static json_t *unchecked_to_json(const struct plan *plan)
{
    json_t *list = json_array();
    if (takes_from_programs(plan)) {
        json_array_append_new(list,
                              json_string("whether a program other than a VM has the GPU open"));
    }
    if (plan->later[0] != '\0') {
        json_array_append_new(list, json_string(plan->later));
    }
    return list;
}

json_t *plan_to_json(const struct plan *plan)
{
    json_t *steps = json_array();
    for (vec_each(&plan->steps, step)) {
        json_array_append_new(steps, step_to_json(step));
    }
    json_t *claims = json_array();
    for (vec_each(&plan->claims, entry)) {
        json_array_append_new(claims, json_pack("{s:s, s:o}", "verb", plan_verb_name(entry->verb),
                                                "claim", claim_to_json(&entry->claim)));
    }
    json_t *vms = json_array();
    for (vec_each(&plan->vms, vm)) {
        json_array_append_new(vms, json_string(vm->name));
    }
    json_t *json = json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o}", "id", plan->id, "author",
                             encode_text(plan->author), "reason", encode_text(plan->reason),
                             "state", plan_state_name(plan->state), "createdAt",
                             encode_time(plan->created_us), "finishedAt",
                             encode_time(plan->finished_us), "problem", encode_text(plan->problem));
    json_object_set_new(json, "undoes", json_boolean(!plan->no_undo));
    json_object_set_new(json, "createdUs", json_integer((json_int_t)plan->created_us));
    json_object_set_new(json, "finishedUs", json_integer((json_int_t)plan->finished_us));
    json_object_set_new(json, "steps", steps);
    json_object_set_new(json, "claims", claims);
    json_object_set_new(json, "instances", instances_to_json(plan));
    json_object_set_new(json, "vms", vms);
    json_t *spares = json_array();
    for (vec_each(&plan->spares, spare)) {
        json_array_append_new(spares, json_pack("{s:o, s:o}", "gpu", encode_addr(&spare->gpu),
                                                "device", encode_addr(&spare->device)));
    }
    json_object_set_new(json, "spares", spares);
    json_t *bars = json_array();
    for (vec_each(&plan->bars, bar)) {
        json_array_append_new(
            bars, json_pack("{s:s, s:o}", "vm", bar->vm, "device", encode_addr(&bar->device)));
    }
    json_object_set_new(json, "bars", bars);
    if (plan->left.n > 0) {
        json_object_set_new(json, "left", left_to_json(plan));
    }
    if (plan->moves.n > 0) {
        json_object_set_new(json, "moves", moves_to_json(plan));
    }
    if (plan->warnings.n > 0) {
        json_object_set_new(json, "warnings", warnings_to_json(plan));
    }
    if (plan->state == PLAN_PLANNED && (takes_from_programs(plan) || plan->later[0] != '\0')) {
        json_object_set_new(json, "notChecked", unchecked_to_json(plan));
    }
    return json;
}

static void read_step(struct reader *r, struct step *step)
{
    const char *kind = reader_str(r, "kind", 32);
    const char *state = reader_str(r, "state", 32);
    struct pci_addr none = {0};
    *step = step_make(STEP_BIND_VFIO, &none);
    if (kind != NULL && !step_kind_parse(kind, &step->kind)) {
        reader_fail(r, "kind", "unknown step \"%s\"", kind);
    }
    if (state != NULL && !step_state_parse(state, &step->state)) {
        reader_fail(r, "state", "unknown state \"%s\"", state);
    }
    reader_has(r, "text");
    decode_addr(r, "gpu", &step->gpu);
    decode_text(r, "gpuUuid", step->board, sizeof(step->board));
    decode_text(r, "claim", step->claim, sizeof(step->claim));
    decode_text(r, "vm", step->vm, sizeof(step->vm));
    decode_text(r, "vmUuid", step->vm_uuid, sizeof(step->vm_uuid));
    step->profile_id = decode_id(r, "profileId");
    decode_text(r, "profile", step->profile, sizeof(step->profile));
    step->start = decode_id(r, "start");
    step->size = decode_id(r, "size");
    step->gi_id = decode_id(r, "gpuInstance");
    step->fillers = (uint32_t)reader_int_or(r, "fillers", 0, UINT16_MAX, 0);
    step->type_id = decode_id(r, "typeId");
    decode_text(r, "type", step->type, sizeof(step->type));
    decode_addr(r, "device", &step->device);
    decode_text(r, "driver", step->driver, sizeof(step->driver));
    decode_text(r, "mdevUuid", step->mdev_uuid, sizeof(step->mdev_uuid));
    step->placement_id = decode_id(r, "placementId");
    gpu_scheduler_decode(r, "scheduler", &step->scheduler);
    gpu_scheduler_decode(r, "formerScheduler", &step->former);
    step->mmio_bytes = (uint64_t)reader_int_or(r, "mmioBytes", 0, INT64_MAX, 0);
    step->numa_node = (int32_t)reader_int_or(r, "numaNode", 0, INT32_MAX, -1);
    step->keeps = reader_bool_or(r, "keepsElement", false);
    step->was_pending = reader_bool_or(r, "wasPending", false);
    decode_text(r, "problem", step->problem, sizeof(step->problem));
    decode_text(r, "hint", step->hint, sizeof(step->hint));
    step->got_gi_id = decode_id(r, "gotGpuInstance");
    decode_text(r, "gotUuid", step->got_uuid, sizeof(step->got_uuid));
}

static void read_plan_claim(struct reader *r, struct plan_claim *entry)
{
    int verb = reader_word(r, "verb", &plan_verb_words);
    entry->verb = verb < 0 ? PLAN_KEEP : (enum plan_verb)verb;
    json_t *json = reader_object(r, "claim");
    if (json != NULL) {
        int result = claim_from_stored_json(json, &entry->claim, r->err);
        r->result = r->result != 0 ? r->result : result;
    }
}

static void read_instance(struct reader *r, struct plan_instance *instance)
{
    decode_addr(r, "gpu", &instance->gpu);
    decode_text(r, "profile", instance->profile, sizeof(instance->profile));
    instance->start = decode_id(r, "start");
    instance->size = decode_id(r, "size");
    decode_text(r, "what", instance->what, sizeof(instance->what));
}

static void read_spare(struct reader *r, struct plan_spare *spare)
{
    decode_addr(r, "gpu", &spare->gpu);
    decode_addr(r, "device", &spare->device);
}

/* Reads each object of an array member with `read`. */
#define READ_LIST(outer, key, vec, read)                                                           \
    do {                                                                                           \
        json_t *list_ = reader_array(outer, key, PLAN_MAX_STEPS);                                  \
        for (size_t i_ = 0; list_ != NULL && i_ < json_array_size(list_); i_++) {                  \
            char path_[64];                                                                        \
            snprintf(path_, sizeof(path_), "%s[%zu]", key, i_);                                    \
            struct reader item_;                                                                   \
            reader_init(&item_, json_array_get(list_, i_), (outer)->origin, path_, (outer)->err);  \
            read(&item_, vec_push(vec));                                                           \
            int result_ = reader_end(&item_);                                                      \
            (outer)->result = (outer)->result != 0 ? (outer)->result : result_;                    \
        }                                                                                          \
    } while (0)

static void read_vms(struct reader *r, struct plan *plan)
{
    json_t *list = reader_array(r, "vms", PLAN_MAX_STEPS);
    for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        if (name == NULL) {
            reader_fail(r, "vms", "not a list of names");
            return;
        }
        plan_name_vm(plan, name);
    }
}

/* Not in plans of older versions. */
static void read_left(struct reader *r, struct plan *plan)
{
    json_t *list = reader_has(r, "left") ? reader_array(r, "left", PLAN_MAX_STEPS) : NULL;
    for (size_t i = 0; list != NULL && i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL) {
            reader_fail(r, "left", "not a list of sentences");
            return;
        }
        struct plan_left *left = vec_push(&plan->left);
        STR_SET(left->text, text);
    }
}

static void read_bar(struct reader *r, struct plan_bar *bar)
{
    decode_text(r, "vm", bar->vm, sizeof(bar->vm));
    decode_addr(r, "device", &bar->device);
}

static void read_move(struct reader *r, struct plan_move *move)
{
    decode_text(r, "claim", move->claim, sizeof(move->claim));
    reader_has(r, "text");
    assignment_read(r, "from", &move->from);
    assignment_read(r, "to", &move->to);
}

static void read_warning(struct reader *r, struct plan_warning *warning)
{
    decode_text(r, "claim", warning->claim, sizeof(warning->claim));
    decode_text(r, "text", warning->text, sizeof(warning->text));
}

int plan_from_stored_json(const json_t *json, struct plan **ret_plan, struct error *err)
{
    struct error local = {0};
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    struct reader r;
    reader_init(&r, json, "stored plan", "", err != NULL ? err : &local);
    const char *state = reader_str(&r, "state", 32);
    if (state != NULL && !plan_state_parse(state, &plan->state)) {
        reader_fail(&r, "state", "unknown state \"%s\"", state);
    }
    plan->no_undo = !reader_bool_or(&r, "undoes", true);
    decode_text(&r, "id", plan->id, sizeof(plan->id));
    decode_text(&r, "author", plan->author, sizeof(plan->author));
    decode_text(&r, "reason", plan->reason, sizeof(plan->reason));
    decode_text(&r, "problem", plan->problem, sizeof(plan->problem));
    plan->created_us = (uint64_t)reader_int(&r, "createdUs", 0, INT64_MAX);
    plan->finished_us = (uint64_t)reader_int(&r, "finishedUs", 0, INT64_MAX);
    reader_has(&r, "createdAt");
    reader_has(&r, "finishedAt");
    READ_LIST(&r, "steps", &plan->steps, read_step);
    READ_LIST(&r, "claims", &plan->claims, read_plan_claim);
    READ_LIST(&r, "instances", &plan->instances, read_instance);
    if (reader_has(&r, "bars")) {
        READ_LIST(&r, "bars", &plan->bars, read_bar);
    }
    if (reader_has(&r, "moves")) {
        READ_LIST(&r, "moves", &plan->moves, read_move);
    }
    read_left(&r, plan);
    (void)reader_has(&r, "notChecked"); /* follows from the steps */
    if (reader_has(&r, "warnings")) {
        READ_LIST(&r, "warnings", &plan->warnings, read_warning);
    }
    read_vms(&r, plan);
    if (reader_has(&r, "spares")) { /* not in plans of older versions */
        READ_LIST(&r, "spares", &plan->spares, read_spare);
    }
    int result = reader_end(&r);
    if (result == 0) {
        *ret_plan = TAKE_PTR(plan);
    }
    return result;
}
