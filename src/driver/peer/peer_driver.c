/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/peer/peer_driver.h"

#include <pthread.h>
#include <string.h>

#include "base/json.h"
#include "base/remote_host.h"
#include "base/str.h"
#include "driver/peer/link.h"
#include "lib/client.h"

/* The question is short; a host that can't even do that is not there. It may have to wait for a
 * look at its VMs, which a hook script can hold up for ten seconds. */
#define TIMEOUT_S 20L
#define OFFER_TIMEOUT_S 60L

/* Connections that wait for their next use, most recently used last. */
#define MAX_IDLE 16

struct idle {
    struct client *client;
    char address[MIGRATION_URI_SIZE];
};

struct peer_driver {
    struct peer_port port;
    pthread_mutex_t lock; /* of what is below; held for a moment only */
    struct idle idle[MAX_IDLE];
    size_t n_idle;
};

static struct peer_driver *driver_of(struct peer_port *port)
{
    return (struct peer_driver *)(void *)port;
}

static void forget(struct peer_driver *driver, size_t i)
{
    driver->n_idle--;
    memmove(&driver->idle[i], &driver->idle[i + 1], (driver->n_idle - i) * sizeof(*driver->idle));
}

/* NULL: there is none to that address. */
static struct client *take_idle(struct peer_driver *driver, const char *address)
{
    struct client *client = NULL;
    pthread_mutex_lock(&driver->lock);
    for (size_t i = 0; client == NULL && i < driver->n_idle; i++) {
        if (str_eq(driver->idle[i].address, address)) {
            client = driver->idle[i].client;
            forget(driver, i);
        }
    }
    pthread_mutex_unlock(&driver->lock);
    return client;
}

static void keep(struct peer_driver *driver, const char *address, struct client *client)
{
    struct client *oldest = NULL;
    pthread_mutex_lock(&driver->lock);
    if (driver->n_idle == MAX_IDLE) {
        oldest = driver->idle[0].client;
        forget(driver, 0);
    }
    struct idle *idle = &driver->idle[driver->n_idle++];
    *idle = (struct idle){.client = client};
    STR_SET(idle->address, address);
    pthread_mutex_unlock(&driver->lock);
    client_free(oldest);
}

static int ask(struct peer_port *port, const char *address, long timeout_s, const char *method,
               const char *path, const json_t *body, struct incoming **ret_incoming,
               struct error *err)
{
    struct peer_driver *driver = driver_of(port);
    CLEANUP_JSON json_t *answer = NULL;
    struct client *client = take_idle(driver, address);
    int r = client != NULL ? 0 : client_new_address(address, &client, err);
    if (r != 0) {
        return r;
    }
    client_set_timeout(client, timeout_s);
    r = client_call(client, method, path, body, &answer, err);
    if (r == -REASON_UNAVAILABLE) { /* maybe it is only this connection */
        client_free(client);
    } else {
        keep(driver, address, client);
    }
    if (r == 0) {
        r = incoming_from_json(json_object_get(answer, "incoming"), address, ret_incoming, err);
    }
    return r;
}

static int check_ways(struct peer_port *port, const char *destination, const char *data,
                      struct error *err)
{
    (void)port;
    return remote_host_check_ways(destination, data, err);
}

static int offer(struct peer_port *port, const char *address, const struct migration_offer *offer,
                 enum peer_offer what, struct incoming **ret_incoming, struct error *err)
{
    const char *path = what == PEER_CHECK ? "/v1/incoming?dryRun=true" : "/v1/incoming";
    CLEANUP_JSON json_t *body = migration_offer_to_json(offer);
    CLEANUP_JSON json_t *plain = migration_offer_to_plain_json(offer);
    int r = ask(port, address, OFFER_TIMEOUT_S, "POST", path, body, ret_incoming, err);
    if (r == -REASON_INVALID && plain != NULL) { /* maybe an older cleaved, which did nothing */
        r = ask(port, address, OFFER_TIMEOUT_S, "POST", path, plain, ret_incoming, err);
    }
    return r;
}

static int status(struct peer_port *port, const char *address, const char *id,
                  struct incoming **ret_incoming, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/incoming/", id, "");
    return ask(port, address, TIMEOUT_S, "GET", path, NULL, ret_incoming, err);
}

static int commit(struct peer_port *port, const char *address, const char *id,
                  struct incoming **ret_incoming, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/incoming/", id, "/commit");
    return ask(port, address, TIMEOUT_S, "POST", path, NULL, ret_incoming, err);
}

static int abort_incoming(struct peer_port *port, const char *address, const char *id,
                          struct incoming **ret_incoming, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/incoming/", id, "");
    return ask(port, address, TIMEOUT_S, "DELETE", path, NULL, ret_incoming, err);
}

static struct amount link_speed(struct peer_port *port, const char *destination)
{
    (void)port;
    return link_speed_to(destination);
}

static void peer_free(struct peer_port *port)
{
    if (port != NULL) {
        struct peer_driver *driver = driver_of(port);
        while (driver->n_idle > 0) {
            client_free(driver->idle[--driver->n_idle].client);
        }
        pthread_mutex_destroy(&driver->lock);
        free(driver);
    }
}

struct peer_port *peer_driver_new(void)
{
    static const struct peer_port_ops ops = {.check_ways = check_ways,
                                             .offer = offer,
                                             .status = status,
                                             .commit = commit,
                                             .abort = abort_incoming,
                                             .link_speed = link_speed,
                                             .free = peer_free};
    struct peer_driver *driver = xcalloc(1, sizeof(*driver));
    driver->port.ops = &ops;
    pthread_mutex_init(&driver->lock, NULL);
    return &driver->port;
}
