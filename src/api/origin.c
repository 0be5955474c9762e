/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define HOST_SIZE 256
#define SCHEME "http://"

static const char name_bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "-._";

bool origin_names_ok(const char *names)
{
    const char *at = names;
    while (*at != '\0') {
        size_t len = strspn(at, name_bytes);
        if (len == 0 || (at[len] != ',' && at[len] != '\0')) {
            return false;
        }
        at += len + (at[len] == ',');
    }
    return names[0] == '\0' || at[-1] != ',';
}

/* "host", "host:80" or "[::1]:80" without its port and brackets; false if it is none of them. */
static bool split_host(const char *text, char *out, size_t size)
{
    bool bracket = text[0] == '[';
    size_t len = strcspn(text, bracket ? "]" : ":");
    if (bracket && text[len] != ']') {
        return false;
    }
    const char *rest = text + len + bracket;
    uint32_t port = 0;
    if (*rest == ':' && (!parse_u32(rest + 1, &port) || port > UINT16_MAX)) {
        return false;
    }
    text += bracket;
    len -= bracket;
    if ((*rest != ':' && *rest != '\0') || len == 0 || len >= size) {
        return false;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* Literally: a name that a resolver answers with such an address is not one. */
static bool is_loopback(const char *host)
{
    struct in_addr v4 = {0};
    struct in6_addr v6 = {0};
    return str_eq_case(host, "localhost") ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> IN_CLASSA_NSHIFT == 127) ||
           (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6));
}

static bool is_listed(const char *names, const char *host)
{
    CLEANUP_FREE char *copy = xstrdup(names);
    for (char *rest = copy, *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        if (name[0] != '\0' && str_eq_case(name, host)) {
            return true;
        }
    }
    return false;
}

static int check_host(const char *given, const char *names, struct error *err)
{
    char host[HOST_SIZE] = "";
    if (given != NULL && split_host(given, host, sizeof(host)) &&
        (is_loopback(host) || is_listed(names, host))) {
        return 0;
    }
    error_set(err, REASON_PERMISSION, "request",
              "over TCP cleaved accepts only its own names as Host, not %s%s%s",
              given == NULL ? "not given" : "\"", given == NULL ? "" : given,
              given == NULL ? "" : "\"");
    error_hint(err, "use localhost or 127.0.0.1, or add the name to cleaved's allowedHosts");
    return -REASON_PERMISSION;
}

static int refuse_page(struct error *err)
{
    error_set(err, REASON_PERMISSION, "request",
              "a web page of another site made this request (Origin or Sec-Fetch-Site says so)");
    error_hint(err,
               "programs send neither header, and a browser may only use pages of this address");
    return -REASON_PERMISSION;
}

/* A page's own origin is the address that it is served from; no other port, no other scheme. */
static bool is_own_origin(const struct origin *from)
{
    return from->host != NULL && strncmp(from->origin, SCHEME, strlen(SCHEME)) == 0 &&
           str_eq_case(from->origin + strlen(SCHEME), from->host);
}

int origin_check(const struct origin *from, const char *names, bool must_mark, struct error *err)
{
    int result = from->tcp ? check_host(from->host, names, err) : 0;
    if (result != 0) {
        return result;
    }
    if (from->origin != NULL && !is_own_origin(from)) {
        return refuse_page(err);
    }
    /* https://www.w3.org/TR/fetch-metadata: "none" is a person's own doing. */
    if (from->fetch_site != NULL && !str_eq(from->fetch_site, "same-origin") &&
        !str_eq(from->fetch_site, "none")) {
        return refuse_page(err);
    }
    if (from->tcp && must_mark && from->client == NULL) {
        error_set(err, REASON_PERMISSION, "request",
                  "over TCP a change must have the header %s, or a body of type application/json",
                  ORIGIN_CLIENT_HEADER);
        error_hint(err, "send \"%s: 1\", as cleave does", ORIGIN_CLIENT_HEADER);
        return -REASON_PERMISSION;
    }
    return 0;
}
