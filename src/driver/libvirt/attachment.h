/* SPDX-License-Identifier: Apache-2.0 */
/* A device that a claim puts into a definition, and where cleave notes what it put there. */
#ifndef DRIVER_LIBVIRT_ATTACHMENT_H
#define DRIVER_LIBVIRT_ATTACHMENT_H

#include "driver/libvirt/hostdev.h"

#define DOMAIN_METADATA_URI "urn:cleave:domain:1"

struct attachment {
    const char *claim; /* "": no alias, nothing next to it */
    struct hostdev device;
    enum hostdev_kind kind;
    uint64_t mmio_bytes;   /* sum of its large BARs, 0 unknown or not worth a thought */
    int32_t numa_node;     /* -1 unknown */
    unsigned n_host_nodes; /* of the host; 0 unknown */
};

#endif
