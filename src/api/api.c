/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/feed_answer.h"
#include "api/http.h"
#include "api/index.h"
#include "api/origin.h"
#include "api/problem.h"
#include "api/routes.h"
#include "api/socket.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define MAX_EVENTS 1000
#define MAX_NAME 63
/* Requests without an answer, those whose clients left included: they cost memory until the host
 * answers. */
#define MAX_WAITING 4096
#define STATUS_OK 200
#define STATUS_ACCEPTED 202
#define STATUS_METHOD 405
#define STATUS_PRECONDITION 412
#define STATUS_MEDIA_TYPE 415

/* The text of a body that its maker gives out again. */
struct said {
    json_t *body; /* never changed while it is here; NULL: none */
    char *text;
};
#define KEPT_TEXTS 4

struct api {
    struct http *http;
    struct said said[KEPT_TEXTS];
    size_t next_said; /* to be replaced */
    const struct service *service;
    char *socket_path;
    char *host_names;
};

/* What a request needs until its reply; hangs on the exchange. */
struct pending {
    struct api *api;
    struct http_exchange *exchange;
    const struct verb *verb;
    struct caller caller;
    struct request request; /* points into this, and into the exchange */
    json_t *body;
    char *last_id; /* of a stream: what its client had last; NULL: nothing */
};

static void pending_done(void *data)
{
    struct pending *pending = data;
    json_decref(pending->body);
    free(pending->last_id);
    free(pending);
}

static struct http_response json_response(int status, const char *type, const json_t *json)
{
    CLEANUP_FREE char *text = json_text(json);
    return (struct http_response){
        .status = status,
        .content_type = type,
        .body = xasprintf("%s\n", text),
    };
}

/* Writing a long list takes longer than copying its text. */
static char *text_of(struct api *api, json_t *body)
{
    for (size_t i = 0; i < KEPT_TEXTS; i++) {
        if (api->said[i].body == body) {
            return xstrdup(api->said[i].text);
        }
    }
    CLEANUP_FREE char *text = json_text(body);
    char *line = xasprintf("%s\n", text);
    if (body->refcount > 1) { /* its maker keeps it, too */
        struct said *said = &api->said[api->next_said];
        api->next_said = (api->next_said + 1) % KEPT_TEXTS;
        json_decref(said->body);
        free(said->text);
        *said = (struct said){.body = json_incref(body), .text = xstrdup(line)};
    }
    return line;
}

static struct http_response problem_response(int status, const struct error *err)
{
    CLEANUP_JSON json_t *problem = problem_to_json(status, err);
    return json_response(status, "application/problem+json", problem);
}

static void answer_error(struct http_exchange *exchange, const struct error *err)
{
    http_answer(exchange, problem_response(reason_http_status(err->reason), err));
}

static void on_reply(json_t *body, const struct error *err, void *data)
{
    struct pending *pending = data;
    const struct http_request *request = http_exchange_request(pending->exchange);
    if (err != NULL) {
        if (err->reason == REASON_INTERNAL) {
            log_error("%s %s: %s", request->method, pending->verb->path, err->message);
        }
        answer_error(pending->exchange, err);
        return;
    }
    CLEANUP_JSON json_t *owned = body;
    if ((pending->verb->flags & IS_STREAM) != 0) {
        json_int_t kinds = json_integer_value(json_object_get(owned, "kinds"));
        feed_answer(pending->exchange, pending->api->service->feed, (unsigned)kinds,
                    pending->last_id);
        return;
    }
    bool changes = (pending->verb->flags & TAKES_DRY_RUN) != 0;
    bool runs = changes && !pending->request.dry_run && change_is_running(owned);
    const struct http_response response = {.status = runs ? STATUS_ACCEPTED : STATUS_OK,
                                           .content_type = "application/json",
                                           .body = text_of(pending->api, owned)};
    http_answer(pending->exchange, response);
}

static bool read_bool(const char *text, bool *ret_value)
{
    *ret_value = str_eq(text, "true");
    return *ret_value || str_eq(text, "false");
}

