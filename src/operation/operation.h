/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spine of what takes time: one timer, one back-off, one deadline, one way to cancel, and one
 * loop that goes on with all of them after a restart. What is particular to a migration, a drain or
 * a restoration is a row of functions (struct operation_kind); nothing here names any of them.
 * Loop thread only; times are monotonic, in microseconds, unless said.
 */
#ifndef OPERATION_OPERATION_H
#define OPERATION_OPERATION_H

#include "base/backoff.h"
#include "base/evloop.h"
#include "base/id.h"
#include "model/operation.h"

struct manager;
struct operation;
struct operations;
struct txn;

/* Attempts at one thing, with pauses between them that grow. All zero: nothing has failed. */
struct attempts {
    uint32_t n;      /* that failed */
    uint64_t due_us; /* the next one's time; 0: at once */
    struct backoff backoff;
};
/* One has failed: the next one's pause, which is `first_us` at first and at most `longest_us`. */
uint64_t attempts_fail(struct attempts *attempts, uint64_t first_us, uint64_t longest_us);
bool attempts_are_due(const struct attempts *attempts);
/* There is reason to try at once; `n` stays. */
void attempts_hurry(struct attempts *attempts);

struct operation_kind {
    enum operation_kind_id id;
    /* Where the API shows all of it: "/v1/migrations/", and its id where the kind has several;
     * NULL: nowhere. */
    const char *url;
    bool url_has_id;
    /* Does what comes next. May end or free the operation, and any other. Called when it is due,
     * and when it has been cancelled or its deadline has passed. Where nothing was scheduled it is
     * not called again. */
    void (*advance)(struct operation *operation);
    /* One was found in the store when cleaved started, over or not: makes it again, with `body`,
     * the kind's own document; nothing is scheduled. -reason: the body can't be read. NULL: such
     * operations are not stored. */
    int (*found)(struct manager *m, const struct operation_view *view, const json_t *body,
                 struct error *err);
    /* The operation was found unfinished when cleaved started; NULL: advance(). */
    void (*resume)(struct operation *operation);
    /* 0, or -reason: why it can't be cancelled now. NULL: such an operation never can. */
    int (*refuse_cancel)(const struct operation *operation, struct error *err);
    /* Puts into a transaction that the author wants it cancelled; 0, or -reason and nothing is
     * stored. NULL: nothing is to be stored of it. */
    int (*put_cancel)(const struct operation *operation, const char *author, struct txn *txn,
                      struct error *err);
    /* The cancel is stored; advance() then acts on it. NULL: nothing else follows. */
    void (*cancelled)(struct operation *operation, const char *author);
    /* An attempt that waits is made at once when hardware works again. */
    bool hurries;
    /* Of its data, with the operation; NULL: they belong to another. */
    void (*free)(void *data);
    /* There are too many of the kind that are over: frees this one and its data, by
     * operation_free(), unless they are still in use. NULL: operation_free() does all. */
    void (*forget)(struct operation *operation);
    /* Fills in what only the kind knows: host, text, progress, problem, hint. The rest is there.
     */
    void (*describe)(const struct operation *operation, struct operation_view *view);
};

/* What an operation shows while its data do not say it: as it was stored last. Texts are its own.
 */
struct operation_shown {
    char *about, *host, *text, *problem, *hint;
    struct operation_progress progress;
};

/* Fields are read by all, and written here and in the functions below. */
struct operation {
    const struct operation_kind *kind;
    struct operations *all;
    void *data;                    /* the kind's own, borrowed; NULL: it has none, or no more */
    struct operation_shown *shown; /* NULL: its kind describes all */
    char id[40];
    char subject[OPERATION_SUBJECT_SIZE];
    char author[NAME_SIZE];
    enum operation_state state;
    bool dry_run;
    bool cancel;                      /* was asked for */
    bool resumed;                     /* was found in the store */
    bool expired;                     /* its deadline has passed, and it was called for that */
    uint64_t created_us, finished_us; /* realtime; 0: not yet */
    uint64_t deadline_us;             /* 0: none */
    uint64_t due_us;                  /* next advance(); 0: none is scheduled */
    uint64_t round;                   /* of the timer, in which it was called last */
    struct attempts attempts;
};

