/* SPDX-License-Identifier: Apache-2.0 */
#include "base/remote.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/parse.h"
#include "base/str.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define MAX_LABEL 63
#define MAX_HOST_NAME 253
#define SYSTEM_PATH "/system"
#define MAX_PARAMS 8

/* ---- addresses ---- */

struct network {
    unsigned char prefix[16];
    unsigned bits;
};

/* IANA's special-purpose registries (RFC 6890), and clouds' metadata services: 169.254.169.254 is
 * in the link-local network, 100.100.100.200 is Alibaba Cloud's, 192.0.0.192 Oracle's (classic). */
static const struct network local4[] = {
    {{0}, 8},         {{100, 100, 100, 200}, 32}, {{127}, 8},
    {{169, 254}, 16}, {{192, 0, 0}, 24},          {{224}, 4},
    {{240}, 4},
};
/* fd00:ec2::254 is Amazon's metadata service. */
static const struct network local6[] = {
    {{0}, 128},
    {{[15] = 1}, 128},
    {{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54}, 128},
    {{0xfe, 0x80}, 10},
    {{0xff}, 8},
};
/* IPv6 addresses that carry an IPv4 one: mapped, compatible, translated (RFC 2765), NAT64, 6to4. */
static const struct {
    struct network network;
    size_t at; /* of the IPv4 address in it */
} carries4[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96}, 12},
    {{{0}, 96}, 12},
    {{{[8] = 0xff, [9] = 0xff}, 96}, 12},
    {{{0x00, 0x64, 0xff, 0x9b}, 96}, 12},
    {{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48}, 12},
    {{{0x20, 0x02}, 16}, 2},
};

static bool is_in(const struct network *network, const unsigned char *address)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    unsigned mask = rest == 0 ? 0 : (0xffU << (8 - rest)) & 0xffU;
    return memcmp(network->prefix, address, whole) == 0 &&
           (rest == 0 || ((network->prefix[whole] ^ address[whole]) & mask) == 0);
}

static bool is_local4(const unsigned char *address)
{
    for (size_t i = 0; i < ARRAY_SIZE(local4); i++) {
        if (is_in(&local4[i], address)) {
            return true;
        }
    }
    return false;
}

static bool is_local6(const unsigned char *address)
{
    for (size_t i = 0; i < ARRAY_SIZE(local6); i++) {
        if (is_in(&local6[i], address)) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(carries4); i++) {
        if (is_in(&carries4[i].network, address) && is_local4(address + carries4[i].at)) {
            return true;
        }
    }
    return false;
}

bool remote_is_local(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        return is_local4((const unsigned char *)&in->sin_addr);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
        return is_local6((const unsigned char *)&in6->sin6_addr);
    }
    return true;
}

/* ---- one piece of text each ---- */

/* A text that is read, and the rest of it. */
struct text {
    const char *whole;
    const char *at;
    const char *what;  /* "a URI of libvirt's" */
    const char *forms; /* for the hint */
    enum remote_rights rights;
    struct error *err;
};

static int refuse(const struct text *text, const char *why)
{
    error_set(text->err, REASON_INVALID, "", "\"%s\" is no %s: %s", text->whole, text->what, why);
    error_hint(text->err, "%s", text->forms);
    return -REASON_INVALID;
}

static int refuse_rights(const struct text *text, const char *what)
{
    error_set(text->err, REASON_PERMISSION, "", "\"%s\" names %s, which only root may do",
              text->whole, what);
    error_hint(text->err, "send the request as root, or %s", text->forms);
    return -REASON_PERMISSION;
}

/* Takes characters of `plain` up to one of `ends` or the end; false if there is another one, or too
 * many. */
static bool take(struct text *text, const char *plain, const char *ends, char *out, size_t size)
{
    size_t n = strspn(text->at, plain);
    if ((text->at[n] != '\0' && strchr(ends, text->at[n]) == NULL) || n >= size) {
        return false;
    }
    memcpy(out, text->at, n);
    out[n] = '\0';
    text->at += n;
    return true;
}

static bool take_word(struct text *text, const char *word)
{
    bool there = str_starts(text->at, word);
    text->at += there ? strlen(word) : 0;
    return there;
}

