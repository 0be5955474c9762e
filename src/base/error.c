/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const struct {
    const char *name;
    const char *text;
    int http_status;
    int exit_status;
    int rank;
    enum passes passes;
} reasons[] = {
    /* A failure without a reason may pass, or not. */
    [REASON_NONE] = {.name = "none",
                     .text = "no error",
                     .http_status = 200,
                     .passes = PASSES_UNCLEAR},
#define REASON_ROW(sym, api_name, http, exit, rank_, passes_, meaning)                             \
    [REASON_##sym] = {.name = api_name,                                                            \
                      .text = meaning,                                                             \
                      .http_status = http,                                                         \
                      .exit_status = exit,                                                         \
                      .rank = rank_,                                                               \
                      .passes = PASSES_##passes_},
    REASON_MAP(REASON_ROW)
#undef REASON_ROW
};
_Static_assert(ARRAY_SIZE(reasons) == REASON_COUNT, "every reason has a row");

PRINTF_ATTR(4, 0)
static int set(struct error *err, enum reason reason, const char *subject, const char *fmt,
               va_list args)
{
    if (err == NULL) {
        return -(int)reason;
    }
    /* Built aside: the arguments may point into `err`. */
    struct error built = {.reason = reason};
    STR_SET(built.subject, subject != NULL ? subject : "");
    str_make_clean(built.subject);
    (void)str_vprint(built.message, sizeof(built.message), fmt, args);
    *err = built;
    return -(int)reason;
}

const char *error_subject(const char *kind, const char *name, char out[ERROR_SUBJECT_SIZE])
{
    (void)snprintf(out, ERROR_SUBJECT_SIZE, "%s/%s", kind, name);
    out[str_cut_len(out, strlen(out), ERROR_SUBJECT_SIZE - 1)] = '\0';
    return out;
}

int error_set(struct error *err, enum reason reason, const char *subject, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int r = set(err, reason, subject, fmt, args);
    va_end(args);
    return r;
}

int error_set_at(struct error *err, const char *origin, size_t line, size_t column, const char *fmt,
                 ...)
{
    char position[48];
    int position_len = snprintf(position, sizeof(position), ":%zu:%zu", line, column);
    char subject[sizeof(err->subject)];
    size_t room = sizeof(subject) - 1 - (size_t)position_len;
    size_t origin_len = strlen(origin);
    size_t kept = str_cut_len(origin, origin_len, room);
    memcpy(subject, origin, kept);
    memcpy(subject + kept, position, (size_t)position_len + 1);

    va_list args;
    va_start(args, fmt);
    int r = set(err, REASON_INVALID, subject, fmt, args);
    va_end(args);
    return r;
}

static enum reason reason_of_errno(int errnum)
{
    switch (errnum) {
    case EACCES:
    case EPERM:
        return REASON_PERMISSION;
    case ENOENT:
        return REASON_NOT_FOUND;
    case EBUSY:
        return REASON_IN_USE;
    case EFBIG:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return REASON_INVALID;
    default:
        return REASON_DRIVER;
    }
}

int error_set_errno(struct error *err, int errnum, const char *subject, const char *fmt, ...)
{
    int positive = errnum < 0 ? -errnum : errnum;
    va_list args;
    va_start(args, fmt);
    int r = set(err, reason_of_errno(positive), subject, fmt, args);
    va_end(args);
    if (err != NULL) {
        err->sys_errno = positive;
        size_t len = strlen(err->message);
        /* strerror() is thread-safe in glibc (2.32) and musl. */
        (void)snprintf(err->message + len, sizeof(err->message) - len, ": %s", strerror(positive));
    }
    return r;
}

void error_hint(struct error *err, const char *fmt, ...)
{
    if (err == NULL) {
        return;
    }
    char hint[sizeof(err->hint)];
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(hint, sizeof(hint), fmt, args);
    va_end(args);
    STR_SET(err->hint, hint);
}

void error_wrap(struct error *err, const char *fmt, ...)
{
    if (err == NULL) {
        return;
    }
    struct strbuf text = {0};
    char context[sizeof(err->message)];
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(context, sizeof(context), fmt, args);
    va_end(args);
    strbuf_addf(&text, "%s: %s", context, err->message);
    STR_SET(err->message, strbuf_str(&text));
    strbuf_done(&text);
}

static enum reason known(enum reason reason)
{
    return (unsigned)reason < REASON_COUNT ? reason : REASON_INTERNAL;
}

const char *reason_name(enum reason reason)
{
    return reasons[known(reason)].name;
}

const char *reason_text(enum reason reason)
{
    return reasons[known(reason)].text;
}

int reason_http_status(enum reason reason)
{
    return reasons[known(reason)].http_status;
}

int reason_exit_status(enum reason reason)
{
    return reasons[known(reason)].exit_status;
}

int reason_rank(enum reason reason)
{
    return reasons[known(reason)].rank;
}

bool reason_passes(enum reason reason, enum passes at_least)
{
    return reasons[known(reason)].passes >= at_least;
}

enum reason reason_from_name(const char *name)
{
    for (size_t i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (str_eq(reasons[i].name, name)) {
            return (enum reason)i;
        }
    }
    return REASON_NONE;
}
