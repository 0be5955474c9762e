/* SPDX-License-Identifier: Apache-2.0 */
#include "base/remote.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "test.h"

typedef int read_fn(const char *text, enum remote_rights rights, struct remote *ret_remote,
                    struct error *err);

/* Callers that may name it. */
enum who { NO_ONE, ROOT, ANYONE };

struct row {
    read_fn *read;
    const char *text;
    enum who who;
};

#define DESTINATION remote_read_destination
#define PEER remote_read_peer
#define DATA remote_read_data

static const struct row rows[] = {
    {DESTINATION, "qemu+ssh://host/system", ANYONE},
    {DESTINATION, "qemu+ssh://root@host.example:2222/system", ANYONE},
    {DESTINATION, "qemu+ssh://host/system?no_tty=1&no_verify=0&mode=legacy&proxy=netcat", ANYONE},
    {DESTINATION, "qemu+libssh2://u@h/system?sshauth=agent,privkey", ANYONE},
    {DESTINATION, "qemu+tls://[fd00::2]:16514/system", ANYONE},
    {DESTINATION, "qemu://host/system", ANYONE},
    {DESTINATION, "qemu+tcp://10.0.0.2/system", ANYONE},
    {DESTINATION, "qemu+unix:///system?socket=/run/other/libvirt-sock", ROOT},
    {DESTINATION, "qemu+unix:///system?socket=/a&mode=direct", ROOT},
    {DESTINATION, "qemu:///system", ROOT},
    {DESTINATION, "qemu+ssh://localhost/system", ROOT},
    {DESTINATION, "qemu+ssh://a.localhost/system", ROOT},
    {DESTINATION, "qemu+tcp://127.0.0.1:6379/system", ROOT},
    {DESTINATION, "qemu+tcp://169.254.169.254:80/system", ROOT},
    {DESTINATION, "qemu+tcp://[::1]/system", ROOT},
    {DESTINATION, "qemu+tcp://[::ffff:127.0.0.1]/system", ROOT},
    {DESTINATION, "qemu+tcp://[64:ff9b::a9fe:a9fe]/system", ROOT},
    {DESTINATION, "qemu+tcp://[fe80::1]/system", ROOT},
    {DESTINATION, "qemu+tcp://[fd00:ec2::254]/system", ROOT},
    {DESTINATION, "qemu+tcp://0.0.0.0/system", ROOT},
    {DESTINATION, "qemu+ssh://host/system?no_verify=1", ROOT},
    {DESTINATION, "qemu+ssh://host/system?no_tty=1&no_verify=1&mode=auto", ROOT},
    {DESTINATION, "qemu+tls://host/system?no_verify=1", ROOT},
    {DESTINATION, "qemu+tls://host/system?no_verify=0", ANYONE},
    {DESTINATION, "qemu://host/system?no_verify=1", ROOT},
    {DESTINATION, "qemu+libssh://host/system?known_hosts_verify=auto", ROOT},
    {DESTINATION, "qemu+libssh://host/system?known_hosts_verify=normal", ANYONE},
    {DESTINATION, "qemu+libssh://host/system?known_hosts_verify=ignore", NO_ONE},
    {DESTINATION, "qemu+tls://host/system?no_verify=01", NO_ONE},
    {DESTINATION, "qemu+tcp://host/system?no_verify=1", NO_ONE},
    {DESTINATION, "qemu+tcp://LocalHost/system", ROOT},
    {DESTINATION, "qemu+tcp://[::ffff:7f00:1]/system", ROOT},
    {DESTINATION, "qemu+tcp://[::ffff:0:127.0.0.1]/system", ROOT},
    {DESTINATION, "qemu+tcp://[2002:7f00:1::]/system", ROOT},
    {DESTINATION, "qemu+tcp://[0:0:0:0:0:0:0:1]/system", ROOT},
    {DESTINATION, "qemu+tcp://[::127.0.0.1]/system", ROOT},
    {DESTINATION, "qemu+tcp://127.0.0.53/system", ROOT},
    {DESTINATION, "qemu+tcp://127.0.0.1./system", NO_ONE},
    {DESTINATION, "qemu+tcp://localhost./system", NO_ONE},
    {DESTINATION, "qemu+tcp://017700000001/system", NO_ONE},
    {DESTINATION, "qemu+tcp://0X7F.1/system", NO_ONE},
    {DESTINATION, "qemu+tcp://127.0.1/system", NO_ONE},
    {DESTINATION, "qemu+tcp://0/system", NO_ONE},
    {DESTINATION, "qemu+tcp://127.0.0.0x1/system", NO_ONE},
    {DESTINATION, "qemu+tcp://[127.0.0.1]/system", NO_ONE},
    /* Programs and files, in every spelling. */
    {DESTINATION, "qemu+ext://delta/system?command=/tmp/pwn.sh", NO_ONE},
    {DESTINATION, "qemu+ext://delta/system", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?command=/tmp/pwn.sh", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?COMMAND=/tmp/pwn.sh", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?comm%61nd=/tmp/pwn.sh", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?no_tty=1&command=/x", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?no_tty=1;command=/x", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?netcat=/x", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?keyfile=/x", NO_ONE},
    {DESTINATION, "qemu+ssh://delta/system?socket=/x", NO_ONE},
    {DESTINATION, "qemu+libssh://delta/system?known_hosts=/x", NO_ONE},
    {DESTINATION, "qemu+tls://delta/system?pkipath=/x", NO_ONE},
    {DESTINATION, "qemu+tls://delta/system?tls_priority=NORMAL", NO_ONE},
    {DESTINATION, "qemu+tcp://delta/system?name=qemu:///session", NO_ONE},
    {DESTINATION, "qemu+unix:///system?socket=/a&socket=/b", NO_ONE},
    {DESTINATION, "qemu+unix:///system?socket=a", NO_ONE},
    {DESTINATION, "qemu+unix:///system?socket=/a/../b", NO_ONE},
    {DESTINATION, "qemu+unix:///system?socket=/a%2fb", NO_ONE},
    {DESTINATION, "qemu+unix://host/system", NO_ONE},
    {DESTINATION, "qemu+unix:///system?socket=", NO_ONE},
    {DESTINATION, "qemu+ssh://h/system?no_tty=1&no_tty=1", NO_ONE},
    {DESTINATION, "qemu+ssh://h/system?no_tty=2", NO_ONE},
    {DESTINATION, "qemu+ssh://h/system?no_tty", NO_ONE},
    {DESTINATION, "qemu+ssh://h/system?", NO_ONE},
    {DESTINATION, "qemu+ssh://h/system?no_tty=1&", NO_ONE},
    {DESTINATION, "qemu+ssh://h/system#x", NO_ONE},
    {DESTINATION, "qemu+tcp://h/system?no_tty=1", NO_ONE},
    /* Hosts, users, ports. */
    {DESTINATION, "qemu+ssh://-oProxyCommand=x/system", NO_ONE},
    {DESTINATION, "qemu+ssh://-host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://-l@host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://@host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://a:b@host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://a@b@host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://a%40b@host/system", NO_ONE},
    {DESTINATION, "qemu+tcp://user@host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://good@evil.example\\@host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://ho%73t/system", NO_ONE},
    {DESTINATION, "qemu+ssh://ho st/system", NO_ONE},
    {DESTINATION, "qemu+ssh://host\n/system", NO_ONE},
    {DESTINATION, "qemu+ssh://host\x7f/system", NO_ONE},
    {DESTINATION, "qemu+ssh://h\xc3\xb6st/system", NO_ONE},
    {DESTINATION, "qemu+ssh://$(id)/system", NO_ONE},
    {DESTINATION, "qemu+ssh://host./system", NO_ONE},
    {DESTINATION, "qemu+ssh://.host/system", NO_ONE},
    {DESTINATION, "qemu+ssh:///system", NO_ONE},
    {DESTINATION, "qemu+tcp://127.1/system", NO_ONE},
    {DESTINATION, "qemu+tcp://2130706433/system", NO_ONE},
    {DESTINATION, "qemu+tcp://0x7f000001/system", NO_ONE},
    {DESTINATION, "qemu+tcp://0177.0.0.1/system", NO_ONE},
    {DESTINATION, "qemu+tcp://1.2.3.0x4/system", NO_ONE},
    {DESTINATION, "qemu+tcp://[fe80::1%25eth0]/system", NO_ONE},
    {DESTINATION, "qemu+tcp://[fe80::1/system", NO_ONE},
    {DESTINATION, "qemu+tcp://[::g]/system", NO_ONE},
    {DESTINATION, "qemu+tcp://fd00::2/system", NO_ONE},
    {DESTINATION, "qemu+tcp://h:0/system", NO_ONE},
    {DESTINATION, "qemu+tcp://h:065/system", NO_ONE},
    {DESTINATION, "qemu+tcp://h:65536/system", NO_ONE},
    {DESTINATION, "qemu+tcp://h:/system", NO_ONE},
    {DESTINATION, "qemu+tcp://h:+1/system", NO_ONE},
    /* Schemes and paths. */
    {DESTINATION, "", NO_ONE},
    {DESTINATION, "beta", NO_ONE},
    {DESTINATION, "test:///default", NO_ONE},
    {DESTINATION, "QEMU+SSH://host/system", NO_ONE},
    {DESTINATION, " qemu+ssh://host/system", NO_ONE},
    {DESTINATION, "qemu+ssh://host/system ", NO_ONE},
    {DESTINATION, "qemu+ssh://host", NO_ONE},
    {DESTINATION, "qemu+ssh://host/session", NO_ONE},
    {DESTINATION, "qemu+ssh://host/systemd", NO_ONE},
    {DESTINATION, "qemu:///embed?root=/tmp/x", NO_ONE},
    {DESTINATION, "xen+ssh://host/system", NO_ONE},
    {DESTINATION, "remote+ext:///?command=/x", NO_ONE},
    {DESTINATION, "qemu+ssh://x/system?command=/x://", NO_ONE},

    {PEER, "ssh:h", ANYONE},
    {PEER, "ssh:root@h:22", ANYONE},
    {PEER, "ssh:[fd00::1]:22", ANYONE},
    {PEER, "ssh:localhost", ROOT},
    {PEER, "unix:/run/cleave/cleaved.sock", ROOT},
    {PEER, "http://host:8080", ROOT},
    {PEER, "http://host:8080/", ROOT},
    {PEER, "http://127.0.0.1:8080", ROOT},
    {PEER, "http://[::1]:8080", ROOT},
    {PEER, "http://host/v1/x", NO_ONE},
    {PEER, "http://host?x", NO_ONE},
    {PEER, "http://host#x", NO_ONE},
    {PEER, "http://user@host", NO_ONE},
    {PEER, "http://user:secret@host", NO_ONE},
    {PEER, "http://", NO_ONE},
    {PEER, "https://host", NO_ONE},
    {PEER, "file:///etc/shadow", NO_ONE},
    {PEER, "gopher://host", NO_ONE},
    {PEER, "HTTP://host", NO_ONE},
    {PEER, "http://2852039166/", NO_ONE},
    {PEER, "unix:x", NO_ONE},
    {PEER, "unix:@abstract", NO_ONE},
    {PEER, "unix:/a/..", NO_ONE},
    {PEER, "unix://../a", NO_ONE},
    {PEER, "ssh:", NO_ONE},
    {PEER, "ssh:-oX=y", NO_ONE},
    {PEER, "ssh:a@-oX", NO_ONE},
    {PEER, "ssh:h:x", NO_ONE},
    {PEER, "ssh:h:0x1", NO_ONE},
    {PEER, "ssh:h;x", NO_ONE},
    {PEER, "ssh:h x", NO_ONE},
    {PEER, "ssh:h:99999", NO_ONE},
    {PEER, "ssh:h/x", NO_ONE},
    {PEER, "ssh://h", NO_ONE},
    {PEER, "h", NO_ONE},
    {PEER, "", NO_ONE},

    {DATA, "tcp://10.0.0.2", ANYONE},
    {DATA, "tcp://host:49152", ANYONE},
    {DATA, "rdma://[fd00::1]:1", ANYONE},
    {DATA, "tcp://127.0.0.1:25", ROOT},
    {DATA, "unix:///run/x/carrier.sock", ROOT},
    {DATA, "unix://run/x", NO_ONE},
    {DATA, "unix:///a?listen=1", NO_ONE},
    {DATA, "exec:/bin/sh", NO_ONE},
    {DATA, "fd:3", NO_ONE},
    {DATA, "file:///x", NO_ONE},
    {DATA, "tcp:host", NO_ONE},
    {DATA, "tcp://host/x", NO_ONE},
    {DATA, "tcp://host?x=y", NO_ONE},
    {DATA, "tcp://u@host", NO_ONE},
    {DATA, "tcp://", NO_ONE},
};

static void only_what_is_listed_is_read_and_paths_are_roots(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        struct error err = {0};
        struct error root_err = {0};
        int anyone = row->read(row->text, REMOTE_FOR_ANYONE, NULL, &err);
        int root = row->read(row->text, REMOTE_FOR_ROOT, NULL, &root_err);
        if ((anyone == 0) != (row->who == ANYONE) || (root == 0) != (row->who != NO_ONE)) {
            fail_msg("\"%s\": anyone %d (%s), root %d (%s)", row->text, anyone, err.message, root,
                     root_err.message);
        }
        if (row->who == ROOT && anyone != -REASON_PERMISSION) {
            fail_msg("\"%s\": root's, and refused with %d", row->text, anyone);
        }
        if (row->who == NO_ONE && (root != -REASON_INVALID || root_err.hint[0] == '\0')) {
            fail_msg("\"%s\": refused with %d, hint \"%s\"", row->text, root, root_err.hint);
        }
    }
}

