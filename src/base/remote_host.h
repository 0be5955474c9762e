/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the names of other hosts lead. base/remote.h judges what is written; here is asked what a
 * name stands for now, since a name that leads to this host would open to others what only this
 * host reaches. It blocks for as long as the resolver does: workers only, never the loop.
 *
 * What ssh and libvirt connect to they resolve once more, a moment later. Who rules the name can
 * answer them otherwise; then the host's key or certificate, which no one but root can have left
 * unchecked, is what stops it, and with plain TCP nothing does (docs/howto/migration.md).
 */
#ifndef BASE_REMOTE_HOST_H
#define BASE_REMOTE_HOST_H

#include "base/remote.h"

struct addrinfo;

/* 0 for another host, and for what root wrote as this host itself (127.0.0.1, localhost, a path);
 * -PERMISSION for a name of which any address is this host's, its link's or a metadata service's,
 * and for an address that one of this host's interfaces has; -UNAVAILABLE for a name without an
 * address. With ssh the name is taken as ssh's configuration turns it (ssh_config(5): HostName);
 * behind a jump host or another command of that configuration it is not looked up here. HTTP is
 * judged where it connects: lib/client.h. */
int remote_host_check(const struct remote *remote, struct error *err);

/* The same of both ways of a migration: libvirt's URI, and where the data flows ("" or NULL:
 * libvirt chooses). What they may be at all was judged by who asked; here they are read with root's
 * rights.
 */
int remote_host_check_ways(const char *destination, const char *data, struct error *err);

/* The judgement alone, of what a resolver found for the name. */
int remote_host_judge(const char *name, const struct addrinfo *found, struct error *err);

/* Does the kernel deliver to this host what is sent there? Sends nothing. Any thread. */
bool remote_host_is_own(const struct sockaddr *address);

#endif
