/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_server.h"

#include <stdlib.h>
#include <string.h>

#include "api/socket.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/stopping.h"

static void exchange_free(struct http_exchange *exchange)
{
    if (exchange->attached_done != NULL) {
        exchange->attached_done(exchange->attached);
    }
    target_done(&exchange->request.target);
    strbuf_done(&exchange->body);
    free(exchange->head_text);
    free(exchange);
}

void exchange_release(struct http_exchange *exchange)
{
    if (exchange->conn == NULL && !exchange->waiting && !exchange->handling) {
        exchange_free(exchange);
    }
}

void exchange_await(struct http_exchange *exchange)
{
    struct http *http = exchange->http;
    exchange->waiting = true;
    exchange->next = http->waiting;
    if (http->waiting != NULL) {
        http->waiting->prev = exchange;
    }
    http->waiting = exchange;
    http->n_waiting++;
}

void exchange_answered(struct http_exchange *exchange)
{
    struct http *http = exchange->http;
    if (exchange->prev != NULL) {
        exchange->prev->next = exchange->next;
    } else {
        http->waiting = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->prev = exchange->prev;
    }
    exchange->prev = exchange->next = NULL;
    exchange->waiting = false;
    http->n_waiting--;
}

int exchange_stopping(struct error *err)
{
    error_set(err, REASON_UNAVAILABLE, STOPPING_SUBJECT, "cleaved is stopping");
    return HTTP_SERVICE_UNAVAILABLE;
}

static int check_length(const struct http_head *head, struct error *err)
{
    if (head->framing == HTTP_BODY_LENGTH && head->length > HTTP_MAX_BODY) {
        error_set(err, REASON_INVALID, "request body", "the body is larger than %d bytes",
                  HTTP_MAX_BODY);
        return HTTP_CONTENT_TOO_LARGE;
    }
    return 0;
}

int exchange_begin(struct conn *conn, size_t head_len, struct error *err)
{
    struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));
    exchange->http = conn->http;
    exchange->conn = conn;
    conn->exchange = exchange;
    exchange->head_text = xstrndup(conn->in.text, head_len);
    int status = http_head_parse(exchange->head_text, head_len, &exchange->head, err);
    if (exchange->head.method != NULL) {
        STR_SET(exchange->method, exchange->head.method);
    }
    status = status != 0 ? status : check_length(&exchange->head, err);
    if (status == 0 && target_parse(exchange->head.target, &exchange->request.target, err) != 0) {
        status = reason_http_status(err->reason);
    }
    return status;
}

void exchange_drop_text(struct http_exchange *exchange)
{
    exchange->request.content_type = NULL;
    exchange->request.author = "";
    exchange->request.body = "";
    exchange->request.body_len = 0;
    exchange->head = (struct http_head){0};
    strbuf_done(&exchange->body);
    free(TAKE_PTR(exchange->head_text));
}

void exchange_queue(struct http_exchange *exchange)
{
    struct conn *conn = exchange->conn;
    struct http *http = exchange->http;
    const struct http_config *config = &http->config;
    struct http_request *request = &exchange->request;
    request->method = exchange->method;
    request->content_type = http_head_field(&exchange->head, "Content-Type");
    request->body = strbuf_str(&exchange->body);
    request->body_len = exchange->body.len;
    request->author = conn->author;
    request->tcp = conn->tcp;
    request->root = conn->slot.user == 0;
    exchange->queued.urgent = config->urgent != NULL && config->urgent(request, config->data);
    if (http_queue_is_empty(&http->queue)) {
        (void)evloop_timer_set(http->queue_timer, 0);
    }
    http_queue_add(&http->queue, &exchange->queued, conn->slot.root, conn->slot.user);
}

void exchange_leave(struct http_exchange *exchange)
{
    http_queue_remove(&exchange->http->queue, &exchange->queued);
    exchange->conn->exchange = NULL;
    exchange->conn = NULL;
    exchange_release(exchange);
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
    return http_head_field(&exchange->head, name);
}

void http_exchange_attach(struct http_exchange *exchange, void *data, void (*done)(void *data))
{
    exchange->attached = data;
    exchange->attached_done = done;
}