static void its_parts_are_what_was_written(void **state)
{
    (void)state;
    struct remote remote;
    assert_int_equal(remote_read_destination("qemu+ssh://adm@host.example:2222/system?no_tty=1",
                                             REMOTE_FOR_ANYONE, &remote, NULL),
                     0);
    assert_int_equal(remote.transport, REMOTE_SSH);
    assert_string_equal(remote.user, "adm");
    assert_string_equal(remote.host, "host.example");
    assert_string_equal(remote.port, "2222");
    assert_int_equal(
        remote_read_destination("qemu+tls://[fd00::2]/system", REMOTE_FOR_ANYONE, &remote, NULL),
        0);
    assert_string_equal(remote.host, "fd00::2");
    assert_string_equal(remote.port, "");
    assert_int_equal(remote_read_destination("qemu+unix:///system?socket=/run/x/sock",
                                             REMOTE_FOR_ROOT, &remote, NULL),
                     0);
    assert_int_equal(remote.transport, REMOTE_UNIX);
    assert_string_equal(remote.path, "/run/x/sock");
    assert_string_equal(remote.host, "");
}

static void the_cleaved_behind_an_ssh_destination_is_reached_by_ssh(void **state)
{
    (void)state;
    static const struct {
        const char *destination, *peer;
    } pairs[] = {
        {"qemu+ssh://host/system", "ssh:host"},
        {"qemu+ssh://root@host:22/system?no_tty=1", "ssh:root@host:22"},
        {"qemu+libssh://[fd00::2]:22/system", "ssh:[fd00::2]:22"},
        {"qemu+tls://host/system", NULL},
        {"qemu+unix:///system", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct remote remote;
        char peer[REMOTE_TEXT_SIZE] = "";
        assert_int_equal(
            remote_read_destination(pairs[i].destination, REMOTE_FOR_ROOT, &remote, NULL), 0);
        bool found = remote_ssh_peer(&remote, peer, sizeof(peer));
        if (found != (pairs[i].peer != NULL) || (found && !str_eq(peer, pairs[i].peer))) {
            fail_msg("%s: \"%s\"", pairs[i].destination, peer);
        }
        if (found) {
            assert_int_equal(remote_read_peer(peer, REMOTE_FOR_ANYONE, NULL, NULL), 0);
        }
    }
}

static void what_is_too_long_is_refused(void **state)
{
    (void)state;
    char text[2 * REMOTE_TEXT_SIZE];
    for (size_t n = 1; n < 2 * REMOTE_TEXT_SIZE - 32; n++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "ssh:", 4);
        text[4 + n] = '\0';
        int r = remote_read_peer(text, REMOTE_FOR_ROOT, NULL, NULL);
        if ((r == 0) != (n <= 63)) {
            fail_msg("a host of %zu letters: %d", n, r);
        }
    }
}

