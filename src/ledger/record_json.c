/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/record_json.h"

#include "base/json.h"
#include "base/vec.h"

char *record_text(json_t *json)
{
    char *text = json_text(json);
    json_decref(json);
    return text;
}

int record_parse(const char *text, json_t **ret_json, struct error *err)
{
    json_error_t where;
    CLEANUP_JSON json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
    *ret_json = NULL;
    if (json == NULL) {
        return error_set(err, REASON_INTERNAL, "store", "its text is not JSON: %s", where.text);
    }
    if (!json_is_object(json)) {
        return error_set(err, REASON_INTERNAL, "store", "its text is not a JSON object");
    }
    *ret_json = TAKE_PTR(json);
    return 0;
}

json_t *plan_to_body(const struct plan *plan)
{
    json_t *json = plan_to_json(plan);
    json_object_del(json, "steps");
    return json;
}

int body_to_plan(const json_t *body, const struct records *steps, struct plan **ret_plan,
                 struct error *err)
{
    CLEANUP_JSON json_t *json = json_copy((json_t *)body);
    json_t *list = json_array();
    if (json == NULL) {
        json = json_object();
    }
    json_object_set_new(json, "steps", list);
    for (vec_each(steps, record)) {
        json_t *step = NULL;
        int r = record_parse(record->text, &step, err);
        if (r != 0) {
            return r;
        }
        json_array_append_new(list, step);
    }
    return plan_from_stored_json(json, ret_plan, err);
}

int record_to_event(const char *text, struct event *ret_event, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    int r = record_parse(text, &json, err);
    return r != 0 ? r : event_from_stored_json(json, ret_event, err);
}
