/* SPDX-License-Identifier: Apache-2.0 */
/* Against sockets of this process: a host that is silent, one that answers, one that sends us
 * elsewhere. */
#include "driver/peer/peer_driver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "base/parse.h"
#include "base/str.h"
#include "test.h"

struct server {
    int fd;
    unsigned port;
    char address[64];
    const char *answer; /* to the one request; NULL: it is accepted and read, and that is all */
    pthread_t thread;
    atomic_uint accepted;
    int client;
};

static void *serve(void *data)
{
    struct server *server = data;
    char request[4096];
    for (;;) {
        server->client = accept(server->fd, NULL, NULL);
        if (server->client < 0) {
            return NULL;
        }
        atomic_fetch_add(&server->accepted, 1);
        ssize_t got = read(server->client, request, sizeof(request));
        if (got > 0 && server->answer != NULL) {
            assert_int_equal(write(server->client, server->answer, strlen(server->answer)),
                             (ssize_t)strlen(server->answer));
            close(server->client);
        }
    }
}

static void server_bind(struct server *server)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof(in);
    *server = (struct server){.client = -1};
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (const struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(server->fd, 4), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&in, &size), 0);
    server->port = ntohs(in.sin_port);
    snprintf(server->address, sizeof(server->address), "http://127.0.0.1:%u", server->port);
}

static void server_open(struct server *server, const char *answer)
{
    server_bind(server);
    server->answer = answer;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_close(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR); /* wakes accept() */
    pthread_join(server->thread, NULL);
    close(server->fd);
}

static const char not_found[] = "HTTP/1.1 404 Not Found\r\nConnection: close\r\n"
                                "Content-Type: application/json\r\nContent-Length: 46\r\n\r\n"
                                "{\"reason\": \"not-found\", \"detail\": \"it is not\"}";

struct question {
    struct peer_port *peer;
    const char *address;
    atomic_bool answered;
    int result;
};

static void *ask(void *data)
{
    struct question *question = data;
    struct incoming *incoming = NULL;
    struct error err = {0};
    question->result =
        question->peer->ops->status(question->peer, question->address, "1", &incoming, &err);
    atomic_store(&question->answered, true);
    return NULL;
}

static bool was_called(void *data)
{
    return atomic_load(&((struct server *)data)->accepted) > 0;
}

static void a_silent_host_holds_up_no_question_to_another(void **state)
{
    (void)state;
    struct peer_port *peer = peer_driver_new();
    struct server silent;
    struct server other;
    pthread_t thread;
    server_open(&silent, NULL);
    server_open(&other, not_found);
    struct question slow = {.peer = peer, .address = silent.address};
    assert_int_equal(pthread_create(&thread, NULL, ask, &slow), 0);
    assert_true(await(was_called, &silent));
    for (int i = 0; i < 20; i++) {
        struct question quick = {.peer = peer, .address = other.address};
        (void)ask(&quick);
        assert_int_equal(quick.result, -REASON_NOT_FOUND);
    }
    assert_false(atomic_load(&slow.answered));
    server_close(&other);
    shutdown(silent.client, SHUT_RDWR);
    pthread_join(thread, NULL);
    assert_int_equal(slow.result, -REASON_UNAVAILABLE);
    close(silent.client);
    server_close(&silent);
    peer->ops->free(peer);
}

static void a_host_that_sends_us_elsewhere_is_not_followed(void **state)
{
    (void)state;
    struct peer_port *peer = peer_driver_new();
    struct server target;
    struct server sends;
    char redirect[256];
    server_open(&target, not_found);
    snprintf(redirect, sizeof(redirect),
             "HTTP/1.1 307 Temporary Redirect\r\nConnection: close\r\nLocation: %s/v1/host\r\n"
             "Content-Length: 2\r\n\r\n{}",
             target.address);
    server_open(&sends, redirect);
    struct question question = {.peer = peer, .address = sends.address};
    (void)ask(&question);
    assert_int_equal(question.result, -REASON_UNAVAILABLE);
    assert_int_equal(atomic_load(&target.accepted), 0);
    server_close(&sends);
    server_close(&target);
    peer->ops->free(peer);
}

