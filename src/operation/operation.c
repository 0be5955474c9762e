/* SPDX-License-Identifier: Apache-2.0 */
#include "operation/operation.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sm.h"
#include "base/str.h"

/* ---- attempts ---- */

uint64_t attempts_fail(struct attempts *attempts, uint64_t first_us, uint64_t longest_us)
{
    uint64_t pause_us = backoff_take(&attempts->backoff, first_us, longest_us);
    attempts->n++;
    attempts->due_us = clock_monotonic_us() + pause_us;
    return pause_us;
}

bool attempts_are_due(const struct attempts *attempts)
{
    return clock_monotonic_us() >= attempts->due_us;
}

void attempts_hurry(struct attempts *attempts)
{
    attempts->due_us = 0;
    backoff_reset(&attempts->backoff);
}

/* ---- the timer ---- */

/* When the operation is advanced next; UINT64_MAX: nothing is scheduled. */
static uint64_t due_of(const struct operation *operation)
{
    uint64_t due_us = operation->due_us == 0 ? UINT64_MAX : operation->due_us;
    bool expires = operation->deadline_us != 0 && !operation->expired &&
                   !operation_state_is_over(operation->state);
    return expires && operation->deadline_us < due_us ? operation->deadline_us : due_us;
}

static void set_timer(struct operations *all)
{
    uint64_t now_us = clock_monotonic_us();
    uint64_t first_us = UINT64_MAX;
    for (vec_each(&all->items, operation)) {
        uint64_t due_us = due_of(*operation);
        first_us = due_us < first_us ? due_us : first_us;
    }
    if (all->stopping || first_us == UINT64_MAX) {
        return;
    }
    int r = evloop_timer_set(all->timer, first_us > now_us ? first_us - now_us : 0);
    if (r != 0) {
        log_error("can't create the timer for operations: %s", strerror(-r));
    }
}

/* The first that is due and was not called in this round. */
static struct operation *find_due(const struct operations *all, uint64_t now_us)
{
    for (vec_each(&all->items, operation)) {
        if ((*operation)->round != all->round && due_of(*operation) <= now_us) {
            return *operation;
        }
    }
    return NULL;
}

static void timer_fired(void *data)
{
    struct operations *all = data;
    uint64_t now_us = clock_monotonic_us();
    all->round++;
    struct operation *operation = NULL;
    while (!all->stopping && (operation = find_due(all, now_us)) != NULL) {
        operation->round = all->round;
        operation->due_us = 0;
        operation->expired = operation_is_late(operation);
        operation->kind->advance(operation);
    }
    set_timer(all);
}

/* ---- all ---- */

int operations_open(struct operations *all, struct evloop *loop)
{
    all->loop = loop;
    return evloop_timer_new(loop, timer_fired, all, &all->timer);
}

void operations_stop(struct operations *all)
{
    all->stopping = true;
}

void operations_close(struct operations *all)
{
    while (all->items.n > 0) {
        operation_free(all->items.items[all->items.n - 1]);
    }
    vec_done(&all->items);
    evloop_timer_free(all->timer);
    all->timer = NULL;
}

void operations_resume(struct operations *all)
{
    for (size_t i = 0; i < all->items.n; i++) {
        struct operation *operation = all->items.items[i];
        if (!operation->resumed || operation_is_over(operation)) {
            continue;
        }
        log_info("%s %s (%s) was %s: continuing it", operation_kind_id_name(operation->kind->id),
                 operation->id, operation->subject, operation_state_name(operation->state));
        if (operation->kind->resume != NULL) {
            operation->kind->resume(operation);
        } else {
            operation_schedule(operation, 0);
        }
    }
}

void operations_hurry(struct operations *all)
{
    for (vec_each(&all->items, operation)) {
        if ((*operation)->kind->hurries && !operation_is_over(*operation)) {
            attempts_hurry(&(*operation)->attempts);
            operation_schedule(*operation, 0);
        }
    }
}

static void forget(struct operation *operation)
{
    if (operation->data != NULL && operation->kind->forget != NULL) {
        operation->kind->forget(operation);
    } else {
        operation_free(operation);
    }
}

