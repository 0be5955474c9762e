/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libvirt's test driver as it is at first. It lives in the process for as long as a connection to
 * it does, and libvirt's event thread may let go of one a moment after it was closed: what an
 * earlier test defined would still be there.
 */
#ifndef TEST_LIB_LIBVIRT_FRESH_H
#define TEST_LIB_LIBVIRT_FRESH_H

#include <libvirt/libvirt.h>

#include "await.h"
#include "driver/libvirt/libvirt_port.h"
#include "test.h"

#define TEST_DRIVER "test:///default"
#define TEMPLATE                                                                                   \
    "<domain type='test'><name>template</name><memory unit='MiB'>96</memory><vcpu>2</vcpu>"        \
    "<os><type>hvm</type></os></domain>"

/* For await(): it has its one VM, running. */
static inline bool libvirt_is_fresh(void *data)
{
    (void)data;
    virConnectPtr connection = virConnectOpen(TEST_DRIVER);
    bool fresh = connection != NULL && virConnectNumOfDomains(connection) == 1 &&
                 virConnectNumOfDefinedDomains(connection) == 0;
    if (connection != NULL) {
        virConnectClose(connection);
    }
    return fresh;
}

/* A port to it; the caller frees it. */
static inline struct guest_port *open_fresh_driver(void)
{
    assert_true(await(libvirt_is_fresh, NULL));
    return libvirt_port_new(TEST_DRIVER);
}

static inline struct host *observe_driver(struct guest_port *port)
{
    struct host *host = host_new();
    struct error err = {0};
    assert_int_equal(port->ops->observe(port, host, &err), 0);
    return host;
}

#endif