static int read_param(enum verb_flag flag, const char *value, struct request *ret,
                      struct error *err)
{
    uint64_t number = 0;
    switch (flag) {
    case TAKES_DRY_RUN:
        if (!read_bool(value, &ret->dry_run)) {
            return error_set(err, REASON_INVALID, "query dryRun",
                             "dryRun must be true or false, not \"%s\"", value);
        }
        return 0;
    case TAKES_GPU:
        if (value[0] == '\0' || strlen(value) > MAX_NAME) {
            return error_set(err, REASON_INVALID, "query gpu", "the query parameter gpu is empty");
        }
        ret->gpu = value;
        return 0;
    case TAKES_AFTER:
        if (!parse_u64(value, &ret->after) || ret->after > INT64_MAX) {
            return error_set(err, REASON_INVALID, "query after",
                             "after must be the number of an event, not \"%s\"", value);
        }
        return 0;
    case TAKES_BEFORE:
        if (!parse_u64(value, &ret->before) || ret->before == 0 || ret->before > INT64_MAX) {
            return error_set(err, REASON_INVALID, "query before",
                             "before is the number of an event, from 1, not \"%s\"", value);
        }
        return 0;
    case TAKES_NEWEST:
        if (!read_bool(value, &ret->newest)) {
            return error_set(err, REASON_INVALID, "query newest",
                             "newest is true or false, not \"%s\"", value);
        }
        return 0;
    case TAKES_SINCE:
        if (!clock_parse(value, &ret->since_us)) {
            return error_set(err, REASON_INVALID, "query since",
                             "since is a time such as 2026-11-21T05:30:12Z, not \"%s\"", value);
        }
        return 0;
    case TAKES_BEHIND:
        if (value[0] == '\0') {
            return error_set(err, REASON_INVALID, "query behind",
                             "the query parameter behind is empty");
        }
        ret->behind = value;
        return 0;
    case TAKES_LIMIT:
        if (!parse_u64(value, &number) || number == 0 || number > MAX_EVENTS) {
            return error_set(err, REASON_INVALID, "query limit",
                             "limit must be a number from 1 to %d, not \"%s\"", MAX_EVENTS, value);
        }
        ret->limit = (size_t)number;
        return 0;
    case TAKES_KIND:
        ret->kind = value;
        return 0;
    case TAKES_STATE:
        ret->state = value;
        return 0;
    case TAKES_SUBJECT:
        ret->subject = value;
        return 0;
    case TAKES_CHANGED:
        if (value[0] == '\0') {
            return error_set(err, REASON_INVALID, "query changedSince",
                             "the query parameter changedSince is empty");
        }
        ret->changed = value;
        return 0;
    case TAKES_MONTH:
        ret->month = value;
        return 0;
    case IS_URGENT:
    case IS_STREAM:
        break;
    }
    return 0;
}

static int unknown_param(const struct verb *verb, const char *key, struct error *err)
{
    const char *known[8];
    size_t n = 0;
    for (unsigned bit = TAKES_DRY_RUN; bit <= TAKES_LAST; bit <<= 1) {
        if ((verb->flags & bit) != 0) {
            known[n++] = verb_flag_name((enum verb_flag)bit);
        }
    }
    error_set(err, REASON_INVALID, "query", "%s %s has no query parameter \"%s\"", verb->method,
              verb->path, key);
    const char *nearest = str_nearest(key, known, n);
    if (nearest != NULL) {
        error_hint(err, "did you mean \"%s\"?", nearest);
    }
    return -REASON_INVALID;
}

static int read_query(const struct verb *verb, const struct target *target, struct request *ret,
                      struct error *err)
{
    ret->limit = MAX_EVENTS;
    for (size_t i = 0; i < target->n_query; i++) {
        const struct target_param *param = &target->query[i];
        unsigned bit = TAKES_DRY_RUN;
        while (bit <= TAKES_LAST && !str_eq(param->key, verb_flag_name((enum verb_flag)bit))) {
            bit <<= 1;
        }
        if ((verb->flags & bit) == 0) {
            return unknown_param(verb, param->key, err);
        }
        int result = read_param((enum verb_flag)bit, param->value, ret, err);
        if (result != 0) {
            return result;
        }
    }
    if (ret->behind != NULL && !ret->dry_run) {
        return error_set(err, REASON_INVALID, "query behind", "behind needs dryRun=true");
    }
    return 0;
}

/* "application/json", with or without a charset of UTF-8. */
static bool is_json(const char *content_type)
{
    if (content_type == NULL) {
        return false;
    }
    CLEANUP_FREE char *copy = xstrdup(content_type);
    char *rest = copy;
    char *type = str_trim(strsep(&rest, ";"));
    if (!str_eq_case(type, "application/json")) {
        return false;
    }
    const char *param = rest == NULL ? "" : str_trim(rest);
    return param[0] == '\0' || str_eq_case(param, "charset=utf-8") ||
           str_eq_case(param, "charset=\"utf-8\"");
}