void operations_trim(struct operations *all, enum operation_kind_id kind)
{
    size_t over = 0;
    for (size_t i = all->items.n; i > 0; i--) {
        struct operation *operation = all->items.items[i - 1];
        bool is_one = operation->kind->id == kind && operation_is_over(operation);
        over += is_one && !operation->dry_run;
        if (is_one && (operation->dry_run || over > operation_limits[kind].listed)) {
            forget(operation);
        }
    }
}

struct operation *operations_find(const struct operations *all, const char *id)
{
    for (vec_each(&all->items, operation)) {
        if (str_eq((*operation)->id, id)) {
            return *operation;
        }
    }
    return NULL;
}

struct operation *operations_find_about(const struct operations *all,
                                        const struct operation_kind *kind, const char *subject)
{
    for (size_t i = all->items.n; i > 0; i--) {
        struct operation *operation = all->items.items[i - 1];
        if (operation->kind == kind && !operation_is_over(operation) &&
            str_eq(operation->subject, subject)) {
            return operation;
        }
    }
    return NULL;
}

/* ---- one ---- */

struct operation *operation_new(struct operations *all, const struct operation_start *start)
{
    struct operation *operation = xcalloc(1, sizeof(*operation));
    operation->kind = start->kind;
    operation->all = all;
    operation->data = start->data;
    operation->state = start->state;
    operation->dry_run = start->dry_run;
    operation->resumed = start->resumed;
    operation->created_us = start->created_us != 0 ? start->created_us : clock_realtime_us();
    operation->finished_us = start->finished_us;
    STR_SET(operation->subject, start->subject);
    STR_SET(operation->author, start->author);
    if (start->id == NULL || start->id[0] == '\0') {
        id_uuid(operation->id);
    } else {
        STR_SET(operation->id, start->id);
    }
    *vec_push(&all->items) = operation;
    return operation;
}

static void free_data(struct operation *operation)
{
    if (operation->kind->free != NULL && operation->data != NULL) {
        operation->kind->free(operation->data);
    }
    operation->data = NULL;
}

static void shown_free(struct operation_shown *shown)
{
    if (shown != NULL) {
        free(shown->about);
        free(shown->host);
        free(shown->text);
        free(shown->problem);
        free(shown->hint);
        free(shown);
    }
}

void operation_free(struct operation *operation)
{
    if (operation == NULL) {
        return;
    }
    struct operations *all = operation->all;
    for (size_t i = 0; i < all->items.n; i++) {
        if (all->items.items[i] == operation) {
            vec_remove(&all->items, i);
            break;
        }
    }
    free_data(operation);
    shown_free(operation->shown);
    free(operation);
}

bool operation_is_over(const struct operation *operation)
{
    return operation_state_is_over(operation->state);
}

void operation_follow(struct operation *operation, enum operation_state state, uint64_t finished_us)
{
    if (operation->state == state) {
        return;
    }
    sm_go(&operation_state_words, &operation->state, state);
    if (operation_is_over(operation)) {
        operation->finished_us = finished_us != 0 ? finished_us : clock_realtime_us();
    }
}

void operation_enter(struct operation *operation, enum operation_state state)
{
    operation_follow(operation, state, 0);
}

void operation_schedule(struct operation *operation, uint64_t pause_us)
{
    operation->due_us = clock_monotonic_us() + pause_us;
    set_timer(operation->all);
}

void operation_back_off(struct operation *operation, uint64_t first_us, uint64_t longest_us)
{
    operation_schedule(operation, attempts_fail(&operation->attempts, first_us, longest_us));
}

void operation_got_on(struct operation *operation)
{
    backoff_reset(&operation->attempts.backoff);
    operation->attempts.due_us = 0;
}

void operation_set_deadline(struct operation *operation, uint64_t deadline_us)
{
    operation->deadline_us = deadline_us;
    operation->expired = false;
    set_timer(operation->all);
}

bool operation_is_late(const struct operation *operation)
{
    return operation->deadline_us != 0 && clock_monotonic_us() >= operation->deadline_us;
}

/* ---- cancelling ---- */

