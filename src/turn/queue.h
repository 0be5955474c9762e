/* SPDX-License-Identifier: Apache-2.0 */
/* Changes: one at a time, in the order they came. The turn is taken once the host was looked at: a
 * change that waits for that holds up no one. Loop thread only. */
#ifndef TURN_QUEUE_H
#define TURN_QUEUE_H

#include <jansson.h>
#include <stdbool.h>

#include "hold/hold.h"
#include "service/service.h"
#include "turn/change.h"
#include "turn/vm_lines.h"

#define MAX_CHANGES 64 /* waiting for their turn */
/* When what must be stored can't be, a plan's end or what a boot means: first pause before the next
 * attempt, and longest. */
#define COMMIT_RETRY_US 10000
#define COMMIT_RETRY_MAX_US 2000000
/* A pause as long as this means that the store has failed for a second: who waits is refused. */
#define COMMIT_PATIENCE_US 500000

/* The changes that wait. */
struct queue *queue_new(void);
void queue_free(struct queue *queue);
/* How many wait, those for a VM's hook among them. */
size_t queue_length(const struct manager *m);
/* What the change in hand is about; "": none is. */
const char *queue_turn_of(const struct manager *m);
void queue_refuse_all(struct manager *m, const struct error *why);
/* The store fails, and what has to be stored keeps the turn: who waits is refused, and so is who
 * comes before it works again. */
void queue_shut(struct manager *m, const struct error *why);
/* The store works again. */
void queue_open(struct manager *m);
/* A change that comes now waits for the store, or is refused because of it. */
bool queue_needs_store(const struct manager *m);

/* For `reply` of what cleaved does on its own. */
void change_unasked(json_t *body, const struct error *err, void *data);

/* `run` is called in the change's turn (change_enqueue()); NULL: it needs no turn of the queue,
 * only the ledger's (change_take_ledger()). `name`: of what it is about. */
struct change *change_new(struct manager *m, change_fn *run, const struct request *request,
                          const char *name);
void change_free(struct change *change);
/* Takes the change. Refuses it when too many wait. */
void change_enqueue(struct change *change);
/* The same for what a VM waits for, with its hook running: it goes before all others, and runs
 * against a fresh look at the hardware alone. */
void change_enqueue_urgent(struct change *change);
bool change_is_waiting(const struct manager *m, change_fn *fn, const char *name);
/* Takes a hold of the VM that it is about, in the change's own name; queue_end_holds() ends it.
 */
void change_hold_vm(const struct change *change, enum hold_kind kind);
/* For a change with all that a VM needs: `work` on the worker, then `done`; on the line's, if it
 * has one. When libvirt does not answer in time the change is refused and gives the turn away; what
 * comes of it is noted then. */
void change_call_guest(struct change *change, evloop_fn *work, evloop_fn *done);
/* For a change that needs no turn, once the host was looked at: refuses it with `err`, or while the
 * disk hangs; else calls `fn` with it in the ledger's turn. */
void change_take_ledger(struct change *change, const struct error *err, evloop_fn *fn);
/* Lets the next one run though this one's answer has yet to come. */
void change_release_turn(struct change *change);
/* Reply (body is stolen), free, and let the next one run. */
void change_answer(struct change *change, json_t *body);
void change_refuse(struct change *change, const struct error *err);
/* Someone else answers later: frees, and lets the next one run. */
void change_detach(struct change *change);
/* For who keeps the turn longer than its change: lets the next one run. */
void queue_release_turn(struct manager *m);
/* The operation is over: until a look at the guests that begins later, they are not believed. */
void queue_end_holds(struct manager *m, const char *operation);
/* Such calls under way are late now, those about `vm` if it is not NULL: for tests, which know that
 * they hang. */
void change_lose_patience(struct manager *m, enum vm_line_use use, const char *vm);

#endif
