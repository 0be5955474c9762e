/* SPDX-License-Identifier: Apache-2.0 */
/* Changes wait here for their turn; each is then planned against a fresh observation, which is
 * waited for before the turn is taken. What a VM's hook waits for is planned against the hardware
 * alone, and goes first: libvirt may tell nothing of any VM until that hook ends. */
#include "turn/queue.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stopping.h"
#include "base/str.h"
#include "model/drain.h"
#include "model/incoming.h"
#include "state/lateness.h"
#include "state/listeners.h"
#include "state/notes.h"
#include "state/state.h"
#include "turn/vm_lines.h"
#include "watch/looks.h"
#include "watch/observe.h"

/* How often the patience with a look a call may take: a VM's start waits for its hook, and for
 * memory of a size that a look has not. */
#define GUEST_CALL_LOOKS 9

static uint64_t guest_call_us(const struct change *change)
{
    return looks_patience_us(change->manager, SOURCE_GUESTS) *
           (vm_line_only_asks(change) ? 1 : GUEST_CALL_LOOKS);
}

struct queue {
    struct change *first;
    struct change **last;
    size_t n_waiting;
    bool looking_for_next; /* the host is being looked at for the first of them */
    struct change *urgent; /* go before them */
    bool looking_for_urgent;
    uint64_t n_changes;              /* so far: they give each a name among operations */
    char turn_of[VM_NAME_SIZE + 32]; /* what the change in hand is about; "": none is */
    struct error store_problem;      /* why none is taken; reason NONE: all are */
};

struct queue *queue_new(void)
{
    struct queue *queue = xcalloc(1, sizeof(*queue));
    queue->last = &queue->first;
    return queue;
}

void queue_free(struct queue *queue)
{
    free(queue);
}

size_t queue_length(const struct manager *m)
{
    size_t n = m->queue->n_waiting;
    for (const struct change *change = m->queue->urgent; change != NULL; change = change->next) {
        n++;
    }
    return n;
}

const char *queue_turn_of(const struct manager *m)
{
    return m->queue->turn_of;
}

struct change *change_new(struct manager *m, change_fn *run, const struct request *request,
                          const char *name)
{
    struct change *change = xcalloc(1, sizeof(*change));
    change->manager = m;
    change->run = run;
    change->dry_run = request->dry_run;
    change->reply = request->reply;
    change->data = request->data;
    if (request->caller != NULL) {
        change->caller = *request->caller;
    }
    if (request->behind != NULL) {
        change->behind = xstrdup(request->behind);
    }
    STR_SET(change->name, name);
    str_print(change->operation, sizeof(change->operation), "change %llu",
              (unsigned long long)++m->queue->n_changes);
    return change;
}

void change_hold_vm(const struct change *change, enum hold_kind kind)
{
    struct manager *m = change->manager;
    const struct vm *seen = m->host != NULL ? host_find_vm(m->host, change->name) : NULL;
    struct hold hold = {.kind = kind,
                        .object = hold_vm(change->name, seen != NULL ? seen->uuid : ""),
                        .bars = hold_bars(kind),
                        .since_us = clock_realtime_us()};
    STR_SET(hold.operation, change->operation);
    holds_take(&m->holds, &hold);
}

void queue_end_holds(struct manager *m, const char *operation)
{
    holds_end(&m->holds, operation, looks_begun(m, SOURCE_GUESTS) + 1);
}

void change_free(struct change *change)
{
    if (change != NULL) {
        evloop_timer_free(change->timer);
        vec_done(&change->claims);
        vec_done(&change->steps);
        free(change->template);
        free(change->behind);
        json_decref(change->json);
        drain_free(change->drain);
        migration_free(change->migration);
        migration_offer_free(change->offer);
        incoming_free(change->incoming);
        free(change);
    }
}

static void change_end(struct change *change)
{
    struct manager *m = change->manager;
    bool in_turn = change->in_turn;
    change_free(change);
    if (in_turn) {
        queue_release_turn(m);
    }
}