/* Judged is the address that is connected to, whatever the name led to before. */
static void a_name_of_this_host_is_not_connected_to(void **state)
{
    (void)state;
    char host[200] = "";
    char address[256];
    struct addrinfo *found = NULL;
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    if (getaddrinfo(host, NULL, NULL, &found) != 0) {
        print_message("# skipped: the host's own name \"%s\" leads nowhere\n", host);
        return;
    }
    freeaddrinfo(found);
    struct peer_port *peer = peer_driver_new();
    struct server server;
    struct incoming *incoming = NULL;
    struct error err = {0};
    server_open(&server, not_found);
    snprintf(address, sizeof(address), "http://%s:%u", host, server.port);
    assert_int_equal(peer->ops->status(peer, address, "1", &incoming, &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.hint, "leads to an address of this host"));
    assert_int_equal(atomic_load(&server.accepted), 0);
    snprintf(address, sizeof(address), "qemu+tcp://%s/system", host);
    assert_int_equal(peer->ops->check_ways(peer, address, "", &err), -REASON_PERMISSION);
    server_close(&server);
    peer->ops->free(peer);
}

/* ---- an older host ---- */

static const char invalid[] =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
    "Content-Type: application/json\r\nContent-Length: 64\r\n\r\n"
    "{\"reason\": \"invalid-argument\", \"detail\": \"unknown key \\\"need\\\"\"}";

/* Requests whose bodies name a need, and the others. */
struct older {
    struct server server;
    unsigned with, without;
};

static bool read_request(int client, char *request, size_t size)
{
    size_t n = 0;
    for (;;) {
        ssize_t got = read(client, request + n, size - 1 - n);
        n += got > 0 ? (size_t)got : 0;
        request[n] = '\0';
        const char *body = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "Content-Length: ");
        uint32_t wanted = 0;
        char digits[16] = "";
        if (length != NULL) {
            const char *at = length + strlen("Content-Length: ");
            snprintf(digits, sizeof(digits), "%.*s", (int)strspn(at, "0123456789"), at);
        }
        if (body != NULL && parse_u32(digits, &wanted) && strlen(body + 4) >= wanted) {
            return true;
        }
        if (got <= 0) {
            return false;
        }
    }
}

static void *serve_older(void *data)
{
    struct older *older = data;
    static char request[64 * 1024];
    for (;;) {
        int client = accept(older->server.fd, NULL, NULL);
        if (client < 0) {
            return NULL;
        }
        if (read_request(client, request, sizeof(request))) {
            bool has = strstr(request, "\"need\"") != NULL || strstr(request, "\"typed\"") != NULL;
            older->with += has;
            older->without += !has;
            const char *answer = has ? invalid : not_found;
            assert_int_equal(write(client, answer, strlen(answer)), (ssize_t)strlen(answer));
        }
        close(client);
    }
}

/* The host refuses a key that it does not know, and is offered the claim without it. */
static void an_older_host_is_offered_claims_without_their_needs(void **state)
{
    (void)state;
    struct older older = {.with = 0};
    struct error err = {0};
    struct offer_claim claim = {.claim = {.spec = {.mode = CLAIM_TIME_SLICED, .start = NO_ID},
                                          .has_need = true,
                                          .need = {.memory_mib = 1024}}};
    struct migration_offer offer = {.claims = &claim, .n_claims = 1};
    struct incoming *incoming = NULL;
    struct peer_port *peer = peer_driver_new();
    STR_SET(claim.claim.name, "web1");
    server_bind(&older.server);
    assert_int_equal(pthread_create(&older.server.thread, NULL, serve_older, &older), 0);
    assert_int_equal(
        peer->ops->offer(peer, older.server.address, &offer, PEER_CHECK, &incoming, &err),
        -REASON_NOT_FOUND);
    claim.claim.has_need = false; /* nothing is left out, so a refusal is one */
    assert_int_equal(
        peer->ops->offer(peer, older.server.address, &offer, PEER_CHECK, &incoming, &err),
        -REASON_NOT_FOUND);
    server_close(&older.server);
    assert_int_equal(older.with, 1);
    assert_int_equal(older.without, 2);
    peer->ops->free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_host_holds_up_no_question_to_another),
        cmocka_unit_test(a_host_that_sends_us_elsewhere_is_not_followed),
        cmocka_unit_test(a_name_of_this_host_is_not_connected_to),
        cmocka_unit_test(an_older_host_is_offered_claims_without_their_needs),
    };
    return cmocka_run_group_tests_name("peer_driver", tests, NULL, NULL);
}
