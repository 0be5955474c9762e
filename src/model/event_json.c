/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encode.h"
#include "model/event.h"

json_t *event_to_json(const struct event *event)
{
    return json_pack("{s:I, s:o, s:s, s:s, s:o, s:s}", "seq", (json_int_t)event->seq, "time",
                     encode_time(event->time_us), "kind", event->kind, "subject", event->subject,
                     "author", encode_text(event->author), "message", event->message);
}