void change_release_turn(struct change *change)
{
    if (change->in_turn) {
        change->in_turn = false;
        queue_release_turn(change->manager);
    }
}

static void call_is_late(void *data)
{
    struct change *change = data;
    struct error err = {0};
    if (change->late || change->manager->stopping) {
        return;
    }
    vm_line_explain(change, guest_call_us(change), &err);
    log_warning("VM %s: %s", change->name, err.message);
    change->late = true;
    if (change->line != NULL) {
        change->line->late++;
    } else {
        change->manager->n_late_calls++;
    }
    change->reply(NULL, &err, change->data);
    change->reply = change_unasked;
    change_release_turn(change);
}

void change_lose_patience(struct manager *m, enum vm_line_use use, const char *vm)
{
    for (size_t i = 0; i < m->n_vm_lines; i++) {
        struct vm_line *line = &m->vm_lines[i];
        unsigned before = line->late;
        for (vec_each(&line->changes, change)) {
            if (line->use == use && (vm == NULL || str_eq(vm, (*change)->name))) {
                call_is_late(*change);
            }
        }
        line->since_us -= line->late > before ? looks_patience_us(m, SOURCE_GUESTS) : 0;
    }
}

static void guest_called(void *data)
{
    struct change *change = data;
    evloop_timer_free(TAKE_PTR(change->timer));
    if (change->line != NULL) {
        vm_line_give_back(change);
    } else {
        change->manager->n_late_calls -= change->late;
    }
    change->called(change);
}

void change_call_guest(struct change *change, evloop_fn *work, evloop_fn *done)
{
    struct manager *m = change->manager;
    struct error err = {0};
    if (change->line == NULL && lateness_check_port(m, PORT_GUEST, &err) != 0) {
        queue_end_holds(m, change->operation);
        change_refuse(change, &err);
        return;
    }
    change->called = done;
    /* The deadline of one request: it ends with its answer. */
    if (evloop_timer_new(m->config.loop, call_is_late, change, &change->timer) == 0) {
        (void)evloop_timer_set(change->timer, guest_call_us(change));
    }
    worker_submit(change->line != NULL ? change->line->worker : m->guest_worker, work, guest_called,
                  change);
}

void change_answer(struct change *change, json_t *body)
{
    change->reply(body, NULL, change->data);
    change_end(change);
}

void change_unasked(json_t *body, const struct error *err, void *data)
{
    (void)err;
    (void)data;
    json_decref(body);
}

void change_refuse(struct change *change, const struct error *err)
{
    change->reply(NULL, err, change->data);
    change_end(change);
}

void change_detach(struct change *change)
{
    change_end(change);
}

/* In the ledger's turn: what it is planned from is stored. */
static void run_change(void *data)
{
    struct change *change = data;
    if (change->manager->stopping) {
        struct error err = stopping_error();
        change_refuse(change, &err);
        return;
    }
    change->run(change);
}

static void change_begin(struct change *change, const struct error *err)
{
    struct manager *m = change->manager;
    m->busy = true;
    m->turn_since_us = clock_monotonic_us();
    str_print(m->queue->turn_of, sizeof(m->queue->turn_of), "%s%s",
              change->name[0] != '\0' ? "a change of " : "a change", change->name);
    change->in_turn = true;
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    ledger_take_turn(m->ledger, run_change, change);
}

/* Another change may have taken the turn; its release calls this once more. */
static void take_turn(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    m->queue->looking_for_next = false;
    if (m->busy || m->queue->urgent != NULL || m->queue->first == NULL || m->stopping) {
        return;
    }
    struct change *change = m->queue->first;
    m->queue->first = change->next;
    if (m->queue->first == NULL) {
        m->queue->last = &m->queue->first;
    }
    m->queue->n_waiting--;
    change_begin(change, err);
}

