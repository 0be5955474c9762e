/* SPDX-License-Identifier: Apache-2.0 */
/* Undefinitions, as libvirt's own test driver tells of them. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "libvirt_fresh.h"
#include "test.h"

struct undefinition {
    struct guest_port *port;
    const char *uuid;
};

/* As another program does, over its own connection. The event comes when it comes. */
static bool is_known(void *data)
{
    const struct undefinition *undefinition = data;
    CLEANUP(host_freep) struct host *host = observe_driver(undefinition->port);
    for (vec_each(&host->vm_ends, end)) {
        if (str_eq(end->uuid, undefinition->uuid) && end->undefined) {
            return true;
        }
    }
    return false;
}

static void undefine_new(struct guest_port *port, virConnectPtr other, const char *name,
                         char ret_uuid[VIR_UUID_STRING_BUFLEN])
{
    struct error err = {0};
    assert_int_equal(port->ops->define(port, TEMPLATE, name, &err), 0);
    CLEANUP_DOMAIN virDomainPtr domain = virDomainLookupByName(other, name);
    assert_int_equal(virDomainGetUUIDString(domain, ret_uuid), 0);
    assert_int_equal(virDomainUndefine(domain), 0);
}

/* Events come in their order: when that of a later change is here, so are all before it. */
static void await_events(struct guest_port *port, virConnectPtr other)
{
    char uuid[VIR_UUID_STRING_BUFLEN];
    undefine_new(port, other, "last", uuid);
    assert_true(await(is_known, &(struct undefinition){port, uuid}));
}

static void libvirt_tells_which_vms_were_undefined(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    host_free(observe_driver(port));
    virConnectPtr other = virConnectOpen(TEST_DRIVER); /* the same hypervisor */
    char uuids[3][VIR_UUID_STRING_BUFLEN];
    undefine_new(port, other, "gone1", uuids[0]);
    undefine_new(port, other, "gone2", uuids[1]);
    assert_int_equal(port->ops->define(port, TEMPLATE, "renamed", &err), 0);
    virDomainPtr domain = virDomainLookupByName(other, "renamed");
    assert_int_equal(virDomainGetUUIDString(domain, uuids[2]), 0);
    (void)virDomainRename(domain, "another", 0); /* the test driver may not know how */
    virDomainFree(domain);
    await_events(port, other);
    assert_true(is_known(&(struct undefinition){port, uuids[0]}));
    assert_true(is_known(&(struct undefinition){port, uuids[1]}));
    struct host *host = observe_driver(port);
    for (vec_each(&host->vm_ends, end)) {
        assert_string_not_equal(end->uuid, uuids[2]);
    }
    host_free(host);
    /* Defined again, it is not gone; and a connection that looks for the first time knows nothing.
     */
    CLEANUP_FREE char *xml = xasprintf("<domain type='test'><name>gone1</name><uuid>%s</uuid>"
                                       "<memory unit='MiB'>96</memory><os><type>hvm</type></os>"
                                       "</domain>",
                                       uuids[0]);
    virDomainPtr again = virDomainDefineXML(other, xml);
    assert_non_null(again);
    await_events(port, other);
    host = observe_driver(port);
    for (vec_each(&host->vm_ends, end)) {
        assert_string_not_equal(end->uuid, uuids[0]);
    }
    host_free(host);
    assert_int_equal(virDomainUndefine(again), 0);
    virDomainFree(again);
    await_events(port, other); /* so no connection to come hears of any */
    assert_true(is_known(&(struct undefinition){port, uuids[0]}));
    struct guest_port *fresh = libvirt_port_new(TEST_DRIVER);
    host = observe_driver(fresh);
    assert_int_equal(host->vm_ends.n, 0);
    host_free(host);
    fresh->ops->free(fresh);
    virDomainPtr left = virDomainLookupByUUIDString(other, uuids[2]);
    assert_int_equal(virDomainUndefine(left), 0);
    virDomainFree(left);
    virConnectClose(other);
    port->ops->free(port);
}

static void count(void *data)
{
    atomic_uint *n = data;
    atomic_fetch_add(n, 1);
}

static bool is_counted(void *data)
{
    atomic_uint *n = data;
    return atomic_load(n) > 0;
}

static void who_follows_hears_of_each_change_until_it_is_over(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    atomic_uint n = 0;
    char uuid[VIR_UUID_STRING_BUFLEN];
    port->ops->follow(port, count, &n);
    host_free(observe_driver(port));
    virConnectPtr other = virConnectOpen(TEST_DRIVER);
    undefine_new(port, other, "heard", uuid);
    assert_true(await(is_counted, &n));
    await_events(port, other);
    unsigned before = atomic_load(&n);
    assert_true(before >= 4); /* defined and undefined, and so was "last" */
    port->ops->follow(port, NULL, NULL);
    await_events(port, other);
    assert_int_equal(atomic_load(&n), before);
    virConnectClose(other);
    port->ops->free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libvirt_tells_which_vms_were_undefined),
        cmocka_unit_test(who_follows_hears_of_each_change_until_it_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
