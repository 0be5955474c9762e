/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/remote.h"
#include "base/remote_host.h"
#include "base/str.h"
#include "lib/carrier.h"
#include "lib/local_socket.h"
#include "lib/reply.h"

#define CONNECT_TIMEOUT_S 5L
#define QUEUE_TIMEOUT_S 15L /* for a place in the queue of a Unix socket */
#define QUEUE_PAUSE_US 1000
#define US_PER_S UINT64_C(1000000)
#define WAIT_PERIOD_US 900000 /* a little less than libcurl's second */
#define MAX_PATH_LEN (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
/* The host part is never resolved: the socket stands for it. */
#define BASE_URL "http://localhost"

struct client {
    char *socket_path; /* "" when it is reached otherwise */
    char *base_url;
    char *name; /* for messages: the socket, or the address */
    struct carrier *carrier;
    long timeout_s;
    size_t max_reply;
    bool by_name;            /* over TCP, to a name that a resolver turns into an address */
    bool leads_home;         /* which was this host's, when it was connected to last */
    int reached;             /* after a failure, of the Unix socket: as local_socket_connect() */
    client_wait_fn *on_wait; /* NULL: nothing is said while it waits */
    void *wait_data;
    uint64_t wait_after_us, next_wait_us;
    CURL *curl;
};

struct reply {
    struct strbuf text;
    size_t max;
    bool too_large;
};

static struct client *make(const char *socket_path, const char *base_url, const char *name)
{
    struct client *client = xcalloc(1, sizeof(*client));
    client->socket_path = xstrdup(socket_path);
    client->base_url = xstrdup(base_url);
    client->name = xstrdup(name);
    client->timeout_s = CLIENT_TIMEOUT_S;
    client->max_reply = CLIENT_MAX_REPLY;
    client->curl = curl_easy_init();
    return client;
}

struct client *client_new(const char *socket_path)
{
    return make(socket_path, BASE_URL, socket_path);
}

int client_new_address(const char *address, struct client **ret_client, struct error *err)
{
    struct remote remote;
    int r = remote_read_peer(address, REMOTE_FOR_ROOT, &remote, err);
    if (r != 0) {
        return r;
    }
    if (remote.transport == REMOTE_SSH) {
        *ret_client = make("", BASE_URL, address);
        (*ret_client)->carrier = carrier_new(&remote);
    } else if (remote.transport == REMOTE_UNIX) {
        *ret_client = make(remote.path, BASE_URL, address);
    } else {
        bool bare = strchr(remote.host, ':') == NULL;
        CLEANUP_FREE char *url =
            xasprintf("http://%s%s%s%s%s", bare ? "" : "[", remote.host, bare ? "" : "]",
                      remote.port[0] == '\0' ? "" : ":", remote.port);
        unsigned char raw[sizeof(struct in6_addr)];
        *ret_client = make("", url, address);
        (*ret_client)->by_name = !str_eq(remote.host, "localhost") &&
                                 inet_pton(AF_INET, remote.host, raw) != 1 &&
                                 inet_pton(AF_INET6, remote.host, raw) != 1;
    }
    (*ret_client)->max_reply = CLIENT_MAX_PEER_REPLY;
    return 0;
}

void client_set_timeout(struct client *client, long timeout_s)
{
    client->timeout_s = timeout_s;
}

bool client_found_none(const struct client *client)
{
    return client->socket_path[0] != '\0' && local_socket_is_absent(client->reached);
}

void client_free(struct client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    carrier_free(client->carrier);
    free(client->base_url);
    free(client->name);
    free(client->socket_path);
    free(client);
}

void client_on_wait(struct client *client, unsigned after_ms, client_wait_fn *fn, void *data)
{
    client->on_wait = fn;
    client->wait_data = data;
    client->wait_after_us = (uint64_t)after_ms * 1000;
}

