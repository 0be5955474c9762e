/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/peer/peer_driver.h"

#include "base/json.h"
#include "base/str.h"
#include "driver/peer/link.h"
#include "lib/client.h"

/* What is asked is short; a host that can't even do that is not there. It may have to wait for a
 * look at its VMs, which a hook script can hold up for ten seconds. */
#define TIMEOUT_S 20L
#define OFFER_TIMEOUT_S 60L

struct peer_driver {
    struct peer_port port;
    struct client *client; /* the connection to `address` is kept between calls */
    char address[MIGRATION_URI_SIZE];
};

static struct peer_driver *driver_of(struct peer_port *port)
{
    return (struct peer_driver *)(void *)port;
}

static int connect_to(struct peer_driver *driver, const char *address, struct error *err)
{
    if (driver->client != NULL && str_eq(driver->address, address)) {
        return 0;
    }
    client_free(driver->client);
    driver->client = NULL;
    STR_SET(driver->address, address);
    return client_new_address(address, &driver->client, err);
}

static int ask(struct peer_port *port, const char *address, long timeout_s, const char *method,
               const char *path, const json_t *body, struct incoming **ret_incoming,
               struct error *err)
{
    struct peer_driver *driver = driver_of(port);
    CLEANUP_JSON json_t *answer = NULL;
    int r = connect_to(driver, address, err);
    if (r == 0) {
        client_set_timeout(driver->client, timeout_s);
        r = client_call(driver->client, method, path, body, &answer, err);
    }
    if (r == -REASON_UNAVAILABLE) { /* maybe it is only this connection */
        client_free(driver->client);
        driver->client = NULL;
    }
    if (r == 0) {
        r = incoming_from_json(json_object_get(answer, "incoming"), address, ret_incoming, err);
    }
    return r;
}

static int offer(struct peer_port *port, const char *address, const struct migration_offer *offer,
                 enum peer_offer what, struct incoming **ret_incoming, struct error *err)
{
    CLEANUP_JSON json_t *body = migration_offer_to_json(offer);
    return ask(port, address, OFFER_TIMEOUT_S, "POST",
               what == PEER_CHECK ? "/v1/incoming?dryRun=true" : "/v1/incoming", body, ret_incoming,
               err);
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

static uint64_t link_speed(struct peer_port *port, const char *destination)
{
    (void)port;
    return link_speed_to(destination);
}

static void peer_free(struct peer_port *port)
{
    if (port != NULL) {
        client_free(driver_of(port)->client);
        free(port);
    }
}

struct peer_port *peer_driver_new(void)
{
    static const struct peer_port_ops ops = {.offer = offer,
                                             .status = status,
                                             .commit = commit,
                                             .abort = abort_incoming,
                                             .link_speed = link_speed,
                                             .free = peer_free};
    struct peer_driver *driver = xcalloc(1, sizeof(*driver));
    driver->port.ops = &ops;
    return &driver->port;
}
