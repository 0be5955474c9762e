/* SPDX-License-Identifier: Apache-2.0 */
#include "base/remote_host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#define ELSEWHERE "192.0.2.7" /* for documentation: RFC 5737 */

/* What a resolver would find: addresses, one after the other. */
static struct addrinfo *found_of(const char *addresses)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    struct addrinfo **last = &all;
    CLEANUP_FREE char *text = xstrdup(addresses);
    char *rest = text;
    for (char *one = strsep(&rest, " "); one != NULL; one = strsep(&rest, " ")) {
        assert_int_equal(getaddrinfo(one, NULL, &hints, last), 0);
        last = &(*last)->ai_next;
    }
    return all;
}

static int judge(const char *addresses, struct error *err)
{
    struct addrinfo *found = found_of(addresses);
    int r = remote_host_judge("name", found, err);
    for (struct addrinfo *one = found; one != NULL;) {
        struct addrinfo *next = one->ai_next;
        one->ai_next = NULL;
        freeaddrinfo(one);
        one = next;
    }
    return r;
}

static void a_name_is_judged_by_each_address_it_leads_to(void **state)
{
    (void)state;
    static const struct {
        const char *addresses;
        bool refused;
    } rows[] = {
        {ELSEWHERE, false},
        {"2001:db8::7", false},
        {ELSEWHERE " 2001:db8::7", false},
        {"127.0.0.1", true},
        {"127.0.1.1", true},
        {ELSEWHERE " 127.0.0.1", true},
        {"2001:db8::7 ::1", true},
        {"::ffff:127.0.0.1", true},
        {"0.0.0.0", true},
        {"::", true},
        {"169.254.169.254", true},
        {"fe80::1", true},
        {"64:ff9b::127.0.0.1", true},
        /* As inet_aton(3) reads them, which resolvers use: 127.0.0.1 every time. */
        {"2130706433", true},
        {"0x7f000001", true},
        {"017700000001", true},
        {"127.1", true},
        {"0", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        int r = judge(rows[i].addresses, &err);
        if (r != (rows[i].refused ? -REASON_PERMISSION : 0)) {
            fail_msg("%s: %d (%s)", rows[i].addresses, r, err.message);
        }
        assert_true(r == 0 ||
                    (strstr(err.message, "\"name\" leads to") != NULL && err.hint[0] != '\0'));
    }
}

static void every_address_of_an_interface_is_this_hosts(void **state)
{
    (void)state;
    struct ifaddrs *all = NULL;
    size_t n = 0;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        int family = one->ifa_addr == NULL ? AF_UNSPEC : one->ifa_addr->sa_family;
        if (family == AF_INET) {
            n++;
            assert_true(remote_is_local(one->ifa_addr) || remote_host_is_own(one->ifa_addr));
        }
    }
    freeifaddrs(all);
    assert_true(n > 0);
}

