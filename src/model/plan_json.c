/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as the API shows it and the store keeps it. Schemas Plan and Step in openapi.yaml. */
#include "model/plan.h"

/* Of a stored plan: far above what any host's plan has, as one that can't be read stops cleaved. */
#define PLAN_MAX_STEPS 65536

/* ---- steps ---- */

static json_t *put_step_text(const void *object)
{
    char text[STEP_TEXT_SIZE];
    return json_string(step_describe(object, text, sizeof(text)));
}

static const struct field_hook step_text_hook = {.put = put_step_text};

static const struct field step_fields[] = {
    FIELD_WORD(struct step, kind, "kind", step_kind, FACE_KEPT, .required = true),
    FIELD_WORD(struct step, state, "state", step_state, FACE_KEPT, .required = true),
    FIELD_HOOK("text", step_text_hook, FACE_KEPT),
    FIELD_ADDRESS(struct step, gpu, "gpu", FACE_KEPT),
    FIELD_TEXT(struct step, board, "gpuUuid", FACE_KEPT),
    FIELD_TEXT(struct step, claim, "claim", FACE_KEPT),
    FIELD_TEXT(struct step, vm, "vm", FACE_KEPT),
    FIELD_TEXT(struct step, vm_uuid, "vmUuid", FACE_KEPT),
    FIELD_ID(struct step, profile_id, "profileId", FACE_KEPT),
    FIELD_TEXT(struct step, profile, "profile", FACE_KEPT),
    FIELD_ID(struct step, start, "start", FACE_KEPT),
    FIELD_ID(struct step, size, "size", FACE_KEPT),
    FIELD_ID(struct step, gi_id, "gpuInstance", FACE_KEPT),
    FIELD_COUNT(struct step, fillers, "fillers", FACE_KEPT, .max = UINT16_MAX),
    FIELD_ID(struct step, type_id, "typeId", FACE_KEPT),
    FIELD_TEXT(struct step, type, "type", FACE_KEPT),
    FIELD_ADDRESS(struct step, device, "device", FACE_KEPT),
    FIELD_TEXT(struct step, driver, "driver", FACE_KEPT),
    FIELD_TEXT(struct step, mdev_uuid, "mdevUuid", FACE_KEPT),
    FIELD_ID(struct step, placement_id, "placementId", FACE_KEPT),
    FIELD_OBJECT(struct step, params, "params", vgpu_params, FACE_KEPT, .left_out = true),
    FIELD_OBJECT(struct step, scheduler, "scheduler", gpu_scheduler, FACE_KEPT),
    FIELD_OBJECT(struct step, former, "formerScheduler", gpu_scheduler, FACE_KEPT),
    FIELD_SIZE(struct step, mmio_bytes, "mmioBytes", FACE_KEPT),
    FIELD_NODE(struct step, numa_node, "numaNode", FACE_KEPT),
    FIELD_BOOL(struct step, keeps, "keepsElement", FACE_KEPT),
    FIELD_BOOL(struct step, was_pending, "wasPending", FACE_KEPT, .left_out = true),
    FIELD_TEXT(struct step, problem, "problem", FACE_KEPT),
    FIELD_STRING(struct step, hint, "hint", FACE_KEPT, .left_out = true),
    FIELD_ID(struct step, assigned_gi_id, "assignedGpuInstance", FACE_KEPT),
    FIELD_TEXT(struct step, assigned_uuid, "assignedUuid", FACE_KEPT),
};
const struct schema step_schema = SCHEMA(step, step_fields);

json_t *step_to_json(const struct step *step)
{
    return schema_to_json(&step_schema, step, FACE_STORE);
}

/* ---- what else is in a plan ---- */

static const struct field claim_fields[] = {
    FIELD_WORD(struct plan_claim, verb, "verb", plan_verb, FACE_KEPT, .required = true),
    FIELD_OBJECT(struct plan_claim, claim, "claim", claim, FACE_KEPT, .required = true),
};
static const struct schema plan_claim_schema = SCHEMA(plan_claim, claim_fields);

static const struct field instance_fields[] = {
    FIELD_ADDRESS(struct plan_instance, gpu, "gpu", FACE_KEPT),
    FIELD_STRING(struct plan_instance, profile, "profile", FACE_KEPT),
    FIELD_COUNT(struct plan_instance, start, "start", FACE_KEPT, .fallback = NO_ID),
    FIELD_COUNT(struct plan_instance, size, "size", FACE_KEPT, .fallback = NO_ID),
    FIELD_STRING(struct plan_instance, what, "what", FACE_KEPT),
};
static const struct schema plan_instance_schema = SCHEMA(plan_instance, instance_fields);

static const struct field spare_fields[] = {
    FIELD_ADDRESS(struct plan_spare, gpu, "gpu", FACE_KEPT),
    FIELD_ADDRESS(struct plan_spare, device, "device", FACE_KEPT),
};
static const struct schema plan_spare_schema = SCHEMA(plan_spare, spare_fields);

static const struct field bar_fields[] = {
    FIELD_STRING(struct plan_bar, vm, "vm", FACE_KEPT),
    FIELD_ADDRESS(struct plan_bar, device, "device", FACE_KEPT),
    FIELD_TEXT(struct plan_bar, mdev_uuid, "mdevUuid", FACE_KEPT),
};
static const struct schema plan_bar_schema = SCHEMA(plan_bar, bar_fields);

