/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encode.h"
#include "model/event.h"

json_t *event_to_json(const struct event *event)
{
    /* A thousand of them are an answer: json_pack() reads its format each time. */
    json_t *json = json_object();
    int r = json_object_set_new_nocheck(json, "author", encode_text(event->author));
    r |= json_object_set_new_nocheck(json, "kind", json_string(event->kind));
    r |= json_object_set_new_nocheck(json, "message", json_string(event->message));
    r |= json_object_set_new_nocheck(json, "seq", json_integer((json_int_t)event->seq));
    r |= json_object_set_new_nocheck(json, "subject", json_string(event->subject));
    r |= json_object_set_new_nocheck(json, "time", encode_time(event->time_us));
    if (r != 0) { /* no text, or no memory */
        json_decref(json);
        return NULL;
    }
    return json;
}
