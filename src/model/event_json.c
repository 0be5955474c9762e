/* SPDX-License-Identifier: Apache-2.0 */
/* Schema Event in openapi.yaml. */
#include "model/event.h"
#include "schema/schema.h"

static const struct field event_fields[] = {
    FIELD_TEXT(struct event, author, "author", FACE_API),
    FIELD_STRING(struct event, kind, "kind", FACE_API),
    FIELD_STRING(struct event, message, "message", FACE_API),
    FIELD_COUNT(struct event, seq, "seq", FACE_API),
    FIELD_STRING(struct event, subject, "subject", FACE_API),
    FIELD_TIME(struct event, time_us, "time", FACE_API),
};
const struct schema event_schema = SCHEMA(event, event_fields);

json_t *event_to_json(const struct event *event)
{
    return schema_to_json(&event_schema, event, FACE_API);
}
