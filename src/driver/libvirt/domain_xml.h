/* SPDX-License-Identifier: Apache-2.0 */
/* What cleave reads of a definition, and a definition made from a template. */
#ifndef DRIVER_LIBVIRT_DOMAIN_XML_H
#define DRIVER_LIBVIRT_DOMAIN_XML_H

#include "base/vec.h"
#include "driver/libvirt/hostdev.h"

#define DOMAIN_MAX_HOSTDEVS 4096

struct found_hostdev {
    struct hostdev device;
    bool managed;
    char claim[NAME_SIZE]; /* whose alias it carries, or "" */
};

struct hostdevs {
    struct found_hostdev *items;
    size_t n;
    size_t cap;
};

/* The PCI and mdev <hostdev>s of a domain; others (USB, SCSI) are passed over. Refuses a
 * domain with more than DOMAIN_MAX_HOSTDEVS: any of the rest could be the one that matters. */
int domain_xml_hostdevs(const char *xml, struct hostdevs *ret_devices, struct error *err);
bool hostdevs_have(const struct hostdevs *devices, const struct hostdev *device);

/* A domain of its own from a template: named `name`, without UUID. Refuses host devices (a claim
 * brings them), emulator arguments (they could), what is not filled in (@KERNEL@) and what has no
 * <os>. Caller frees. */
int domain_xml_from_template(const char *xml, const char *name, char **ret_xml, struct error *err);

#endif
