/* SPDX-License-Identifier: Apache-2.0 */
/* One line of history: what changed, by whom, about what. Numbered without gaps by the store. */
#ifndef MODEL_EVENT_H
#define MODEL_EVENT_H

#include <jansson.h>
#include <stdint.h>

#include "model/host.h"
#include "schema/schema.h"

struct event {
    uint64_t seq; /* set by the store */
    uint64_t time_us;
    /* "claim-created", "gpu-cordoned", "plan-done" …: a word of the one who writes it. Stored and
     * shown, so it never changes. "claim-renamed" is older than that: the claim's VM was. */
    char kind[32];
    char subject[ERROR_SUBJECT_SIZE]; /* "claim/web1", "gpu/0000:41:00.0" */
    char author[NAME_SIZE];
    char message[ERROR_TEXT_SIZE];
};

extern const struct schema event_schema;
json_t *event_to_json(const struct event *event);
json_t *event_to_stored_json(const struct event *event);
int event_from_stored_json(const json_t *json, struct event *ret_event, struct error *err);

#endif
