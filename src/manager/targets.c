/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/targets.h"

#include <string.h>

#include "base/str.h"
#include "migration/migrations.h"
#include "state/state.h"

#define SHORTEST 4    /* characters: fewer are rather a mistake than a name */
#define MOST_SHOWN 5U /* of those that begin alike */

/* Identifiers that begin with a text. */
struct matches {
    const char *text;
    char first[TARGET_ID_SIZE];
    size_t n;
    bool exact; /* one is the text itself */
    struct strbuf shown;
};

static void try_id(struct matches *matches, const char *id)
{
    if (!str_starts(id, matches->text)) {
        return;
    }
    matches->exact = matches->exact || str_eq(id, matches->text);
    if (matches->n == 0) {
        STR_SET(matches->first, id);
    }
    if (matches->n < MOST_SHOWN) {
        strbuf_addf(&matches->shown, "%s%s", matches->n == 0 ? "" : ", ", id);
    }
    matches->n++;
}

static void try_stored(const struct manager *m, enum operation_kind_id kind,
                       struct matches *matches)
{
    for (vec_each(&m->ledger->operations.kinds[kind], entry)) {
        try_id(matches, entry->id);
    }
}

static void try_plans(const struct manager *m, struct matches *matches)
{
    try_stored(m, OPERATION_KIND_PLAN, matches);
}

/* All that are stored, and those in memory that are not. */
static void try_operations(const struct manager *m, struct matches *matches)
{
    const struct operation_log *stored = &m->ledger->operations;
    for (enum operation_kind_id kind = 0; kind < OPERATION_KIND_COUNT; kind++) {
        try_stored(m, kind, matches);
    }
    for (vec_each(&m->operations.items, operation)) {
        if (operation_log_find(stored, (*operation)->kind->id, (*operation)->id) == NULL) {
            try_id(matches, (*operation)->id);
        }
    }
}

static void try_migrations(const struct manager *m, struct matches *matches)
{
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        if (!(*outgoing)->dry_run) {
            try_id(matches, (*outgoing)->migration->id);
        }
    }
}

static const struct {
    const char *path; /* what a verb's path begins with */
    const char *what;
    void (*try_all)(const struct manager *m, struct matches *matches);
} kinds[] = {
    {"/v1/plans/{", "plan", try_plans},
    {"/v1/operations/{", "operation", try_operations},
    {"/v1/migrations/{", "migration", try_migrations},
};

int targets_find(struct manager *m, const struct verb *verb, const char *target,
                 char ret_id[TARGET_ID_SIZE], struct error *err)
{
    ret_id[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!str_starts(verb->path, kinds[i].path) || strlen(target) < SHORTEST) {
            continue;
        }
        struct matches matches = {.text = target};
        kinds[i].try_all(m, &matches);
        int r = 0;
        if (matches.n > 1 && !matches.exact) {
            r = error_set(err, REASON_INVALID, SUBJECT(kinds[i].what, target),
                          "\"%s\" is the beginning of %zu %ss", target, matches.n, kinds[i].what);
            error_hint(err, "one of %s%s", strbuf_str(&matches.shown),
                       matches.n > MOST_SHOWN ? ", …" : "");
        } else if (matches.n == 1) {
            str_copy(ret_id, TARGET_ID_SIZE, matches.first);
        }
        strbuf_done(&matches.shown);
        return r;
    }
    return 0;
}