static json_t *put_move_text(const void *object)
{
    char text[MOVE_TEXT_SIZE];
    return json_string(plan_move_text(object, text, sizeof(text)));
}

static const struct field_hook move_text_hook = {.put = put_move_text};

static const struct field move_fields[] = {
    FIELD_STRING(struct plan_move, claim, "claim", FACE_KEPT),
    FIELD_HOOK("text", move_text_hook, FACE_KEPT),
    FIELD_OBJECT(struct plan_move, from, "from", assignment, FACE_KEPT),
    FIELD_OBJECT(struct plan_move, to, "to", assignment, FACE_KEPT),
};
static const struct schema plan_move_schema = SCHEMA(plan_move, move_fields);

static const struct field warning_fields[] = {
    FIELD_STRING(struct plan_warning, claim, "claim", FACE_KEPT),
    FIELD_STRING(struct plan_warning, text, "text", FACE_KEPT),
};
static const struct schema plan_warning_schema = SCHEMA(plan_warning, warning_fields);

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

static json_t *put_unchecked(const void *object)
{
    const struct plan *plan = object;
    bool takes = takes_from_programs(plan);
    if (plan->state != PLAN_PLANNED || (!takes && plan->later[0] == '\0')) {
        return NULL;
    }
    json_t *list = json_array();
    if (takes) {
        json_array_append_new(list,
                              json_string("whether a program other than a VM has the GPU open"));
    }
    if (plan->later[0] != '\0') {
        json_array_append_new(list, json_string(plan->later));
    }
    return list;
}

/* "unchecked" follows from the steps. */
static const struct field_hook unchecked_hook = {.put = put_unchecked};

static json_t *put_undoes(const void *object)
{
    const struct plan *plan = object;
    return json_boolean(!plan->no_undo);
}

static void read_undoes(struct reader *r, const char *key, void *object)
{
    struct plan *plan = object;
    plan->no_undo = !reader_bool_or(r, key, true);
}

static const struct field_hook undoes_hook = {put_undoes, read_undoes};

/* ---- the whole ---- */

/* Fields that are not required are not in plans of older versions. */
static const struct field plan_fields[] = {
    FIELD_WORD(struct plan, state, "state", plan_state, FACE_KEPT, .required = true),
    FIELD_HOOK("undoes", undoes_hook, FACE_KEPT),
    FIELD_STRING(struct plan, id, "id", FACE_KEPT),
    FIELD_TEXT(struct plan, author, "author", FACE_KEPT),
    FIELD_TEXT(struct plan, reason, "reason", FACE_KEPT),
    FIELD_TEXT(struct plan, problem, "problem", FACE_KEPT),
    FIELD_STRING(struct plan, cancelled_by, "cancelledBy", FACE_KEPT, .left_out = true),
    FIELD_COUNT(struct plan, created_us, "createdUs", FACE_KEPT, .required = true),
    FIELD_COUNT(struct plan, finished_us, "finishedUs", FACE_KEPT, .required = true),
    FIELD_TIME(struct plan, created_us, "createdAt", FACE_KEPT),
    FIELD_TIME(struct plan, finished_us, "finishedAt", FACE_KEPT),
    FIELD_LIST(struct plan, steps, "steps", step, FACE_KEPT, .required = true,
               .max = PLAN_MAX_STEPS),
    FIELD_LIST(struct plan, claims, "claims", plan_claim, FACE_KEPT, .required = true,
               .max = PLAN_MAX_STEPS),
    FIELD_LIST(struct plan, instances, "instances", plan_instance, FACE_KEPT, .required = true,
               .max = PLAN_MAX_STEPS),
    FIELD_LIST(struct plan, bars, "bars", plan_bar, FACE_KEPT, .max = PLAN_MAX_STEPS),
    FIELD_LIST(struct plan, moves, "moves", plan_move, FACE_KEPT, .left_out = true,
               .max = PLAN_MAX_STEPS),
    FIELD_LINES(struct plan, left, text, "left", "must be a list of texts", FACE_KEPT,
                .left_out = true, .max = PLAN_MAX_STEPS),
    FIELD_HOOK("notChecked", unchecked_hook, FACE_KEPT),
    FIELD_LIST(struct plan, warnings, "warnings", plan_warning, FACE_KEPT, .left_out = true,
               .max = PLAN_MAX_STEPS),
    FIELD_LINES(struct plan, vms, name, "vms", "not a list of names", FACE_KEPT, .required = true,
                .max = PLAN_MAX_STEPS),
    FIELD_LIST(struct plan, spares, "spares", plan_spare, FACE_KEPT, .max = PLAN_MAX_STEPS),
};
const struct schema plan_schema = SCHEMA(plan, plan_fields);

json_t *plan_to_json(const struct plan *plan)
{
    return schema_to_json(&plan_schema, plan, FACE_STORE);
}

int plan_from_stored_json(const json_t *json, struct plan **ret_plan, struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "stored plan", .face = FACE_STORE};
    CLEANUP(plan_freep) struct plan *plan = plan_new();
    int r = schema_parse(&plan_schema, &in, plan, err);
    if (r == 0) {
        *ret_plan = TAKE_PTR(plan);
    }
    return r;
}
