/* SPDX-License-Identifier: Apache-2.0 */
#include "api/feed_answer.h"

#include <stdlib.h>

#include "base/mem.h"

#define CONTENT_TYPE "text/event-stream"
#define PIECE_BYTES ((size_t)64 * 1024)

struct watcher {
    struct feed_reader *reader;
    struct conn *conn;
};

static void more(struct strbuf *out, void *data)
{
    const struct watcher *watcher = data;
    feed_read(watcher->reader, PIECE_BYTES, out);
}

static void left(void *data)
{
    struct watcher *watcher = data;
    feed_leave(watcher->reader);
    free(watcher);
}

static void wake(void *data)
{
    const struct watcher *watcher = data;
    http_stream_wake(watcher->conn);
}

void feed_answer(struct http_exchange *exchange, struct feed *feed, unsigned kinds,
                 const char *last_id)
{
    if (str_eq(http_exchange_request(exchange)->method, "HEAD")) {
        const struct http_response response = {
            .status = 200, .content_type = CONTENT_TYPE, .body = xstrdup("")};
        http_answer(exchange, response);
        return;
    }
    struct watcher *watcher = xcalloc(1, sizeof(*watcher));
    watcher->reader = feed_follow(feed, kinds, last_id, wake, watcher);
    const struct http_stream stream = {
        .content_type = CONTENT_TYPE, .more = more, .left = left, .data = watcher};
    watcher->conn = http_answer_stream(exchange, &stream);
    if (watcher->conn == NULL) {
        left(watcher);
    }
}
