/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How another host is reached, as requests say it: libvirt's URI of it, the address of its cleaved,
 * and where a migration's data flows. Each is read by an allow-list: what is not in it is refused,
 * for libvirt's remote URIs can name programs and files (`command=`, `netcat=`, `keyfile=`:
 * https://libvirt.org/uri.html), and cleaved runs as root. Pure; any thread.
 */
#ifndef BASE_REMOTE_H
#define BASE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct sockaddr;

#define REMOTE_TEXT_SIZE 512 /* of what is read, with its end */

/* The asker's rights. Paths of this host's sockets, addresses of this host, plain HTTP, and hosts
 * that need not prove who they are (no_verify=1, known_hosts_verify=auto) are root's. */
enum remote_rights { REMOTE_FOR_ANYONE, REMOTE_FOR_ROOT };

enum remote_transport {
    REMOTE_UNIX, /* a socket of this host */
    REMOTE_SSH,  /* by the program ssh */
    REMOTE_LIBSSH,
    REMOTE_TLS,
    REMOTE_TCP,
    REMOTE_RDMA,
    REMOTE_HTTP,
};

struct remote {
    enum remote_transport transport;
    char user[64];  /* "" none */
    char host[256]; /* a name or an address, IPv6 without brackets; "" this host */
    char port[8];   /* decimal; "" the default */
    char path[256]; /* of a Unix socket; "" none or the default */
};

/* Each: 0, or -INVALID or -PERMISSION with a sentence and a hint; the subject is the caller's to
 * set. `ret_remote` may be NULL. */
/* qemu+ssh://[user@]host[:port]/system, qemu+tls, qemu+tcp, qemu+libssh, qemu+libssh2, qemu, and
 * for root qemu+unix:///system?socket=/path; with a few settings behind '?'. */
int remote_read_destination(const char *text, enum remote_rights rights, struct remote *ret_remote,
                            struct error *err);
/* ssh:[user@]host[:port]; for root http://host[:port] and unix:/path. */
int remote_read_peer(const char *text, enum remote_rights rights, struct remote *ret_remote,
                     struct error *err);
/* tcp://host[:port], rdma://host[:port]; for root unix:///path. */
int remote_read_data(const char *text, enum remote_rights rights, struct remote *ret_remote,
                     struct error *err);

/* Writes the address of the cleaved behind a destination over SSH; false for any other. */
bool remote_ssh_peer(const struct remote *destination, char *out, size_t size);

/* An address of this host, of the link, of many hosts, or one where clouds serve their machines'
 * metadata: none of another host's cleaved. */
bool remote_is_local(const struct sockaddr *address);

/* The same of a host as it is written: such an address, or a name that means this host wherever it
 * is asked (localhost, RFC 6761). What other names lead to: base/remote_host.h. */
bool remote_is_local_host(const char *host);

#endif