/* Labels of letters, digits, '-' and '_'. One whose last label is a number is an address, and then
 * only in four plain numbers: 127.1, 0x7f000001 and 2130706433 are 127.0.0.1 for inet_aton(3). */
static bool is_host_name(const char *host)
{
    if (strlen(host) > MAX_HOST_NAME) {
        return false;
    }
    const char *label = host;
    for (;;) {
        size_t n = strcspn(label, ".");
        if (n == 0 || n > MAX_LABEL || label[0] == '-' || label[n - 1] == '-') {
            return false;
        }
        if (label[n] == '\0') {
            break;
        }
        label += n + 1;
    }
    bool number = strspn(label, DIGITS) == strlen(label) || str_starts(label, "0x") ||
                  str_starts(label, "0X");
    struct in_addr address;
    return !number || inet_pton(AF_INET, host, &address) == 1;
}

bool remote_is_local_host(const char *host)
{
    unsigned char address[16];
    if (inet_pton(AF_INET, host, address) == 1) {
        return is_local4(address);
    }
    if (inet_pton(AF_INET6, host, address) == 1) {
        return is_local6(address);
    }
    const char *last = strrchr(host, '.');
    return str_eq_case(last == NULL ? host : last + 1, "localhost");
}

/* "host", "10.0.0.2" or "[fd00::2]". */
static int take_host(struct text *text, struct remote *remote)
{
    bool good = false;
    if (take_word(text, "[")) {
        unsigned char address[16];
        good = take(text, DIGITS "abcdefABCDEF:.", "]", remote->host, sizeof(remote->host)) &&
               take_word(text, "]") && inet_pton(AF_INET6, remote->host, address) == 1;
    } else {
        good = take(text, LETTERS DIGITS "-_.", ":/?", remote->host, sizeof(remote->host)) &&
               is_host_name(remote->host);
    }
    if (!good) {
        return refuse(text,
                      "its host must be a name, an IPv4 address, or an IPv6 address in brackets");
    }
    if (text->rights != REMOTE_FOR_ROOT && remote_is_local_host(remote->host)) {
        return refuse_rights(text, "an address of this host or its link");
    }
    return 0;
}

static int take_port(struct text *text, struct remote *remote)
{
    uint32_t number = 0;
    if (!take_word(text, ":")) {
        return 0;
    }
    if (!take(text, DIGITS, "/?", remote->port, sizeof(remote->port)) || remote->port[0] == '0' ||
        !parse_u32(remote->port, &number) || number == 0 || number > UINT16_MAX) {
        return refuse(text, "a port must be a number from 1 to 65535");
    }
    return 0;
}

/* "user@", where there is one. */
static int take_user(struct text *text, struct remote *remote)
{
    const char *at = text->at + strcspn(text->at, "@/?");
    if (*at != '@') {
        return 0;
    }
    bool good = take(text, LETTERS DIGITS "-_.", "@", remote->user, sizeof(remote->user)) &&
                take_word(text, "@") && remote->user[0] != '\0' && remote->user[0] != '-';
    if (good && remote->transport != REMOTE_SSH && remote->transport != REMOTE_LIBSSH) {
        return refuse(text, "only ssh addresses can have a user");
    }
    return good ? 0 : refuse(text, "a user may have letters, digits, '-', '_' and '.'");
}

static int take_authority(struct text *text, struct remote *remote)
{
    int r = take_user(text, remote);
    r = r != 0 ? r : take_host(text, remote);
    return r != 0 ? r : take_port(text, remote);
}

/* Of a Unix socket: absolute, and plain all through. */
static int take_path(struct text *text, const char *ends, struct remote *remote)
{
    if (text->rights != REMOTE_FOR_ROOT) {
        return refuse_rights(text, "a socket of this host");
    }
    if (text->at[0] != '/' ||
        !take(text, LETTERS DIGITS "-_./+=,:", ends, remote->path, sizeof(remote->path)) ||
        strstr(remote->path, "/../") != NULL || str_ends(remote->path, "/..")) {
        return refuse(text, "a path must be absolute, with plain characters and without ..");
    }
    return 0;
}

