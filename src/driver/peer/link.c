/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/peer/link.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/remote.h"
#include "base/str.h"

#define BITS_PER_MBIT UINT64_C(1000000)
#define ANY_PORT "9" /* nothing is sent */

/* The address that packets to there would come from: a datagram socket that is connected sends
 * nothing. */
static bool local_address(const char *host, struct sockaddr_storage *ret_address)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    bool known = false;
    if (getaddrinfo(host, ANY_PORT, &hints, &found) != 0) {
        return false;
    }
    for (const struct addrinfo *one = found; one != NULL && !known; one = one->ai_next) {
        int fd = socket(one->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        socklen_t len = sizeof(*ret_address);
        known = fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) == 0 &&
                getsockname(fd, (struct sockaddr *)ret_address, &len) == 0;
        if (fd >= 0) {
            close(fd);
        }
    }
    freeaddrinfo(found);
    return known;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr_storage *b)
{
    if (a == NULL || a->sa_family != b->ss_family) {
        return false;
    }
    if (a->sa_family == AF_INET) {
        return memcmp(&((const struct sockaddr_in *)(const void *)a)->sin_addr,
                      &((const struct sockaddr_in *)(const void *)b)->sin_addr,
                      sizeof(struct in_addr)) == 0;
    }
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

static bool interface_of(const struct sockaddr_storage *address, char *out, size_t size)
{
    struct ifaddrs *all = NULL;
    bool known = false;
    if (getifaddrs(&all) != 0) {
        return false;
    }
    for (const struct ifaddrs *one = all; one != NULL && !known; one = one->ifa_next) {
        known = same_address(one->ifa_addr, address) && str_copy(out, size, one->ifa_name);
    }
    freeifaddrs(all);
    return known;
}

struct amount link_speed_to(const char *uri)
{
    struct remote remote;
    char interface[32];
    struct sockaddr_storage address = {0};
    if (remote_read_destination(uri, REMOTE_FOR_ROOT, &remote, NULL) != 0 ||
        remote.host[0] == '\0' || !local_address(remote.host, &address) ||
        !interface_of(&address, interface, sizeof(interface))) {
        return (struct amount){0};
    }
    CLEANUP_FREE char *path = xasprintf("/sys/class/net/%s/speed", interface);
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    uint64_t mbit = 0; /* "-1" where it isn't known (kernel, ABI/testing/sysfs-class-net) */
    bool known = fs_read(path, 64, &text, &len) == 0 && parse_u64(str_trim(text), &mbit);
    /* 0 is no speed: some drivers say it where they don't know. */
    return known && mbit > 0 ? amount_of(mbit * BITS_PER_MBIT / 8) : (struct amount){0};
}
