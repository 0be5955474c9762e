/* SPDX-License-Identifier: Apache-2.0 */
#include "base/remote_host.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"

#define ANY_PORT 9 /* nothing is sent */
#define SSH_TIMEOUT_MS 5000
#define CONFIG_MAX_LINES 512

static socklen_t set_port(struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        ((struct sockaddr_in *)(void *)address)->sin_port = htons(ANY_PORT);
        return sizeof(struct sockaddr_in);
    }
    ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons(ANY_PORT);
    return sizeof(struct sockaddr_in6);
}

static socklen_t copy_address(const struct sockaddr *from, struct sockaddr_storage *to)
{
    memset(to, 0, sizeof(*to));
    memcpy(to, from,
           from->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    return set_port(to);
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    const struct sockaddr_in *a4 = (const void *)a;
    const struct sockaddr_in *b4 = (const void *)b;
    const struct sockaddr_in6 *a6 = (const void *)a;
    const struct sockaddr_in6 *b6 = (const void *)b;
    if (a->ss_family != b->ss_family) {
        return false;
    }
    return a->ss_family == AF_INET
               ? a4->sin_addr.s_addr == b4->sin_addr.s_addr
               : memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

/* A datagram socket that is connected sends nothing, but has got the address that it would send
 * from: to an address of its own the kernel goes from that very address, or from the loopback's. */
bool remote_host_is_own(const struct sockaddr *address)
{
    struct sockaddr_storage to;
    struct sockaddr_storage from = {0};
    socklen_t from_size = sizeof(from);
    if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
        return true;
    }
    socklen_t size = copy_address(address, &to);
    int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool own = fd >= 0 && connect(fd, (const struct sockaddr *)&to, size) == 0 &&
               getsockname(fd, (struct sockaddr *)&from, &from_size) == 0 &&
               (same_host(&from, &to) || remote_is_local((const struct sockaddr *)&from));
    if (fd >= 0) {
        close(fd);
    }
    return own;
}

static int refuse_own(const char *name, const struct sockaddr *address, struct error *err)
{
    char text[INET6_ADDRSTRLEN] = "";
    const void *raw =
        address->sa_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr
            : &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    (void)inet_ntop(address->sa_family, raw, text, sizeof(text));
    if (str_eq(name, text)) {
        error_set(err, REASON_PERMISSION, "", "%s is an address of this host", name);
    } else {
        error_set(err, REASON_PERMISSION, "",
                  "\"%s\" leads to %s, an address of this host, its link or its cloud", name, text);
    }
    error_hint(err, "use a name that leads to the other host (`getent ahosts NAME`); root can name "
                    "this host itself as 127.0.0.1 or by a socket");
    return -REASON_PERMISSION;
}

int remote_host_judge(const char *name, const struct addrinfo *found, struct error *err)
{
    for (const struct addrinfo *one = found; one != NULL; one = one->ai_next) {
        if (remote_is_local(one->ai_addr) || remote_host_is_own(one->ai_addr)) {
            return refuse_own(name, one->ai_addr, err);
        }
    }
    return 0;
}

static int check_name(const char *name, struct error *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int r = getaddrinfo(name, NULL, &hints, &found);
    if (r != 0) {
        error_set(err, REASON_UNAVAILABLE, "", "\"%s\" has no address: %s", name, gai_strerror(r));
        error_hint(err, "check with `getent ahosts %s`", name);
        return -REASON_UNAVAILABLE;
    }
    r = remote_host_judge(name, found, err);
    freeaddrinfo(found);
    return r;
}

/* ---- what ssh makes of a name ---- */

struct ssh_way {
    char host[256];
    bool elsewhere; /* another host, or a command, connects to it */
};

static void read_line(const char *line, struct ssh_way *way)
{
    if (str_starts(line, "hostname ")) {
        STR_SET(way->host, line + strlen("hostname "));
    } else if (str_starts(line, "proxyjump ") || str_starts(line, "proxycommand ")) {
        way->elsewhere = way->elsewhere || !str_eq(strchr(line, ' ') + 1, "none");
    }
}

/* `ssh -G` prints the configuration for a host, and connects to nothing. It is given the user and
 * the port that ssh will be given: "Match user" goes by them. */
static int ask_ssh(const struct remote *remote, struct ssh_way *ret_way, struct error *err)
{
    const char *host = remote->host;
    const char *argv[9] = {"ssh", "-G"};
    size_t n_args = 2;
    if (remote->user[0] != '\0') {
        argv[n_args++] = "-l";
        argv[n_args++] = remote->user;
    }
    if (remote->port[0] != '\0') {
        argv[n_args++] = "-p";
        argv[n_args++] = remote->port;
    }
    argv[n_args++] = "--";
    argv[n_args] = host;
    CLEANUP_FREE char *output = NULL;
    int status = -1;
    int r = process_run(argv, SSH_TIMEOUT_MS, &status, &output);
    char *rest = output;
    for (int n = 0; r == 0 && status == 0 && rest != NULL && n < CONFIG_MAX_LINES; n++) {
        read_line(strsep(&rest, "\n"), ret_way);
    }
    if (ret_way->host[0] != '\0') {
        return 0;
    }
    error_set(err, REASON_UNAVAILABLE, "", "ssh does not say to which host \"%s\" leads", host);
    error_hint(err, "`ssh -G %s` should print its hostname, as root", host);
    return -REASON_UNAVAILABLE;
}

/* The address that a text is, in any spelling: an IPv4 address as IPv6 writes it (::ffff:192.0.2.7,
 * ::ffff:c000:207), too, and with an interface behind '%'. False for a name. */
static bool read_address(const char *text, struct in6_addr *out)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(text, NULL, &hints, &found) != 0) {
        return false;
    }
    if (found->ai_family == AF_INET6) {
        *out = ((const struct sockaddr_in6 *)(const void *)found->ai_addr)->sin6_addr;
    } else {
        const struct sockaddr_in *in = (const void *)found->ai_addr;
        *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&out->s6_addr[12], &in->sin_addr, sizeof(in->sin_addr));
    }
    freeaddrinfo(found);
    return true;
}

