/* SPDX-License-Identifier: Apache-2.0 */
#include "store/document_json.h"

#include "base/json.h"

static char *text_of(json_t *json)
{
    char *text = json_text(json);
    json_decref(json);
    return text;
}

/* The documents are our own: no limits as for input, but a damaged one is an error. */
static int parse(const char *text, const char *what, json_t **ret_json, struct error *err)
{
    json_error_t where;
    if (text == NULL) {
        return error_set(err, REASON_INTERNAL, "store", "a stored %s can't be read", what);
    }
    *ret_json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    if (*ret_json == NULL) {
        return error_set(err, REASON_INTERNAL, "store", "a stored %s is damaged: %s", what,
                         where.text);
    }
    return 0;
}

char *document_of_claim(const struct claim *claim)
{
    return text_of(claim_to_json(claim));
}

char *document_of_plan(const struct plan *plan)
{
    json_t *json = plan_to_json(plan);
    json_object_del(json, "steps");
    return text_of(json);
}

char *document_of_step(const struct step *step)
{
    return text_of(step_to_json(step));
}

int document_to_claim(const char *text, struct claim *ret_claim, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = parse(text, "claim", &json, err);
    return r != 0 ? r : claim_from_stored_json(json, ret_claim, err);
}

int document_to_plan(const char *text, const char *const *steps, size_t n_steps,
                     struct plan **ret_plan, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = parse(text, "plan", &json, err);
    if (r != 0) {
        return r;
    }
    json_t *list = json_array();
    json_object_set_new(json, "steps", list);
    for (size_t i = 0; i < n_steps; i++) {
        json_t *step = NULL;
        r = parse(steps[i], "step", &step, err);
        if (r != 0) {
            return r;
        }
        json_array_append_new(list, step);
    }
    return plan_from_stored_json(json, ret_plan, err);
}

int document_to_record(const char *text, json_t **ret_json, struct error *err)
{
    return parse(text, "record", ret_json, err);
}