struct operations {
    struct evloop *loop;
    struct evloop_timer *timer;
    VEC(struct operation *) items; /* oldest first */
    uint64_t round;
    bool stopping;
};

/* 0 or -errno. */
int operations_open(struct operations *all, struct evloop *loop);
/* No operation is advanced any more. */
void operations_stop(struct operations *all);
/* With all that are left. */
void operations_close(struct operations *all);
/* Goes on with all that were found unfinished in the store, each once; any time after that they
 * are like the others. */
void operations_resume(struct operations *all);
/* There is reason to try at once what waits for another attempt, of kinds that hurry. */
void operations_hurry(struct operations *all);
/* Forgets those of the kind that are over and too many (operation_limits), the oldest first, and
 * all its dry runs that are over. Not to be called where such a one is still needed. */
void operations_trim(struct operations *all, enum operation_kind_id kind);
struct operation *operations_find(const struct operations *all, const char *id);
/* The latest of that kind about that subject that is not over; NULL: none. */
struct operation *operations_find_about(const struct operations *all,
                                        const struct operation_kind *kind, const char *subject);

/* An operation that begins. Texts are copied. */
struct operation_start {
    const struct operation_kind *kind;
    const char *id; /* NULL or "": a new one */
    const char *subject, *author;
    uint64_t created_us;        /* realtime; 0: now */
    uint64_t finished_us;       /* realtime, of one that was stored; 0: it is not over */
    enum operation_state state; /* of one that was stored */
    bool dry_run;
    bool resumed;
    void *data;
};
/* Nothing is scheduled yet. The spine's until operation_free(). */
struct operation *operation_new(struct operations *all, const struct operation_start *start);
/* Any time, also from its own functions. NULL: nothing. */
void operation_free(struct operation *operation);
bool operation_is_over(const struct operation *operation);

/* The next state (the same one: nothing); one that its machine lacks is a bug, and ends the
 * process. An end notes the time. */
void operation_enter(struct operation *operation, enum operation_state state);
/* The same, with the time of the end (realtime) as the kind's own record has it; 0: now. */
void operation_follow(struct operation *operation, enum operation_state state,
                      uint64_t finished_us);

/* Shows that from now on, where its kind does not describe it. */
void operation_show(struct operation *operation, const struct operation_view *view);
/* An operation that is over, and whose data go (free()): it shows what they show now. */
void operation_keep(struct operation *operation);
/* An operation that was stored, and that no data of the kind belong to. */
struct operation *operation_of_view(struct operations *all, const struct operation_kind *kind,
                                    const struct operation_view *view);

/* advance() after the pause, in place of what was scheduled before; 0: in the loop's next turn. */
void operation_schedule(struct operation *operation, uint64_t pause_us);
/* An attempt failed: the next one comes after a pause that grows. */
void operation_back_off(struct operation *operation, uint64_t first_us, uint64_t longest_us);
/* The operation got on: the next failure is the first. */
void operation_got_on(struct operation *operation);
/* No later than that (monotonic) is it advanced once more. */
void operation_set_deadline(struct operation *operation, uint64_t deadline_us);
bool operation_is_late(const struct operation *operation);

/* 0, or why it can't be cancelled now: -CONFLICT, -UNSUPPORTED, or what its kind says. */
int operation_check_cancel(const struct operation *operation, struct error *err);
/* The cancel is stored (put_cancel()): the operation ends as soon as it can. */
void operation_cancel(struct operation *operation, const char *author);

void operation_describe(const struct operation *operation, struct operation_view *ret_view);

#endif
