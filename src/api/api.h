/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API of cleaved: finds the route, checks query and body, takes the request to the door
 * and sends what is replied. api/openapi.yaml describes it. Loop thread only.
 */
#ifndef API_API_H
#define API_API_H

#include "base/attr.h"
#include "base/error.h"
#include "base/evloop.h"
#include "service/service.h"

struct api;

/* The sockets it listens on. */
struct api_listening {
    int fds[2];
    size_t n;
    char *path; /* of the Unix socket; NULL: none */
};

struct api_config {
    struct evloop *loop;
    const struct service *service; /* the door; must outlive the API */
    const char *socket_path;       /* NULL: none */
    const char *socket_group;      /* NULL: the process's own */
    const char *tcp_address;       /* "127.0.0.1:8080"; NULL: none */
    const char *host_names; /* what TCP clients may call this host, see origin_check(); NULL: "" */
    unsigned idle_s;        /* 0: default */
    struct api_listening *listening; /* of api_listen(): taken; NULL: api_new() listens */
};

/* Before there is a service: who connects waits. Done with it, or with what api_new() left of it.
 */
int api_listen(const struct api_config *config, struct api_listening *ret, struct error *err);
void api_listening_done(struct api_listening *listening);
int api_new(const struct api_config *config, struct api **ret_api, struct error *err);
/* Serves one connected stream socket, which is taken. */
void api_serve_connection(struct api *api, int fd);
/* Once the loop has ended: sends what was answered. NULL is fine. */
void api_flush(struct api *api);
/* Once the loop has ended, and after manager_free(): no reply may come any more. Removes the socket
 * file. */
void api_free(struct api *api);
DEFINE_FREEP(struct api *, api_free)

#endif
