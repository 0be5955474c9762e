/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/watch: an exchange that follows the feed, as server-sent events. Loop thread only. */
#ifndef API_FEED_ANSWER_H
#define API_FEED_ANSWER_H

#include "api/http.h"
#include "feed/feed.h"

/* Answers: what the feed has of these kinds (a set of enum feed_kind), and then what changes, until
 * the client leaves. `last_id`: what its client had last; NULL: nothing. */
void feed_answer(struct http_exchange *exchange, struct feed *feed, unsigned kinds,
                 const char *last_id);

#endif
