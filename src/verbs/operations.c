/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about operations of all kinds: list, show, cancel. Their kinds' rows describe them. */
#include "verbs/operations.h"

#include "base/json.h"
#include "base/str.h"
#include "state/plan_run.h"
#include "state/reading.h"
#include "state/state.h"
#include "state/stored_operations.h"
#include "state/txn.h"
#include "turn/operation_cancel.h"

#define ACTIVE "active" /* a state to ask for: all that are not over */

/* ---- list ---- */

struct row {
    uint64_t created_us;
    json_t *json;
};

struct rows {
    struct row *items;
    size_t n;
    size_t cap;
};

static bool is_wanted(const struct request *request, const struct operation_view *view)
{
    bool active = request->state != NULL && str_eq(request->state, ACTIVE);
    bool state = request->state == NULL ||
                 (active ? !operation_state_is_over(view->state)
                         : str_eq(request->state, operation_state_name(view->state)));
    return state &&
           (request->kind == NULL || str_eq(request->kind, operation_kind_id_name(view->kind))) &&
           (request->subject == NULL || operation_view_is_about(view, request->subject));
}

static int newest_first(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    return left->created_us < right->created_us ? 1 : left->created_us > right->created_us ? -1 : 0;
}

static int unknown_word(const char *what, const char *word, const char *const *words, size_t n,
                        struct error *err)
{
    error_set(err, REASON_INVALID, what, "no operation has the %s \"%s\"", what + sizeof("query"),
              word);
    const char *nearest = str_nearest(word, words, n);
    CLEANUP_STRBUF struct strbuf all = {0};
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&all, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    if (nearest != NULL) {
        error_hint(err, "did you mean \"%s\"?", nearest);
    } else {
        error_hint(err, "one of %s", strbuf_str(&all));
    }
    return -REASON_INVALID;
}

static int check_filters(const struct request *request, struct error *err)
{
    const char *states[OPERATION_STATE_COUNT + 1] = {ACTIVE};
    const char *kinds[OPERATION_KIND_COUNT];
    bool state = request->state == NULL || str_eq(request->state, ACTIVE);
    bool kind = request->kind == NULL;
    for (uint32_t i = 0; i < OPERATION_STATE_COUNT; i++) {
        states[i + 1] = operation_state_name((enum operation_state)i);
        state = state || str_eq(request->state, states[i + 1]);
    }
    for (uint32_t i = 0; i < OPERATION_KIND_COUNT; i++) {
        kinds[i] = operation_kind_id_name((enum operation_kind_id)i);
        kind = kind || str_eq(request->kind, kinds[i]);
    }
    if (!state) {
        return unknown_word("query state", request->state, states, ARRAY_SIZE(states), err);
    }
    return kind ? 0 : unknown_word("query kind", request->kind, kinds, ARRAY_SIZE(kinds), err);
}

static void list_rows(const struct manager *m, const struct request *request, struct rows *ret_rows)
{
    struct operation_view view;
    for (vec_each(&m->operations.items, operation)) {
        operation_describe(*operation, &view);
        if (is_wanted(request, &view)) {
            *vec_push(ret_rows) = (struct row){view.created_us, operation_view_to_json(&view)};
        }
    }
    if (ret_rows->n > 0) {
        qsort(ret_rows->items, ret_rows->n, sizeof(ret_rows->items[0]), newest_first);
    }
}

json_t *operations_list(const struct manager *m, const struct request *request)
{
    struct rows rows = {0};
    json_t *list = json_array();
    list_rows(m, request, &rows);
    for (vec_each(&rows, row)) {
        json_array_append_new(list, row->json);
    }
    vec_done(&rows);
    return json_pack("{s:o}", "operations", list);
}

void verb_list_operations(struct manager *m, const struct request *request)
{
    struct error err = {0};
    if (check_filters(request, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, operations_list(m, request));
}

/* ---- one ---- */

/* A plan that ended long ago is in the store alone. */
static int load_view(const struct manager *m, const char *id, struct operation_view *ret_view,
                     struct error *err)
{
    bool found = false;
    int r = stored_operations_view(m, id, &found, ret_view, err);
    if (r == 0 && !found) {
        r = error_set(err, REASON_NOT_FOUND, SUBJECT("operation", id),
                      "there is no operation \"%s\"", id);
        error_hint(err, "`cleave operation list --all` shows the latest");
    }
    return r;
}

static json_t *reply_view(const struct operation_view *view)
{
    return json_pack("{s:o}", "operation", operation_view_to_json(view));
}

static int read_operation(const struct manager *m, const struct request *request, json_t **ret_body,
                          struct error *err)
{
    struct operation_view view;
    int r = load_view(m, request->target, &view, err);
    *ret_body = r == 0 ? reply_view(&view) : NULL;
    return r;
}

void verb_get_operation(struct manager *m, const struct request *request)
{
    static const struct reading_question question = {.read = read_operation};
    const struct operation *operation = operations_find(&m->operations, request->target);
    struct operation_view view;
    if (operation == NULL) {
        reading_answer(m, request, &question);
        return;
    }
    operation_describe(operation, &view);
    request_answer(request, reply_view(&view));
}

/* What takes the plan's steps back, in that order. */
static json_t *list_undoes(const struct plan *plan)
{
    char text[STEP_TEXT_SIZE];
    json_t *list = json_array();
    for (size_t i = plan->steps.n; i > 0; i--) {
        const struct step *step = &plan->steps.items[i - 1];
        if (step_was_begun(step) && step_has_undo(step->kind)) {
            struct step undo = step_undo(step);
            json_array_append_new(list, json_string(step_describe(&undo, text, sizeof(text))));
        }
    }
    return list;
}

static json_t *show_cancelled(struct manager *m, const struct operation *operation)
{
    struct operation_view view;
    operation_describe(operation, &view);
    json_t *body = reply_view(&view);
    const struct plan *plan = plan_run_find(m, operation->id);
    if (plan != NULL) {
        json_object_set_new(body, "undoes", list_undoes(plan));
    }
    return body;
}

/* One that is not remembered can't be cancelled. */
static int read_why_not(const struct manager *m, const struct request *request, json_t **ret_body,
                        struct error *err)
{
    struct operation_view view;
    *ret_body = NULL;
    int r = load_view(m, request->target, &view, err);
    return r != 0 ? r
                  : error_set(err, REASON_CONFLICT, SUBJECT("operation", view.id), "it is over: %s",
                              operation_state_name(view.state));
}

void verb_cancel_operation(struct manager *m, const struct request *request)
{
    static const struct reading_question question = {.read = read_why_not};
    struct operation *operation = operations_find(&m->operations, request->target);
    if (operation == NULL) {
        reading_answer(m, request, &question);
    } else if (!txn_call_in_turn(m, verb_cancel_operation, request)) {
        operation_cancel_for(m, operation, request, show_cancelled);
    }
}