/* ssh writes an address that it is given in its own way: that is no configuration. */
static bool is_same_place(const char *a, const char *b)
{
    struct in6_addr one;
    struct in6_addr other;
    return str_eq_case(a, b) || (read_address(a, &one) && read_address(b, &other) &&
                                 memcmp(&one, &other, sizeof(one)) == 0);
}

/* What root wrote into ssh's configuration as an address, or as this host, is root's word. */
static int check_by_ssh(const struct remote *remote, struct error *err)
{
    struct ssh_way way = {0};
    unsigned char raw[sizeof(struct in6_addr)];
    int r = ask_ssh(remote, &way, err);
    if (r != 0 || way.elsewhere) {
        return r;
    }
    bool configured = !is_same_place(way.host, remote->host) &&
                      (remote_is_local_host(way.host) || inet_pton(AF_INET, way.host, raw) == 1 ||
                       inet_pton(AF_INET6, way.host, raw) == 1);
    return configured ? 0 : check_name(way.host, err);
}

int remote_host_check(const struct remote *remote, struct error *err)
{
    if (remote->host[0] == '\0' || remote->transport == REMOTE_HTTP ||
        remote_is_local_host(remote->host)) {
        return 0;
    }
    return remote->transport == REMOTE_SSH ? check_by_ssh(remote, err)
                                           : check_name(remote->host, err);
}

int remote_host_check_ways(const char *destination, const char *data, struct error *err)
{
    struct remote remote;
    int r = remote_read_destination(destination, REMOTE_FOR_ROOT, &remote, err);
    r = r != 0 ? r : remote_host_check(&remote, err);
    if (r == 0 && data != NULL && data[0] != '\0') {
        r = remote_read_data(data, REMOTE_FOR_ROOT, &remote, err);
        r = r != 0 ? r : remote_host_check(&remote, err);
    }
    return r;
}
