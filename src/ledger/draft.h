/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of the ledger: what it puts and deletes is collected, then stored as one batch. Until
 * that has succeeded the ledger is as it was; only what the draft names is copied. Errors stick.
 * Loop thread only; one draft at a time, in the ledger's turn (ledger_take_turn()).
 */
#ifndef LEDGER_DRAFT_H
#define LEDGER_DRAFT_H

#include "base/fs.h"
#include "base/vec.h"
#include "ledger/ledger.h"

struct draft_claim {
    struct claim claim;
    bool gone;
};

struct draft {
    struct ledger *ledger;
    struct batch batch;
    VEC(struct draft_claim) claims;
    struct gpu_records gpu_records; /* all, as they will be, once one is put */
    bool has_gpu_records;
    struct operation_log operations; /* put */
    VEC(struct operation_entry) forgotten;
    VEC(struct event) events;
    int result;
    struct error err;
    bool open;
};

/* Ends with one of the commits or draft_drop(). Waits for a commit under way; in the ledger's turn
 * (ledger_take_turn()) there is none. */
void draft_begin(struct draft *draft, struct ledger *ledger);
void draft_drop(struct draft *draft);
/* `err` is NULL if all of it is stored, and the ledger has changed; else nothing has. Borrowed for
 * the call. The ledger is free for the next change then. */
typedef void draft_done_fn(const struct error *err, void *data);
/* Stores all of it on the ledger's thread while the loop turns, then calls `done` from the loop's
 * own turn; at once if the ledger has no thread, or what can't be stored at all. */
void draft_commit_then(struct draft *draft, draft_done_fn *done, void *data);
/* Waits for the disk, and with it all that the loop does: for a start, and for tests. */
int draft_commit(struct draft *draft, struct error *err);
/* Waits for what is under way and for all that has asked for a turn: at the end. NULL: nothing. */
void drafts_finish(struct ledger *ledger);

/* The claim as it will be; NULL: there will be none. Valid until the next change. */
const struct claim *draft_claim(const struct draft *draft, const char *name);
/* In the place of one of its name, if there is one; expects the version that the ledger has. */
void draft_put_claim(struct draft *draft, const struct claim *claim);
void draft_delete_claim(struct draft *draft, const char *name);

/* All, as they will be. Valid until the next change. */
const struct gpu_records *draft_gpu_records(const struct draft *draft);
/* In the place of that GPU's, if there is one. */
void draft_put_gpu_record(struct draft *draft, const struct gpu_record *record);

/* A small record; see ledger_keeps(). */
void draft_put_record(struct draft *draft, enum record_kind kind, const char *id,
                      const json_t *document);
/* One that isn't there is gone already. */
void draft_delete_record(struct draft *draft, enum record_kind kind, const char *id);
/* Ids of all that there will be. Copies; the caller frees. */
void draft_list_records(const struct draft *draft, enum record_kind kind, struct strlist *ret_ids);
/* Its text, as it will be; NULL: there will be none. */
const char *draft_record(const struct draft *draft, enum record_kind kind, const char *id);

/* An operation, new or again, with its kind's document. The oldest of its kind that are over go
 * when there are too many (operation_limits). */
void draft_put_operation(struct draft *draft, const struct operation_view *view,
                         const json_t *body);
/* The same for a plan, with all its steps. */
void draft_put_plan(struct draft *draft, const struct plan *plan);
/* One step of a plan that is stored: its state, problem, read-back values. -NOT_FOUND. */
void draft_put_step(struct draft *draft, const char *plan_id, size_t index,
                    const struct step *step);
/* The event gets its number when it is stored. */
void draft_put_event(struct draft *draft, const struct event *event);

/* ---- drafts of one change ---- */

int draft_store_plan(struct ledger *ledger, const struct plan *plan, struct error *err);
int draft_store_event(struct ledger *ledger, const struct event *event, struct error *err);
/* `document` NULL: the record is deleted. */
int draft_store_record(struct ledger *ledger, enum record_kind kind, const char *id,
                       const json_t *document, struct error *err);

#endif