/* The folder of an `ssh` that knows the one configuration; PATH finds it first. */
static void set_ssh(const char *directory, const char *prints)
{
    CLEANUP_FREE char *path = xasprintf("%s/ssh", directory);
    CLEANUP_FREE char *script =
        xasprintf("#!/bin/sh\n[ \"$1\" = -G ] && printf '%s'\necho \"$*\" >\"$0.asked\"\n", prints);
    assert_int_equal(fs_write_atomic(path, script, strlen(script)), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void ssh_says_where_a_name_leads(void **state)
{
    (void)state;
    static const struct {
        const char *prints;
        int result;
    } rows[] = {
        {"user root\\nhostname " ELSEWHERE "\\nport 22\\n", 0},
        {"hostname 127.0.0.1\\nport 2222\\n", 0}, /* a tunnel that root configured */
        {"hostname localhost\\n", 0},
        {"hostname gpu2\\nproxyjump bastion\\n", 0},
        {"hostname gpu2\\nproxycommand /usr/bin/way %%h\\n", 0},
        {"hostname gpu2.invalid\\nproxycommand none\\n", -REASON_UNAVAILABLE},
        {"", -REASON_UNAVAILABLE},
    };
    char directory[] = "/tmp/cleave-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    CLEANUP_FREE char *before = xstrdup(getenv("PATH"));
    CLEANUP_FREE char *path = xasprintf("%s:%s", directory, before);
    assert_int_equal(setenv("PATH", path, 1), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct remote remote = {.transport = REMOTE_SSH, .host = "gpu2"};
        struct error err = {0};
        set_ssh(directory, rows[i].prints);
        int r = remote_host_check(&remote, &err);
        if (r != rows[i].result) {
            fail_msg("%s: %d (%s)", rows[i].prints, r, err.message);
        }
    }
    /* An address that was asked for is no configuration: it is judged as it is. */
    struct remote own = {.transport = REMOTE_SSH, .host = "127.0.0.1"};
    assert_int_equal(remote_host_check(&own, NULL), 0); /* as it is written: root's */
    set_ssh(directory, "hostname 0x7f000001\\n");
    STR_SET(own.host, "0x7f000001");
    assert_int_equal(remote_host_check(&own, NULL), -REASON_PERMISSION);
    assert_int_equal(setenv("PATH", before, 1), 0);
    assert_int_equal(fs_remove_tree(directory), 0);
}

/* An address of an interface that is not the loopback's; false where there is none. */
static bool own_address(struct in_addr *out)
{
    struct ifaddrs *all = NULL;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
        found = one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET &&
                !remote_is_local(one->ifa_addr);
        if (found) {
            *out = ((const struct sockaddr_in *)(const void *)one->ifa_addr)->sin_addr;
        }
    }
    freeifaddrs(all);
    return found;
}

/* ssh prints an address in its own spelling, which is not what root configured for a name. */
static void an_own_address_is_refused_however_it_is_spelled(void **state)
{
    (void)state;
    char directory[] = "/tmp/cleave-test-XXXXXX";
    struct in_addr own;
    if (!own_address(&own)) {
        print_message("# skipped: no interface but the loopback has an IPv4 address\n");
        return;
    }
    assert_non_null(mkdtemp(directory));
    CLEANUP_FREE char *before = xstrdup(getenv("PATH"));
    CLEANUP_FREE char *path = xasprintf("%s:%s", directory, before);
    assert_int_equal(setenv("PATH", path, 1), 0);
    unsigned a = ntohl(own.s_addr);
    CLEANUP_FREE char *dotted =
        xasprintf("%u.%u.%u.%u", a >> 24, a >> 16 & 0xff, a >> 8 & 0xff, a & 0xff);
    CLEANUP_FREE char *mapped = xasprintf("::ffff:%s", dotted);
    CLEANUP_FREE char *hex = xasprintf("::ffff:%x:%x", a >> 16, a & 0xffff);
    CLEANUP_FREE char *longest = xasprintf("0:0:0:0:0:FFFF:%04X:%04X", a >> 16, a & 0xffff);
    CLEANUP_FREE char *number = xasprintf("%u", a);
    CLEANUP_FREE char *base16 = xasprintf("0x%08X", a);
    const struct {
        const char *host, *ssh_says;
        int result;
    } rows[] = {
        {dotted, dotted, -REASON_PERMISSION},
        {mapped, mapped, -REASON_PERMISSION},
        {hex, mapped, -REASON_PERMISSION},
        {longest, mapped, -REASON_PERMISSION},
        {hex, dotted, -REASON_PERMISSION},
        {number, dotted, -REASON_PERMISSION},
        {base16, dotted, -REASON_PERMISSION},
        {"0:0:0:0:0:0:0:2", "127.0.0.1", 0}, /* another one: root's word */
        {"gpu2", dotted, 0},
        {"gpu2", mapped, 0},
        {"2001:db8:0::7", "2001:db8::7", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct remote remote = {.transport = REMOTE_SSH};
        struct error err = {0};
        CLEANUP_FREE char *prints = xasprintf("hostname %s\\n", rows[i].ssh_says);
        STR_SET(remote.host, rows[i].host);
        set_ssh(directory, prints);
        int r = remote_host_check(&remote, &err);
        if (r != rows[i].result) {
            fail_msg("%s as %s: %d (%s)", rows[i].host, rows[i].ssh_says, r, err.message);
        }
    }
    assert_int_equal(setenv("PATH", before, 1), 0);
    assert_int_equal(fs_remove_tree(directory), 0);
}

static void ssh_is_asked_as_it_will_be_run(void **state)
{
    (void)state;
    char directory[] = "/tmp/cleave-test-XXXXXX";
    assert_non_null(mkdtemp(directory));
    CLEANUP_FREE char *before = xstrdup(getenv("PATH"));
    CLEANUP_FREE char *path = xasprintf("%s:%s", directory, before);
    CLEANUP_FREE char *asked = xasprintf("%s/ssh.asked", directory);
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    struct remote remote = {
        .transport = REMOTE_SSH, .user = "mover", .host = ELSEWHERE, .port = "2222"};
    assert_int_equal(setenv("PATH", path, 1), 0);
    set_ssh(directory, "hostname " ELSEWHERE "\\n");
    assert_int_equal(remote_host_check(&remote, NULL), 0);
    assert_int_equal(setenv("PATH", before, 1), 0);
    assert_int_equal(fs_read(asked, 4096, &text, &len), 0);
    assert_string_equal(text, "-G -l mover -p 2222 -- " ELSEWHERE "\n");
    assert_int_equal(fs_remove_tree(directory), 0);
}

static void both_ways_of_a_migration_are_judged(void **state)
{
    (void)state;
    struct error err = {0};
    char host[200] = "";
    assert_int_equal(remote_host_check_ways("qemu+tcp://" ELSEWHERE "/system", "", &err), 0);
    assert_int_equal(remote_host_check_ways("qemu+tcp://" ELSEWHERE "/system", NULL, &err), 0);
    assert_int_equal(remote_host_check_ways("qemu+unix:///system", "unix:///run/x", &err), 0);
    assert_int_equal(remote_host_check_ways("qemu+tcp://127.0.0.1/system", "", &err), 0);
    assert_int_equal(remote_host_check_ways("qemu+tcp://x.invalid/system", "", &err),
                     -REASON_UNAVAILABLE);
    assert_int_equal(
        remote_host_check_ways("qemu+tcp://" ELSEWHERE "/system", "tcp://x.invalid", &err),
        -REASON_UNAVAILABLE);
    /* The name of this host, where it leads anywhere. */
    struct addrinfo *found = NULL;
    assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
    if (getaddrinfo(host, NULL, NULL, &found) != 0) {
        print_message("# skipped: the host's own name \"%s\" leads nowhere\n", host);
        return;
    }
    freeaddrinfo(found);
    CLEANUP_FREE char *uri = xasprintf("qemu+tls://%s/system", host);
    CLEANUP_FREE char *data = xasprintf("tcp://%s:49152", host);
    assert_int_equal(remote_host_check_ways(uri, "", &err), -REASON_PERMISSION);
    assert_int_equal(remote_host_check_ways("qemu+tcp://" ELSEWHERE "/system", data, &err),
                     -REASON_PERMISSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_judged_by_each_address_it_leads_to),
        cmocka_unit_test(every_address_of_an_interface_is_this_hosts),
        cmocka_unit_test(ssh_says_where_a_name_leads),
        cmocka_unit_test(an_own_address_is_refused_however_it_is_spelled),
        cmocka_unit_test(ssh_is_asked_as_it_will_be_run),
        cmocka_unit_test(both_ways_of_a_migration_are_judged),
    };
    return cmocka_run_group_tests_name("remote_host", tests, NULL, NULL);
}
