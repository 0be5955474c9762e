/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests about operations of all kinds: list, show, cancel. Those of the spine are described by
 * their kinds' rows; plans have an owner of their own, which is asked for what is to be shown
 * (struct operation_source).
 */
#include "verbs/operations.h"

#include "base/json.h"
#include "base/str.h"
#include "state/state.h"
#include "turn/plans.h"

#define ACTIVE "active" /* a state to ask for: all that are not over */

typedef void view_fn(const struct operation_view *view, void *data);

/* A kind whose operations are not on the spine. */
struct operation_source {
    enum operation_kind_id kind;
    int (*list)(const struct manager *m, view_fn *fn, void *data, struct error *err);
    /* One of that id, if there is one. */
    int (*find)(const struct manager *m, const char *id, view_fn *fn, void *data,
                struct error *err);
    const char *hint; /* why cancel() is not for them, and what is */
};

/* ---- plans ---- */

static enum operation_state plan_operation_state(const struct plan *plan)
{
    bool lacks = plan->problem[0] != '\0';
    switch (plan->state) {
    case PLAN_DONE:
        return lacks ? OPERATION_FAILED : OPERATION_DONE;
    case PLAN_UNDONE:
    case PLAN_FAILED:
    case PLAN_STUCK:
        return OPERATION_FAILED;
    case PLAN_RUNNING: /* with a problem: a call has not come back */
        return lacks ? OPERATION_WAITING : OPERATION_RUNNING;
    case PLAN_PLANNED:
    case PLAN_UNDOING:
    case PLAN_STATE_COUNT:
        break;
    }
    return OPERATION_RUNNING;
}

/* The one claim that it is about, else the one GPU, else the host. */
static void set_plan_subject(struct operation_view *view, const struct plan *plan)
{
    const struct plan_claim *only = NULL;
    size_t n = 0;
    bool one_gpu = plan->steps.n > 0;
    for (vec_each(&plan->claims, entry)) {
        if (entry->verb != PLAN_KEEP &&
            (only == NULL || !str_eq(only->claim.name, entry->claim.name))) {
            only = entry;
            n++;
        }
    }
    for (vec_each(&plan->steps, step)) {
        one_gpu = one_gpu && pci_addr_cmp(&step->gpu, &plan->steps.items[0].gpu) == 0;
    }
    char bdf[BDF_SIZE];
    if (n == 1) {
        STR_SET(view->subject, SUBJECT("claim", only->claim.name));
    } else if (one_gpu) {
        STR_SET(view->subject, SUBJECT("gpu", pci_addr_format(&plan->steps.items[0].gpu, bdf)));
    } else {
        STR_SET(view->subject, "host");
    }
}

static void show_plan(const struct plan *plan, view_fn *fn, void *data)
{
    struct operation_view view = {.kind = OPERATION_KIND_PLAN,
                                  .state = plan_operation_state(plan),
                                  .created_us = plan->created_us,
                                  .finished_us = plan->finished_us};
    STR_SET(view.id, plan->id);
    set_plan_subject(&view, plan);
    STR_SET(view.text, plan->reason);
    STR_SET(view.author, plan->author);
    STR_SET(view.progress.unit, "steps");
    view.progress.total = plan->steps.n;
    for (vec_each(&plan->steps, step)) {
        view.progress.done += step->state == STEP_DONE;
        if (step->state == STEP_RUNNING || step->state == STEP_UNDOING) {
            (void)step_describe(step, view.progress.text, sizeof(view.progress.text));
        }
    }
    STR_SET(view.problem, plan->problem);
    STR_SET(view.hint, plan_hint(plan));
    str_print(view.url, sizeof(view.url), "/v1/plans/%s", plan->id);
    fn(&view, data);
}

static int list_plans(const struct manager *m, view_fn *fn, void *data, struct error *err)
{
    struct plan **plans = NULL;
    size_t n = 0;
    int r = ledger_load_plans(m->ledger, MAX_PLANS_LISTED, false, &plans, &n, err);
    for (size_t i = 0; r == 0 && i < n; i++) {
        show_plan(plans[i], fn, data);
        plan_free(plans[i]);
    }
    free(plans);
    return r;
}

static int find_plan(const struct manager *m, const char *id, view_fn *fn, void *data,
                     struct error *err)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    int r = ledger_load_plan(m->ledger, id, &plan, err);
    if (r == 0 && plan != NULL) {
        show_plan(plan, fn, data);
    }
    return r;
}

static const struct operation_source sources[] = {
    {OPERATION_KIND_PLAN, list_plans, find_plan,
     "a plan ends on its own, or is undone when a step fails; `cleave plan show` has its steps"},
};