static int check_end(const struct text *text)
{
    return text->at[0] == '\0' ? 0 : refuse(text, "it must end after the port");
}

static int begin(const struct text *text)
{
    if (strlen(text->whole) >= REMOTE_TEXT_SIZE) {
        return refuse(text, "it is too long");
    }
    return 0;
}

/* ---- destinations ---- */

#define BIT(transport) (1U << (transport))
#define BY_SSH (BIT(REMOTE_SSH) | BIT(REMOTE_LIBSSH))

/* Settings that may stand behind '?', and what each may say. No value names a program or a file.
 * That the host proves who it is, only root can do without. */
static const struct {
    const char *key;
    unsigned transports;
    const char *values[5];
    const char *roots; /* a value that is root's */
} params[] = {
    {"known_hosts_verify", BIT(REMOTE_LIBSSH), {"normal"}, "auto"},
    {"mode", BY_SSH | BIT(REMOTE_UNIX), {"auto", "direct", "legacy"}, NULL},
    {"no_tty", BIT(REMOTE_SSH), {"0", "1"}, NULL},
    {"no_verify", BIT(REMOTE_SSH) | BIT(REMOTE_TLS), {"0"}, "1"},
    {"proxy", BY_SSH, {"auto", "netcat", "native"}, NULL},
    {"sshauth", BIT(REMOTE_LIBSSH), {"agent", "privkey", "agent,privkey"}, NULL},
};

static const struct {
    const char *prefix;
    enum remote_transport transport;
} schemes[] = {
    {"qemu://", REMOTE_TLS},           {"qemu+ssh://", REMOTE_SSH},
    {"qemu+libssh://", REMOTE_LIBSSH}, {"qemu+libssh2://", REMOTE_LIBSSH},
    {"qemu+tls://", REMOTE_TLS},       {"qemu+tcp://", REMOTE_TCP},
    {"qemu+unix://", REMOTE_UNIX},
};

static bool is_roots(size_t param, const char *value)
{
    return params[param].roots != NULL && str_eq(params[param].roots, value);
}

static bool value_allowed(size_t param, enum remote_transport transport, const char *value)
{
    if ((params[param].transports & BIT(transport)) == 0) {
        return false;
    }
    if (is_roots(param, value)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(params[param].values); i++) {
        if (params[param].values[i] != NULL && str_eq(params[param].values[i], value)) {
            return true;
        }
    }
    return false;
}

static int take_param(struct text *text, struct remote *remote, unsigned *seen)
{
    char key[32];
    char value[32];
    if (!take(text, LETTERS DIGITS "_", "=", key, sizeof(key)) || !take_word(text, "=")) {
        return refuse(text, "after ? there must be KEY=VALUE pairs, separated by &");
    }
    if (str_eq(key, "socket") && remote->transport == REMOTE_UNIX && remote->path[0] == '\0') {
        return take_path(text, "&", remote);
    }
    for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
        if (str_eq(params[i].key, key) && (*seen & (1U << i)) == 0 &&
            take(text, LETTERS DIGITS ",", "&", value, sizeof(value)) &&
            value_allowed(i, remote->transport, value)) {
            *seen |= 1U << i;
            return text->rights != REMOTE_FOR_ROOT && is_roots(i, value)
                       ? refuse_rights(text, "a host that need not prove its identity")
                       : 0;
        }
    }
    return refuse(text, "after ? only mode, proxy, no_tty, no_verify, sshauth and "
                        "known_hosts_verify are allowed, each once and with its plain values");
}

static int take_params(struct text *text, struct remote *remote)
{
    unsigned seen = 0;
    bool more = take_word(text, "?");
    for (int n = 0; more && n < MAX_PARAMS; n++) {
        int r = take_param(text, remote, &seen);
        if (r != 0) {
            return r;
        }
        more = take_word(text, "&");
    }
    return check_end(text);
}

static bool take_scheme(struct text *text, struct remote *remote)
{
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (take_word(text, schemes[i].prefix)) {
            remote->transport = schemes[i].transport;
            return true;
        }
    }
    return false;
}