int operation_check_cancel(const struct operation *operation, struct error *err)
{
    const char *kind = operation_kind_id_name(operation->kind->id);
    bool over = operation_is_over(operation);
    bool kept = over && operation->data == NULL;
    if (operation->kind->refuse_cancel != NULL && !operation->dry_run) {
        int r = kept ? 0 : operation->kind->refuse_cancel(operation, err);
        return r != 0 || !over
                   ? r
                   : error_set(err, REASON_CONFLICT, SUBJECT("operation", operation->id),
                               "the %s of %s is over: %s", kind, operation->subject,
                               operation_state_name(operation->state));
    }
    error_set(err, REASON_UNSUPPORTED, SUBJECT("operation", operation->id),
              "the %s%s of %s can't be cancelled", operation->dry_run ? "dry run of a " : "", kind,
              operation->subject);
    error_hint(err, "it ends without help; `cleave operation show %s` shows the progress",
               operation->id);
    return -REASON_UNSUPPORTED;
}

void operation_cancel(struct operation *operation, const char *author)
{
    if (operation->kind->cancelled != NULL) {
        operation->kind->cancelled(operation, author);
    }
    operation->cancel = true;
    operation_enter(operation, OPERATION_CANCELLING);
    operation_schedule(operation, 0);
}

/* ---- showing ---- */

void operation_show(struct operation *operation, const struct operation_view *view)
{
    struct operation_shown *shown = xcalloc(1, sizeof(*shown));
    *shown = (struct operation_shown){.about = xstrdup(view->about),
                                      .host = xstrdup(view->host),
                                      .text = xstrdup(view->text),
                                      .problem = xstrdup(view->problem),
                                      .hint = xstrdup(view->hint),
                                      .progress = view->progress};
    shown_free(operation->shown);
    operation->shown = shown;
}

void operation_keep(struct operation *operation)
{
    struct operation_view view;
    operation_describe(operation, &view);
    operation_show(operation, &view);
    operation->attempts.n = view.attempts;
    free_data(operation);
}

struct operation *operation_of_view(struct operations *all, const struct operation_kind *kind,
                                    const struct operation_view *view)
{
    const struct operation_start start = {.kind = kind,
                                          .id = view->id,
                                          .subject = view->subject,
                                          .author = view->author,
                                          .created_us = view->created_us,
                                          .finished_us = view->finished_us,
                                          .state = view->state};
    struct operation *operation = operation_new(all, &start);
    operation->cancel = view->cancel;
    operation->attempts.n = view->attempts;
    operation_show(operation, view);
    return operation;
}

static void add_shown(const struct operation_shown *shown, struct operation_view *view)
{
    STR_SET(view->about, shown->about);
    STR_SET(view->host, shown->host);
    STR_SET(view->text, shown->text);
    STR_SET(view->problem, shown->problem);
    STR_SET(view->hint, shown->hint);
    view->progress = shown->progress;
}

/* Where its kind shows all of it: where several share one place, it shows the latest. */
static void add_url(const struct operation *operation, struct operation_view *view)
{
    const struct operation_kind *kind = operation->kind;
    bool latest = kind->url_has_id || operation->data != NULL;
    if (kind->url != NULL && latest && !operation->dry_run) {
        str_print(view->url, sizeof(view->url), "%s%s", kind->url,
                  kind->url_has_id ? operation->id : "");
    }
}

static void add_times(const struct operation *operation, struct operation_view *view)
{
    if (operation->state == OPERATION_WAITING && operation->attempts.due_us != 0) {
        view->next_attempt_us = clock_realtime_of(operation->attempts.due_us);
    }
    if (!operation_is_over(operation) && operation->deadline_us != 0) {
        view->deadline_us = clock_realtime_of(operation->deadline_us);
    }
}

void operation_describe(const struct operation *operation, struct operation_view *ret_view)
{
    struct error err = {0};
    *ret_view = (struct operation_view){.kind = operation->kind->id,
                                        .state = operation->state,
                                        .dry_run = operation->dry_run,
                                        .cancel = operation->cancel,
                                        .attempts = operation->attempts.n,
                                        .created_us = operation->created_us,
                                        .finished_us = operation->finished_us};
    STR_SET(ret_view->id, operation->id);
    STR_SET(ret_view->subject, operation->subject);
    STR_SET(ret_view->author, operation->author);
    ret_view->cancellable =
        !operation_is_over(operation) && operation_check_cancel(operation, &err) == 0;
    add_times(operation, ret_view);
    add_url(operation, ret_view);
    if (operation->shown != NULL) {
        add_shown(operation->shown, ret_view);
    }
    if (operation->kind->describe != NULL && operation->data != NULL) {
        operation->kind->describe(operation, ret_view);
    }
    str_make_clean(ret_view->problem);
    str_make_clean(ret_view->hint);
}