/* libcurl calls it about once a second, more often while data flows. */
static int on_progress(void *data, curl_off_t total, curl_off_t got, curl_off_t to_send,
                       curl_off_t sent)
{
    (void)total;
    (void)got;
    (void)to_send;
    (void)sent;
    struct client *client = data;
    if (clock_monotonic_us() >= client->next_wait_us) {
        client->next_wait_us = clock_monotonic_us() + WAIT_PERIOD_US;
        client->on_wait(client->wait_data);
    }
    return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *userdata)
{
    struct reply *reply = userdata;
    if (reply->text.len + size * n > reply->max) {
        reply->too_large = true;
        return 0;
    }
    strbuf_addn(&reply->text, data, size * n);
    return size * n;
}

static long queue_timeout_s(const struct client *client)
{
    return client->timeout_s < QUEUE_TIMEOUT_S ? client->timeout_s : QUEUE_TIMEOUT_S;
}

static int is_busy(const struct client *client, struct error *err)
{
    error_set(err, REASON_UNAVAILABLE, client->name,
              "cleaved on %s is busy: it runs, but did not accept the connection within %ld s",
              client->name, queue_timeout_s(client));
    error_hint(err, "try again; `ss -xp` shows which processes connect to it");
    return -REASON_UNAVAILABLE;
}

static int no_connection(const struct client *client, struct error *err)
{
    const char *path = client->socket_path;
    if (path[0] == '\0') {
        error_set(err, REASON_UNAVAILABLE, client->name, "cleaved does not answer at %s",
                  client->name);
        if (client->carrier != NULL) {
            carrier_explain(client->carrier, err);
        } else if (client->leads_home) {
            error_hint(err, "its name leads to an address of this host, its link or its cloud; if "
                            "you mean that address, write it instead of the name");
        } else {
            error_hint(err, "check that cleaved listens there (--listen)");
        }
        return -REASON_UNAVAILABLE;
    }
    if (access(path, F_OK) == 0 && access(path, R_OK | W_OK) != 0 && errno == EACCES) {
        error_set(err, REASON_PERMISSION, path,
                  "you have no permission to open cleaved's socket %s", path);
        error_hint(err, "use sudo, or join the group that owns the socket");
        return -REASON_PERMISSION;
    }
    if (client->reached == 0 || client->reached == -EAGAIN) {
        return is_busy(client, err);
    }
    error_set(err, REASON_UNAVAILABLE, path, "cleaved does not answer on %s", path);
    if (access(path, F_OK) == 0) {
        error_hint(err, "the socket exists, but no process serves it: cleaved does not run, or is "
                        "not ready yet (systemctl status cleaved)");
    } else {
        error_hint(err, "cleaved does not run, or is not ready yet (systemctl status cleaved). If "
                        "it uses another socket, give --socket or CLEAVE_SOCKET");
    }
    return -REASON_UNAVAILABLE;
}

static int transport_error(const struct client *client, CURLcode code, bool too_large,
                           struct error *err)
{
    bool cut = client->carrier != NULL &&
               (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || cut) {
        return no_connection(client, err);
    }
    if (too_large) {
        return error_set(err, REASON_INTERNAL, client->name,
                         "cleaved answered with more than %zu bytes", client->max_reply);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        error_set(err, REASON_UNAVAILABLE, client->name,
                  "cleaved on %s did not answer within %ld s", client->name, client->timeout_s);
        error_hint(err, "the request may still be carried out: see `cleave plan list`");
        return -REASON_UNAVAILABLE;
    }
    return error_set(err, REASON_UNAVAILABLE, client->name, "talking to cleaved on %s: %s",
                     client->name, curl_easy_strerror(code));
}

/* A name that leads to this host itself, its link, or a cloud's metadata is none of a peer's: who
 * answers for the name could make cleaved talk to what only this host reaches. */
static curl_socket_t open_to_name(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct client *client = data;
    (void)purpose;
    client->leads_home = remote_is_local(&address->addr) || remote_host_is_own(&address->addr);
    if (client->leads_home) {
        errno = EACCES;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Options that every request has; the handle is kept, and so is its connection. */
static void prepare(struct client *client, const char *method, const char *url, struct reply *reply)
{
    CURL *curl = client->curl;
    curl_easy_reset(curl);
    if (client->carrier != NULL) {
        carrier_prepare(client->carrier, curl);
    } else if (client->socket_path[0] != '\0') {
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket_path);
    }
    if (client->by_name) {
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_to_name);
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, client);
    }
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a VM may be named "." */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, client->timeout_s);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "cleave/" CLEAVE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    if (client->on_wait != NULL) {
        client->next_wait_us = clock_monotonic_us() + client->wait_after_us;
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, client);
    }
}