/* ---- list ---- */

struct row {
    uint64_t created_us;
    json_t *json;
};

struct operation_list {
    const struct request *request;
    VEC(struct row) rows;
};

static bool is_wanted(const struct request *request, const struct operation_view *view)
{
    bool active = request->state != NULL && str_eq(request->state, ACTIVE);
    bool state = request->state == NULL ||
                 (active ? !operation_state_is_over(view->state)
                         : str_eq(request->state, operation_state_name(view->state)));
    return state &&
           (request->kind == NULL || str_eq(request->kind, operation_kind_id_name(view->kind))) &&
           (request->subject == NULL || str_eq(request->subject, view->subject));
}

static void add_row(const struct operation_view *view, void *data)
{
    struct operation_list *list = data;
    if (is_wanted(list->request, view)) {
        *vec_push(&list->rows) = (struct row){view->created_us, operation_view_to_json(view)};
    }
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

static int list_all(const struct manager *m, struct operation_list *list, struct error *err)
{
    struct operation_view view;
    int r = 0;
    for (vec_each(&m->operations.items, operation)) {
        operation_describe(*operation, &view);
        add_row(&view, list);
    }
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sources); i++) {
        bool other = list->request->kind != NULL &&
                     !str_eq(list->request->kind, operation_kind_id_name(sources[i].kind));
        r = other ? 0 : sources[i].list(m, add_row, list, err);
    }
    return r;
}

void manager_list_operations(struct manager *m, const struct request *request)
{
    struct operation_list list = {.request = request};
    struct error err = {0};
    CLEANUP_JSON json_t *rows = json_array();
    int r = check_filters(request, &err);
    r = r != 0 ? r : list_all(m, &list, &err);
    if (list.rows.n > 0) {
        qsort(list.rows.items, list.rows.n, sizeof(list.rows.items[0]), newest_first);
    }
    for (vec_each(&list.rows, row)) {
        json_array_append_new(rows, row->json);
    }
    vec_done(&list.rows);
    if (r != 0) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, json_pack("{s:O}", "operations", rows));
}

/* ---- one ---- */

struct found_operation {
    struct operation *operation;           /* on the spine; else: */
    const struct operation_source *source; /* NULL: there is none */
    struct operation_view view;
};

static void take_view(const struct operation_view *view, void *data)
{
    struct found_operation *found = data;
    found->view = *view;
}

static int find_operation(struct manager *m, const char *id, struct found_operation *ret_found,
                          struct error *err)
{
    *ret_found = (struct found_operation){.operation = operations_find(&m->operations, id)};
    if (ret_found->operation != NULL) {
        operation_describe(ret_found->operation, &ret_found->view);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
        int r = sources[i].find(m, id, take_view, ret_found, err);
        if (r != 0 || ret_found->view.id[0] != '\0') {
            ret_found->source = &sources[i];
            return r;
        }
    }
    error_set(err, REASON_NOT_FOUND, SUBJECT("operation", id), "there is no operation \"%s\"", id);
    error_hint(err, "`cleave operation list --all` shows the latest");
    return -REASON_NOT_FOUND;
}

static void answer_view(const struct request *request, const struct operation_view *view)
{
    request_answer(request, json_pack("{s:o}", "operation", operation_view_to_json(view)));
}

void manager_get_operation(struct manager *m, const struct request *request)
{
    struct found_operation found;
    struct error err = {0};
    if (find_operation(m, request->target, &found, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    answer_view(request, &found.view);
}

static int cancel(struct found_operation *found, bool dry_run, struct error *err)
{
    if (found->operation != NULL) {
        int r = operation_cancel(found->operation, dry_run, err);
        operation_describe(found->operation, &found->view);
        return r;
    }
    const struct operation_view *view = &found->view;
    if (operation_state_is_over(view->state)) {
        return error_set(err, REASON_CONFLICT, SUBJECT("operation", view->id), "it is over: %s",
                         operation_state_name(view->state));
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("operation", view->id), "%s can't be cancelled here",
              view->text);
    error_hint(err, "%s", found->source->hint);
    return -REASON_UNSUPPORTED;
}

void manager_cancel_operation(struct manager *m, const struct request *request)
{
    struct found_operation found;
    struct error err = {0};
    int r = find_operation(m, request->target, &found, &err);
    r = r != 0 ? r : cancel(&found, request->dry_run, &err);
    if (r != 0) {
        request_refuse(request, &err);
        return;
    }
    answer_view(request, &found.view);
}
