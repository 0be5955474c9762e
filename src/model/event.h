/* SPDX-License-Identifier: Apache-2.0 */
/* One line of history: what changed, by whom, about what. Numbered without gaps by the store. */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/host.h"
#include "schema/schema.h"

/* What happened: see model/event.def. */
enum event_kind {
    EVENT_NONE, /* what is no event; it has no name */
#define EVENT_KIND(id, name, text) EVENT_##id,
#include "model/event.def"
#undef EVENT_KIND
    EVENT_KIND_COUNT
};

#define EVENT_KIND_SIZE 32

/* Static, as is the text: one sentence or more for people. */
const char *event_kind_name(enum event_kind kind);
const char *event_kind_text(enum event_kind kind);
/* By its name, exactly. False: no kind has it, or `name` is NULL. */
bool event_kind_find(const char *name, enum event_kind *ret_kind);
/* The one that a person may have meant, or NULL. */
const char *event_kind_nearest(const char *name);

struct event {
    uint64_t seq; /* set by the store */
    uint64_t time_us;
    /* An event_kind_name(); a newer cleaved may have stored one that this one does not know. */
    char kind[EVENT_KIND_SIZE];
    char subject[ERROR_SUBJECT_SIZE]; /* "claim/web1", "gpu/0000:41:00.0" */
    char author[NAME_SIZE];
    char message[ERROR_TEXT_SIZE];
};

extern const struct schema event_schema;
json_t *event_to_json(const struct event *event);
json_t *event_to_stored_json(const struct event *event);
int event_from_stored_json(const json_t *json, struct event *ret_event, struct error *err);

#endif
