/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain XML, read and written under limits: no document type, no entities, no network. Only what
 * cleave needs of it: host devices, the name, and the element that assigns a device.
 */
#ifndef DRIVER_LIBVIRT_DOMAIN_XML_H
#define DRIVER_LIBVIRT_DOMAIN_XML_H

#include "base/error.h"
#include "base/vec.h"
#include "model/host.h"
#include "model/plan.h"
#include "port/guest_port.h"

#define DOMAIN_XML_MAX_BYTES (1024 * 1024)
#define DOMAIN_MAX_HOSTDEVS 64

struct hostdevs {
    struct hostdev *items;
    size_t n;
    size_t cap;
};

/* The PCI and mdev <hostdev>s of a domain; others (USB, SCSI) are passed over. */
int domain_xml_hostdevs(const char *xml, struct hostdevs *ret_devices, struct error *err);

/* The device that an ATTACH or DETACH step is about. */
struct hostdev hostdev_of_step(const struct step *step);
bool hostdev_eq(const struct hostdev *a, const struct hostdev *b);
bool hostdevs_have(const struct hostdevs *devices, const struct hostdev *device);
/* "0000:41:00.4" or the mdev's UUID; returns out. */
const char *hostdev_name(const struct hostdev *device, char *out, size_t size);

/* The <hostdev> element that assigns it. Always managed='no': the driver of the device is what
 * cleave made it, and a vendor's VFIO driver must not be replaced. Caller frees. */
char *hostdev_xml(const struct hostdev *device);

/* A domain of its own from a template: named `name`, without UUID. Refuses host devices (a claim
 * brings them) and emulator arguments (they could). Caller frees. */
int domain_xml_from_template(const char *xml, const char *name, char **ret_xml, struct error *err);

#endif