static int take_reply(const struct client *client, const struct reply *reply, json_t **ret_json,
                      struct error *err)
{
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    CLEANUP_JSON json_t *json = reply_parse(strbuf_str(&reply->text), reply->text.len);
    if (json == NULL) {
        error_set(err, REASON_UNAVAILABLE, client->name,
                  "the answer on %s is not JSON (HTTP status %ld)", client->name, status);
        error_hint(err, "check that cleaved serves this socket");
        return -REASON_UNAVAILABLE;
    }
    if (status >= 400) {
        return reply_problem(json, status, err);
    }
    if (status < 200 || status >= 300) { /* a redirection, say: cleaved never sends one */
        error_set(err, REASON_UNAVAILABLE, client->name,
                  "the answer on %s has HTTP status %ld, which cleaved never sends", client->name,
                  status);
        return -REASON_UNAVAILABLE;
    }
    *ret_json = TAKE_PTR(json);
    return 0;
}

/* What the socket itself says when a request failed, and libcurl can't tell: it connects without
 * waiting, and takes a full queue for a connection under way. */
static int reach(const struct client *client, uint64_t end_us)
{
    int fd = -1;
    uint64_t now_us = clock_monotonic_us();
    unsigned left_ms = now_us < end_us ? (unsigned)((end_us - now_us) / 1000) : 0;
    int r = local_socket_connect(client->socket_path, left_ms, &fd);
    if (fd >= 0) {
        (void)close(fd);
    }
    return r;
}

/* A request that found no place in the queue was not sent: it is sent again as long as there is
 * time and a process that serves the socket. */
static CURLcode perform(struct client *client)
{
    uint64_t end_us = clock_monotonic_us() + (uint64_t)queue_timeout_s(client) * US_PER_S;
    client->reached = 0;
    CURLcode code = curl_easy_perform(client->curl);
    if (client->socket_path[0] == '\0' || code == CURLE_OK || code == CURLE_OPERATION_TIMEDOUT) {
        return code;
    }
    client->reached = reach(client, end_us);
    while (code == CURLE_COULDNT_CONNECT && client->reached == 0 && clock_monotonic_us() < end_us) {
        (void)usleep(QUEUE_PAUSE_US);
        code = curl_easy_perform(client->curl);
        client->reached = code == CURLE_COULDNT_CONNECT ? reach(client, end_us) : 0;
    }
    return code;
}

int client_call(struct client *client, const char *method, const char *path, const json_t *body,
                json_t **ret_json, struct error *err)
{
    if (strlen(client->socket_path) > MAX_PATH_LEN) {
        return error_set(err, REASON_INVALID, client->socket_path,
                         "the path of a socket has at most %zu bytes", MAX_PATH_LEN);
    }
    CLEANUP_FREE char *url = xasprintf("%s%s", client->base_url, path);
    CLEANUP_FREE char *text = body == NULL ? NULL : json_text(body);
    struct reply reply = {.max = client->max_reply};
    prepare(client, method, url, &reply);
    /* No web page can send it without leave: see api/openapi.yaml. */
    struct curl_slist *headers = curl_slist_append(NULL, "Cleave-Client: " CLEAVE_VERSION);
    if (text != NULL) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, (long)strlen(text));
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = perform(client);
    curl_slist_free_all(headers);
    int result = code != CURLE_OK ? transport_error(client, code, reply.too_large, err)
                                  : take_reply(client, &reply, ret_json, err);
    strbuf_done(&reply.text);
    return result;
}

char *client_path(const char *collection, const char *name, const char *rest)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-._~:";
    struct strbuf path = {0};
    strbuf_add(&path, collection);
    for (const char *c = name; *c != '\0'; c++) {
        if (strchr(plain, *c) != NULL) {
            strbuf_addn(&path, c, 1);
        } else {
            strbuf_addf(&path, "%%%02X", (unsigned)(unsigned char)*c);
        }
    }
    strbuf_add(&path, rest);
    return strbuf_take(&path);
}