static void addresses_of_this_host_its_link_and_of_clouds_are_local(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool local;
    } addresses[] = {
        {"127.0.0.1", true},
        {"127.255.255.254", true},
        {"0.0.0.0", true},
        {"169.254.169.254", true},
        {"100.100.100.200", true},
        {"192.0.0.192", true},
        {"224.0.0.1", true},
        {"255.255.255.255", true},
        {"10.0.0.1", false},
        {"192.168.1.1", false},
        {"100.100.100.201", false},
        {"8.8.8.8", false},
        {"126.255.255.255", false},
        {"::1", true},
        {"::", true},
        {"fe80::1", true},
        {"febf::1", true},
        {"fec0::1", false},
        {"ff02::1", true},
        {"fd00:ec2::254", true},
        {"fd00:ec2::255", false},
        {"::ffff:127.0.0.1", true},
        {"::ffff:10.0.0.1", false},
        {"64:ff9b::7f00:1", true},
        {"64:ff9b:1::7f00:1", true},
        {"2002:7f00:1::5", true},
        {"2002:a9fe:a9fe::", true},
        {"2002:a00:1::", false},
        {"::ffff:0:7f00:1", true},
        {"::127.0.0.1", true},
        {"2001:db8::1", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
        bool four = inet_pton(AF_INET, addresses[i].address, &in.sin_addr) == 1;
        assert_true(four || inet_pton(AF_INET6, addresses[i].address, &in6.sin6_addr) == 1);
        const void *any = four ? (const void *)&in : (const void *)&in6;
        if (remote_is_local(any) != addresses[i].local) {
            fail_msg("%s is %s", addresses[i].address, addresses[i].local ? "local" : "not local");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_listed_is_read_and_paths_are_roots),
        cmocka_unit_test(its_parts_are_what_was_written),
        cmocka_unit_test(the_cleaved_behind_an_ssh_destination_is_reached_by_ssh),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(addresses_of_this_host_its_link_and_of_clouds_are_local),
    };
    return cmocka_run_group_tests_name("remote", tests, NULL, NULL);
}
