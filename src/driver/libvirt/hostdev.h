/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One <hostdev>: which device it assigns, whose it is, and the right form per kind. A claim's name
 * is in the device's alias: libvirt keeps aliases that begin with "ua-" (since 3.9.0, "user
 * aliases" in its domain XML documentation), so that who reads a definition, with or without
 * cleaved, tells the claim's device from one that a person put in.
 */
#ifndef DRIVER_LIBVIRT_HOSTDEV_H
#define DRIVER_LIBVIRT_HOSTDEV_H

#include "driver/libvirt/xml_doc.h"
#include "port/guest_port.h"

/* "ua-cleave-" and the claim, each '_' doubled and each '.' written "_d": an alias has letters,
 * digits, '_' and '-' only. */
#define HOSTDEV_ALIAS_SIZE (16 + 2 * NAME_SIZE)
const char *hostdev_alias(const char *claim, char out[HOSTDEV_ALIAS_SIZE]);
/* False, and "", for an alias that is not cleave's. */
bool hostdev_alias_claim(const char *alias, char ret_claim[NAME_SIZE]);

/* How a device is assigned. */
enum hostdev_kind {
    HOSTDEV_WHOLE,       /* the GPU itself: managed='yes', libvirt binds it if cleave did not */
    HOSTDEV_VENDOR_VFIO, /* a VF under the vendor's driver: managed='no', libvirt must not rebind */
    HOSTDEV_MDEV         /* has no driver to bind: libvirt ignores `managed` */
};

bool hostdev_eq(const struct hostdev *a, const struct hostdev *b);
/* "0000:41:00.4" or the mdev's UUID; returns out. */
const char *hostdev_name(const struct hostdev *device, char *out, size_t size);

/* False for a kind that is none of ours (USB, SCSI), or without a usable address. */
bool hostdev_read(const xmlNode *node, struct hostdev *ret_device);
/* The same of an <interface type='hostdev'>. */
bool hostdev_read_interface(const xmlNode *node, struct hostdev *ret_device);
/* Makes <source> name the device; the element's type stays what it is. */
void hostdev_set_source(xmlNode *node, const struct hostdev *device);
/* Puts another device into the element: <source>, and where its kind is another, what belongs to
 * the kind. All else is libvirt's or a person's and stays. */
void hostdev_replace(xmlNode *node, const struct hostdev *device, enum hostdev_kind kind);
/* Appends a <hostdev> to <devices>; `claim` may be "": then it has no alias. */
xmlNode *hostdev_add(xmlNode *devices, const struct hostdev *device, enum hostdev_kind kind,
                     const char *claim);
/* The claim whose alias it carries, or "". */
void hostdev_claim(const xmlNode *node, char ret_claim[NAME_SIZE]);
void hostdev_set_claim(xmlNode *node, const char *claim);

#endif