int remote_read_destination(const char *whole, enum remote_rights rights, struct remote *ret_remote,
                            struct error *err)
{
    struct text text = {
        whole,
        whole,
        "URI of libvirt",
        "write qemu+ssh://host/system, qemu+tls://host/system or qemu+tcp://host/system",
        rights,
        err};
    struct remote remote = {0};
    int r = begin(&text);
    if (r == 0 && !take_scheme(&text, &remote)) {
        return refuse(&text, "it does not begin with a scheme of libvirt for QEMU on another host");
    }
    if (r == 0 && remote.transport == REMOTE_TLS && text.at[0] == '/') {
        remote.transport = REMOTE_UNIX; /* as libvirt has it: no host, so the local socket */
    }
    if (r == 0 && remote.transport == REMOTE_UNIX) {
        r = rights == REMOTE_FOR_ROOT ? 0 : refuse_rights(&text, "a socket of this host");
    } else if (r == 0) {
        r = take_authority(&text, &remote);
    }
    if (r == 0 && !take_word(&text, SYSTEM_PATH)) {
        r = refuse(&text, "its path must be /system");
    }
    r = r != 0 ? r : take_params(&text, &remote);
    if (r == 0 && ret_remote != NULL) {
        *ret_remote = remote;
    }
    return r;
}

bool remote_ssh_peer(const struct remote *destination, char *out, size_t size)
{
    if (destination->transport != REMOTE_SSH && destination->transport != REMOTE_LIBSSH) {
        return false;
    }
    bool bare = strchr(destination->host, ':') == NULL;
    int n = snprintf(out, size, "ssh:%s%s%s%s%s%s%s", destination->user,
                     destination->user[0] == '\0' ? "" : "@", bare ? "" : "[", destination->host,
                     bare ? "" : "]", destination->port[0] == '\0' ? "" : ":", destination->port);
    return n > 0 && (size_t)n < size;
}

/* ---- the other two ---- */

int remote_read_peer(const char *whole, enum remote_rights rights, struct remote *ret_remote,
                     struct error *err)
{
    struct text text = {whole,
                        whole,
                        "address of a cleaved",
                        "write ssh:[user@]host[:port], or as root http://host:port or unix:/path",
                        rights,
                        err};
    struct remote remote = {.transport = REMOTE_SSH};
    int r = begin(&text);
    if (r == 0 && take_word(&text, "unix:")) {
        remote.transport = REMOTE_UNIX;
        r = take_path(&text, "", &remote);
    } else if (r == 0 && take_word(&text, "http://")) {
        remote.transport = REMOTE_HTTP;
        r = rights == REMOTE_FOR_ROOT
                ? take_authority(&text, &remote)
                : refuse_rights(&text, "plain HTTP, where any server may answer");
        (void)(r == 0 && take_word(&text, "/"));
    } else if (r == 0 && take_word(&text, "ssh:")) {
        r = take_authority(&text, &remote);
    } else if (r == 0) {
        r = refuse(&text, "it must begin with ssh:, http:// or unix:");
    }
    r = r != 0 ? r : check_end(&text);
    if (r == 0 && ret_remote != NULL) {
        *ret_remote = remote;
    }
    return r;
}

int remote_read_data(const char *whole, enum remote_rights rights, struct remote *ret_remote,
                     struct error *err)
{
    struct text text = {whole,
                        whole,
                        "way for a migration's data",
                        "write tcp://host[:port] or rdma://host[:port], or leave it out",
                        rights,
                        err};
    struct remote remote = {0};
    int r = begin(&text);
    if (r == 0 && take_word(&text, "unix://")) {
        remote.transport = REMOTE_UNIX;
        r = take_path(&text, "", &remote);
    } else if (r == 0 && (take_word(&text, "tcp://") || take_word(&text, "rdma://"))) {
        remote.transport = whole[0] == 't' ? REMOTE_TCP : REMOTE_RDMA;
        r = take_authority(&text, &remote);
    } else if (r == 0) {
        r = refuse(&text, "it must begin with tcp://, rdma:// or unix://");
    }
    r = r != 0 ? r : check_end(&text);
    if (r == 0 && ret_remote != NULL) {
        *ret_remote = remote;
    }
    return r;
}
