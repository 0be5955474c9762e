/* SPDX-License-Identifier: Apache-2.0 */
/* Schema Event in openapi.yaml. */
#include "model/event.h"
#include "schema/schema.h"

static const struct field event_fields[] = {
    FIELD_TEXT(struct event, author, "author", FACE_KEPT),
    FIELD_STRING(struct event, kind, "kind", FACE_KEPT),
    FIELD_STRING(struct event, message, "message", FACE_KEPT),
    FIELD_COUNT(struct event, seq, "seq", FACE_KEPT),
    FIELD_STRING(struct event, subject, "subject", FACE_KEPT),
    FIELD_TIME(struct event, time_us, "time", FACE_API),
    FIELD_COUNT(struct event, time_us, "timeUs", FACE_STORE, .required = true),
};
const struct schema event_schema = SCHEMA(event, event_fields);

json_t *event_to_json(const struct event *event)
{
    return schema_to_json(&event_schema, event, FACE_API);
}

json_t *event_to_stored_json(const struct event *event)
{
    return schema_to_json(&event_schema, event, FACE_STORE);
}

int event_from_stored_json(const json_t *json, struct event *ret_event, struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "stored event", .face = FACE_STORE};
    return schema_parse(&event_schema, &in, ret_event, err);
}