/* Returns the status to refuse with, or 0. */
static int read_body(const struct http_request *request, struct pending *pending, struct error *err)
{
    const struct verb *verb = pending->verb;
    if (request->body_len == 0) {
        if (verb->has_body != BODY_NEEDED) {
            return 0;
        }
        error_set(err, REASON_INVALID, "request body", "%s %s needs a JSON body", verb->method,
                  verb->path);
        return reason_http_status(REASON_INVALID);
    }
    if (verb->has_body == BODY_NONE) {
        error_set(err, REASON_INVALID, "request body", "%s %s takes no body", verb->method,
                  verb->path);
        return reason_http_status(REASON_INVALID);
    }
    if (!is_json(request->content_type)) {
        error_set(err, REASON_INVALID, "request", "the body must be application/json, not %s",
                  request->content_type == NULL ? "a body without a type" : request->content_type);
        return STATUS_MEDIA_TYPE;
    }
    if (json_read(request->body, request->body_len, "request body", &pending->body, err) != 0) {
        return reason_http_status(err->reason);
    }
    pending->request.json = pending->body;
    return 0;
}

static void answer_unknown(struct http_exchange *exchange, enum route_found found,
                           const char *allow)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct error err = {0};
    if (found == ROUTE_NO_METHOD) {
        error_set(&err, REASON_INVALID, "request", "this path does not serve %s, only %s",
                  request->method, allow);
        struct http_response response = problem_response(STATUS_METHOD, &err);
        response.allow = allow;
        http_answer(exchange, response);
        return;
    }
    error_set(&err, REASON_NOT_FOUND, "request", "this API has no such path");
    error_hint(&err,
               "GET / lists them all, and GET /openapi.yaml describes them; they start with /v1/");
    answer_error(exchange, &err);
}

/* Objects have no entity tags here, so none can be the one that is asked for (RFC 9110, 13.1.1): a
 * client that counts on it must not see its change carried out. */
static bool is_conditional(struct http_exchange *exchange, const struct verb *verb)
{
    const char *tag = http_exchange_header(exchange, "If-Match");
    struct error err = {0};
    if (tag == NULL || str_eq(tag, "*") || str_eq(verb->method, "GET")) {
        return false;
    }
    error_set(&err, REASON_CONFLICT, "request",
              "If-Match can't be met: objects of this API have no entity tags");
    error_hint(&err, "leave it out; dryRun=true shows what a change would do");
    http_answer(exchange, problem_response(STATUS_PRECONDITION, &err));
    return true;
}

static int check_name(const struct verb *verb, const char *name, struct error *err)
{
    size_t max = str_starts(verb->path, "/v1/vms/") ? VM_NAME_SIZE - 1 : MAX_NAME;
    if (name != NULL && strlen(name) > max) {
        return error_set(err, REASON_INVALID, "request target",
                         "a name may have at most %zu bytes, and this one has %zu", max,
                         strlen(name));
    }
    return 0;
}

static int check_origin(const struct api *api, const struct http_exchange *exchange,
                        struct error *err)
{
    const struct http_request *request = http_exchange_request(exchange);
    const struct origin from = {
        .tcp = request->tcp,
        .host = http_exchange_header(exchange, "Host"),
        .origin = http_exchange_header(exchange, "Origin"),
        .fetch_site = http_exchange_header(exchange, "Sec-Fetch-Site"),
        .client = http_exchange_header(exchange, ORIGIN_CLIENT_HEADER),
    };
    bool reads = str_eq(request->method, "GET") || str_eq(request->method, "HEAD");
    return origin_check(&from, api->host_names, !reads && !is_json(request->content_type), err);
}

/* Requests that are answered at once, and libvirt's hook, which a VM waits for, always come in. */
static bool is_too_many(const struct api *api, const struct verb *verb, struct error *err)
{
    if (http_waiting(api->http) <= MAX_WAITING || (verb->flags & IS_URGENT) != 0) {
        return false;
    }
    error_set(err, REASON_UNAVAILABLE, "cleaved",
              "%d requests wait for an answer already, which is cleaved's limit", MAX_WAITING);
    error_hint(err, "something on this host hangs: see `journalctl -u cleaved`");
    return true;
}

static bool is_urgent(const struct http_request *request, void *data UNUSED)
{
    const struct verb *verb = NULL;
    const char *name = NULL;
    const char *allow = NULL;
    return routes_find(request->method, &request->target, &verb, &name, &allow) == ROUTE_FOUND &&
           (verb->flags & IS_URGENT) != 0;
}

