/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error value for the whole project: a reason a program can act on, what it is about, one
 * sentence for people, and what to do next. Fixed size: no allocation, no cleanup.
 *
 * Convention above `base`: int f(…, struct error *err) returns 0 or -enum reason; `err` may be
 * NULL; success leaves it alone. Wrappers of system calls in `base` return -errno instead and say
 * so.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* X(symbol, api name, http status, cli exit status, rank, passes, meaning). Names are stable. */
#define REASON_MAP(X)                                                                              \
    X(INVALID, "invalid-argument", 400, 2, 2, NEVER, "a given value or option is wrong")           \
    X(NOT_FOUND, "not-found", 404, 3, 0, UNCLEAR, "no such object")                                \
    X(CONFLICT, "conflict", 409, 4, 3, OFTEN,                                                      \
      "conflict: the object exists already, or changed meanwhile")                                 \
    X(NO_CAPACITY, "no-capacity", 409, 5, 6, UNCLEAR, "no GPU has room for it")                    \
    X(IN_USE, "in-use", 409, 6, 5, SOON, "a VM or a program uses the device")                      \
    X(UNSUPPORTED, "unsupported", 422, 7, 1, NEVER, "this hardware or driver can't do it")         \
    X(DRIVER, "driver-failed", 502, 8, 1, SOON, "the driver failed or did not answer")             \
    X(RULE, "rule-violated", 422, 9, 4, NEVER,                                                     \
      "a documented limit (`cleave rule list`) forbids it")                                        \
    X(PERMISSION, "permission-denied", 403, 10, 1, NEVER, "permission denied")                     \
    X(UNAVAILABLE, "unavailable", 503, 11, 1, SOON,                                                \
      "cleaved, libvirt or a driver does not answer")                                              \
    X(UNKNOWN, "unknown", 422, 12, 1, UNCLEAR, "unknown: neither the driver nor the catalog says") \
    X(NO_LICENCE, "no-licence", 409, 13, 5, UNCLEAR,                                               \
      "the pool of a licensed product has none left for it, or has expired")                       \
    X(INTERNAL, "internal", 500, 70, 1, SOON, "a bug in cleave")

enum reason {
    REASON_NONE = 0,
#define REASON_ENUM(sym, name, http, exit, rank, passes, text) REASON_##sym,
    REASON_MAP(REASON_ENUM)
#undef REASON_ENUM
        REASON_COUNT
};

/* Does a refusal go away with time? Each value includes those after it. */
enum passes {
    PASSES_NEVER,   /* the request, or how the host is set up, would have to change */
    PASSES_UNCLEAR, /* if the hardware changes meanwhile, or another claim gives something back */
    PASSES_OFTEN,   /* once what changes the object now has ended; not if it is there for good */
    PASSES_SOON     /* what is late answers, what is held is let go */
};

/* The longest subject is "vm/" and a VM's name (model/host.h); a sentence has room for two of them
 * and still says what to do. */
#define ERROR_SUBJECT_SIZE 288
#define ERROR_TEXT_SIZE 1024

struct error {
    enum reason reason;
    int sys_errno; /* 0 when no system call failed */
    /* The object concerned: "gpu/0000:3b:00.0", "claim/web1", "site.yaml:12:7". */
    char subject[ERROR_SUBJECT_SIZE];
    char rule[48];                 /* id of the rule that was broken, or "" */
    char message[ERROR_TEXT_SIZE]; /* what failed, which object, why: one sentence, values quoted */
    char hint[ERROR_TEXT_SIZE];    /* what to do next, or "" */
};

/* What an error or an event is about, as text: "claim/web1" of ("claim", "web1"). Returns out. */
const char *error_subject(const char *kind, const char *name, char out[ERROR_SUBJECT_SIZE]);
/* The same in a buffer that lives as long as the block it stands in. */
#define SUBJECT(kind, name) error_subject((kind), (name), (char[ERROR_SUBJECT_SIZE]){0})

/* Fills `err` (if not NULL) and returns -reason. Clears hint and rule. */
int error_set(struct error *err, enum reason reason, const char *subject, const char *fmt, ...)
    PRINTF_ATTR(4, 5);

/* REASON_INVALID about a place in a text: the subject is "origin:line:column", both from 1. */
int error_set_at(struct error *err, const char *origin, size_t line, size_t column, const char *fmt,
                 ...) PRINTF_ATTR(5, 6);

/* The one bridge from errno: picks the reason from `errnum` (EACCES, EPERM → PERMISSION; ENOENT →
 * NOT_FOUND; EBUSY → IN_USE; others → DRIVER) and appends strerror text to the message. */
int error_set_errno(struct error *err, int errnum, const char *subject, const char *fmt, ...)
    PRINTF_ATTR(4, 5);

/* Adds what to do next. Keeps everything else; NULL err is fine. */
void error_hint(struct error *err, const char *fmt, ...) PRINTF_ATTR(2, 3);

/* Puts context in front: "creating slice 3: <message>". NULL err is fine. */
void error_wrap(struct error *err, const char *fmt, ...) PRINTF_ATTR(2, 3);

const char *reason_name(enum reason reason); /* "no-capacity" */
const char *reason_text(enum reason reason);
int reason_http_status(enum reason reason);
int reason_exit_status(enum reason reason);
/* Of refusals by several GPUs the one of the highest rank is said: room before use, use before the
 * rest; last that it is not the GPU that was asked for. */
int reason_rank(enum reason reason);
/* Does waiting help that much at least? A caller says what it takes for enough. */
bool reason_passes(enum reason reason, enum passes at_least);
/* REASON_NONE when the name is unknown. */
enum reason reason_from_name(const char *name);

#endif
