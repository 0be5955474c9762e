/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/standin_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "api/http_head.h"
#include "api/http_status.h"
#include "api/problem.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "model/encode.h"

#define USECS_PER_S UINT64_C(1000000)
/* For a head to be whole, and then for its client to take the answer and leave. */
#define CLIENT_S 2
#define HEALTH "/v1/health"

struct standin_text standin_text_of(const char *state_dir, uint64_t since_us,
                                    enum standin_cause cause)
{
    static const char look_there[] =
        "check that disk (dmesg, df, mount); cleaved continues as soon as it answers";
    struct standin_text text = {
        .what = cause == STANDIN_LOOP ? "cleaved" : "store",
        .hint = cause == STANDIN_LOOP ? "try again; see `journalctl -u cleaved`" : look_there,
        .since_us = clock_realtime_of(since_us),
    };
    char at[32];
    (void)clock_format(text.since_us, at, sizeof(at));
    switch (cause) {
    case STANDIN_LOOP:
        str_print(text.message, sizeof(text.message),
                  "cleaved has been busy with one task since %.19sZ", at);
        break;
    case STANDIN_STORE:
        str_print(text.message, sizeof(text.message),
                  "cleaved can do nothing: the disk of its state directory %.256s has not answered "
                  "since %.19sZ",
                  state_dir, at);
        break;
    case STANDIN_START:
        str_print(text.message, sizeof(text.message),
                  "cleaved is starting: it has been opening the state in %.256s since %.19sZ",
                  state_dir, at);
        break;
    }
    return text;
}

/* ---- answers ---- */

static json_t *health_to_json(const struct standin_text *text)
{
    return json_pack("{s:s, s:s, s:[{s:s, s:s, s:o}], s:n, s:i, s:n}", "status", "degraded",
                     "version", CLEAVE_VERSION, "problems", "what", text->what, "text",
                     text->message, "since", encode_time(text->since_us), "turn", "waiting", 0,
                     "observedAt");
}

static json_t *refusal_to_json(const struct standin_text *text)
{
    struct error err = {0};
    error_set(&err, REASON_UNAVAILABLE, "cleaved", "%s", text->message);
    error_hint(&err, "%s", text->hint);
    return problem_to_json(HTTP_SERVICE_UNAVAILABLE, &err);
}

static bool is_health(const struct http_head *head)
{
    bool reads = str_eq(head->method, "GET") || str_eq(head->method, "HEAD");
    return reads && str_starts(head->target, HEALTH) &&
           (head->target[strlen(HEALTH)] == '\0' || head->target[strlen(HEALTH)] == '?');
}

static void send_answer(int fd, const struct http_head *head, const struct standin_text *text)
{
    bool health = is_health(head);
    CLEANUP_JSON json_t *json = health ? health_to_json(text) : refusal_to_json(text);
    CLEANUP_FREE char *body = json_text(json);
    CLEANUP_STRBUF struct strbuf out = {0};
    strbuf_addf(&out,
                "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                "Connection: close\r\n\r\n",
                HTTP_SERVICE_UNAVAILABLE, http_status_phrase(HTTP_SERVICE_UNAVAILABLE),
                health ? "application/json" : "application/problem+json", strlen(body) + 1);
    if (!str_eq(head->method, "HEAD")) {
        strbuf_addf(&out, "%s\n", body);
    }
    /* A new connection has room for it. */
    (void)!send(fd, out.text, out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
}

/* ---- clients ---- */

/* False: it is done with. */
static bool take_head(struct standin_client *client, const struct standin_text *text)
{
    struct error err = {0};
    struct http_head head;
    size_t len = 0;
    if (http_head_find(strbuf_str(&client->in), client->in.len, &client->scanned, &len, &err) !=
        0) {
        return false;
    }
    if (len == 0) {
        return client->in.len < HTTP_HEAD_MAX_BYTES;
    }
    client->in.text[len] = '\0'; /* what comes behind is thrown away */
    if (http_head_parse(client->in.text, len, &head, &err) != 0) {
        return false;
    }
    send_answer(client->fd, &head, text);
    strbuf_done(&client->in);
    client->answered = true;
    client->due_us = clock_monotonic_us() + CLIENT_S * USECS_PER_S;
    return true;
}

static bool read_request(struct standin_client *client, const struct standin_text *text)
{
    char buffer[HTTP_HEAD_MAX_BYTES];
    size_t room = client->answered ? sizeof(buffer) : sizeof(buffer) - client->in.len;
    ssize_t n = recv(client->fd, buffer, room, MSG_DONTWAIT);
    if (n <= 0) {
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    if (client->answered) {
        return true;
    }
    strbuf_addn(&client->in, buffer, (size_t)n);
    return take_head(client, text);
}

static void client_done(struct standin_client *client)
{
    close(client->fd);
    strbuf_done(&client->in);
}

size_t standin_clients_poll(const struct standin_clients *clients, struct pollfd *fds)
{
    for (size_t i = 0; i < clients->n; i++) {
        fds[i] = (struct pollfd){.fd = clients->items[i].fd, .events = POLLIN};
    }
    return clients->n;
}

void standin_clients_serve(struct standin_clients *clients, const struct pollfd *fds,
                           const struct standin_text *text)
{
    size_t kept = 0;
    for (size_t i = 0; i < clients->n; i++) {
        struct standin_client *client = &clients->items[i];
        bool stays = fds[i].revents == 0
                         ? clock_monotonic_us() < client->due_us
                         : clock_monotonic_us() < client->due_us && read_request(client, text);
        if (stays) {
            clients->items[kept++] = *client;
        } else {
            client_done(client);
        }
    }
    clients->n = kept;
}

void standin_clients_accept(struct standin_clients *clients, int listen_fd,
                            const struct standin_text *text)
{
    for (size_t i = 0; i < STANDIN_MAX_CLIENTS; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        if (clients->n == STANDIN_MAX_CLIENTS) {
            client_done(&clients->items[0]);
            memmove(&clients->items[0], &clients->items[1],
                    (STANDIN_MAX_CLIENTS - 1) * sizeof(clients->items[0]));
            clients->n--;
        }
        struct standin_client client = {.fd = fd,
                                        .due_us = clock_monotonic_us() + CLIENT_S * USECS_PER_S};
        if (read_request(&client, text)) {
            clients->items[clients->n++] = client;
        } else {
            client_done(&client);
        }
    }
}

void standin_clients_done(struct standin_clients *clients)
{
    for (size_t i = 0; i < clients->n; i++) {
        client_done(&clients->items[i]);
    }
    clients->n = 0;
}