static void on_request(struct http_exchange *exchange, void *data)
{
    struct api *api = data;
    const struct http_request *request = http_exchange_request(exchange);
    struct error err = {0};
    if (check_origin(api, exchange, &err) != 0) {
        answer_error(exchange, &err);
        return;
    }
    const struct verb *verb = NULL;
    const char *name = NULL;
    const char *allow = NULL;
    enum route_found found = routes_find(request->method, &request->target, &verb, &name, &allow);
    struct http_response index;
    if (found == ROUTE_NO_PATH && index_answer(request, &index)) {
        http_answer(exchange, index);
        return;
    }
    if (found != ROUTE_FOUND) {
        answer_unknown(exchange, found, allow);
        return;
    }
    if (is_conditional(exchange, verb)) {
        return;
    }
    if (is_too_many(api, verb, &err)) {
        answer_error(exchange, &err);
        return;
    }
    struct pending *pending = xcalloc(1, sizeof(*pending));
    http_exchange_attach(exchange, pending, pending_done);
    pending->exchange = exchange;
    pending->api = api;
    pending->verb = verb;
    pending->caller.roles = request->root ? ROLES_ALL : ROLES_CONNECTED;
    STR_SET(pending->caller.author, request->author);
    pending->request = (struct request){
        .caller = &pending->caller, .target = name, .reply = on_reply, .data = pending};
    if (check_name(verb, name, &err) != 0 ||
        read_query(verb, &request->target, &pending->request, &err) != 0) {
        answer_error(exchange, &err);
        return;
    }
    int status = read_body(request, pending, &err);
    if (status != 0) {
        http_answer(exchange, problem_response(status, &err));
        return;
    }
    const char *last_id = http_exchange_header(exchange, "Last-Event-ID");
    pending->last_id = last_id == NULL ? NULL : xstrdup(last_id);
    service_call(api->service, verb->id, &pending->request);
}

int api_listen(const struct api_config *config, struct api_listening *ret, struct error *err)
{
    *ret = (struct api_listening){0};
    int result = 0;
    if (config->socket_path != NULL) {
        result = socket_listen_unix(config->socket_path, config->socket_group, &ret->fds[0], err);
        ret->n += result == 0;
        ret->path = result == 0 ? xstrdup(config->socket_path) : NULL;
    }
    if (result == 0 && config->tcp_address != NULL) {
        result = socket_listen_tcp(config->tcp_address, &ret->fds[ret->n], err);
        ret->n += result == 0;
    }
    if (result != 0) {
        api_listening_done(ret);
    } else if (config->tcp_address != NULL) {
        char served[SOCKET_ADDRESS_SIZE] = "";
        socket_address(ret->fds[ret->n - 1], served);
        log_warning("cleaved serves TCP on %s without authentication: every user and program on "
                    "this host has root's rights over its GPUs and VMs",
                    served);
    }
    return result;
}

/* The file goes first: once its socket is closed, another cleaved may take its place. */
void api_listening_done(struct api_listening *listening)
{
    if (listening->path != NULL) {
        (void)unlink(listening->path);
    }
    for (size_t i = 0; i < listening->n; i++) {
        close(listening->fds[i]);
    }
    free(listening->path);
    *listening = (struct api_listening){0};
}

static int serve_all(struct api *api, struct api_listening *listening, struct error *err)
{
    api->socket_path = TAKE_PTR(listening->path);
    int result = 0;
    while (result == 0 && listening->n > 0) {
        result = http_serve(api->http, listening->fds[--listening->n], err);
    }
    return result;
}

int api_new(const struct api_config *config, struct api **ret_api, struct error *err)
{
    CLEANUP(api_freep) struct api *api = xcalloc(1, sizeof(*api));
    api->service = config->service;
    api->host_names = xstrdup(config->host_names == NULL ? "" : config->host_names);
    const struct http_config http = {
        .loop = config->loop,
        .idle_s = config->idle_s,
        .handle = on_request,
        .refuse = problem_response,
        .urgent = is_urgent,
        .data = api,
    };
    api->http = http_new(&http);
    if (api->http == NULL) {
        return error_set(err, REASON_INTERNAL, "http", "cleaved can't create timers");
    }
    struct api_listening own = {0};
    struct api_listening *listening = config->listening != NULL ? config->listening : &own;
    int result = config->listening != NULL ? 0 : api_listen(config, &own, err);
    result = result != 0 ? result : serve_all(api, listening, err);
    if (result == 0) {
        *ret_api = TAKE_PTR(api);
    }
    api_listening_done(&own);
    return result;
}

void api_serve_connection(struct api *api, int fd)
{
    http_serve_connection(api->http, fd);
}

void api_flush(struct api *api)
{
    if (api != NULL) {
        http_flush(api->http);
    }
}

void api_free(struct api *api)
{
    if (api == NULL) {
        return;
    }
    if (api->socket_path != NULL) {
        (void)unlink(api->socket_path); /* before it is closed, as in api_listening_done() */
    }
    http_free(TAKE_PTR(api->http));
    for (size_t i = 0; i < KEPT_TEXTS; i++) {
        json_decref(api->said[i].body);
        free(api->said[i].text);
    }
    free(api->socket_path);
    free(api->host_names);
    free(api);
}