static void take_urgent_turn(struct manager *m, const struct error *err, void *data)
{
    (void)data;
    m->queue->looking_for_urgent = false;
    if (m->busy || m->queue->urgent == NULL || m->stopping) {
        return;
    }
    struct change *change = m->queue->urgent;
    m->queue->urgent = change->next;
    change_begin(change, err);
}

static void run_next(void *data)
{
    struct manager *m = data;
    if (m->busy || m->stopping || m->listeners->take_turn(m)) {
        return;
    }
    if (m->queue->urgent != NULL) {
        if (!m->queue->looking_for_urgent) {
            m->queue->looking_for_urgent = true;
            observe_hardware(m, take_urgent_turn, NULL);
        }
    } else if (m->queue->first != NULL && !m->queue->looking_for_next) {
        m->queue->looking_for_next = true;
        if (m->queue->first->hardware_only) {
            observe_hardware(m, take_turn, NULL);
        } else {
            observe_all(m, take_turn, NULL);
        }
    }
}

void queue_release_turn(struct manager *m)
{
    m->busy = false;
    m->queue->turn_of[0] = '\0';
    evloop_post(m->config.loop, run_next, m);
}

void queue_refuse_all(struct manager *m, const struct error *why)
{
    struct queue *queue = m->queue;
    while (queue->urgent != NULL || queue->first != NULL) {
        struct change **first = queue->urgent != NULL ? &queue->urgent : &queue->first;
        struct change *change = *first;
        *first = change->next;
        queue->n_waiting -= first == &queue->first;
        change_refuse(change, why);
    }
    queue->last = &queue->first;
}

void queue_shut(struct manager *m, const struct error *why)
{
    m->queue->store_problem = *why;
    queue_refuse_all(m, why);
}

void queue_open(struct manager *m)
{
    m->queue->store_problem = (struct error){0};
}

bool queue_needs_store(const struct manager *m)
{
    return m->queue->store_problem.reason != REASON_NONE || ledger_is_busy(m->ledger);
}

void change_take_ledger(struct change *change, const struct error *err, evloop_fn *fn)
{
    struct error late = {0};
    if (err == NULL && notes_check_store(change->manager, &late) != 0) {
        err = &late;
    }
    if (err != NULL) {
        change_refuse(change, err);
        return;
    }
    ledger_take_turn(change->manager->ledger, fn, change);
}

void change_enqueue(struct change *change)
{
    struct manager *m = change->manager;
    struct error late = {0};
    if (m->queue->store_problem.reason != REASON_NONE) {
        change_refuse(change, &m->queue->store_problem);
        return;
    }
    if (notes_check_store(m, &late) != 0) {
        change_refuse(change, &late);
        return;
    }
    if (m->queue->n_waiting == MAX_CHANGES) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, "cleaved",
                  "%d changes wait already, which is the limit", MAX_CHANGES);
        error_hint(&err, "try again later; `cleave plan list` shows what runs");
        change_refuse(change, &err);
        return;
    }
    change->next = NULL; /* it may have been in the queue before */
    *m->queue->last = change;
    m->queue->last = &change->next;
    m->queue->n_waiting++;
    run_next(m);
}

void change_enqueue_urgent(struct change *change)
{
    struct change **last = &change->manager->queue->urgent;
    struct error late = {0};
    if (change->manager->queue->store_problem.reason != REASON_NONE) {
        change_refuse(change, &change->manager->queue->store_problem);
        return;
    }
    if (notes_check_store(change->manager, &late) != 0) {
        change_refuse(change, &late);
        return;
    }
    change->urgent = true;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = change;
    run_next(change->manager);
}

bool change_is_waiting(const struct manager *m, change_fn *fn, const char *name)
{
    const struct change *const queues[] = {m->queue->urgent, m->queue->first};
    for (size_t i = 0; i < ARRAY_SIZE(queues); i++) {
        for (const struct change *change = queues[i]; change != NULL; change = change->next) {
            if (change->run == fn && str_eq(change->name, name)) {
                return true;
            }
        }
    }
    return false;
}
