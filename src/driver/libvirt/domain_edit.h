/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a claim's device into a stored definition and takes it out again, together with what it
 * needs next to its <hostdev>: a 64-bit PCI window for large BARs, and a hint which NUMA node the
 * memory should come from. What cleave added is remembered in <metadata>, so that it goes away with
 * the device, and what a person wrote never does. Pure: text in, text out.
 */
#ifndef DRIVER_LIBVIRT_DOMAIN_EDIT_H
#define DRIVER_LIBVIRT_DOMAIN_EDIT_H

#include "driver/libvirt/attachment.h"

/* What a definition has of a claim's device. */
enum presence {
    DEVICE_ABSENT,  /* not there, or the claim's alias is on another device */
    DEVICE_BY_HAND, /* there, but without the claim's alias or what QEMU needs */
    DEVICE_PRESENT  /* there, and the claim's */
};
int domain_edit_presence(const char *xml, const struct attachment *wanted,
                         enum presence *ret_presence, struct error *err);

/* The definition with the device, once: a device that was there without alias is adopted, one that
 * the claim had before is replaced, and what named the device for another claim does so no more.
 * Caller frees. */
int domain_edit_attach(const char *xml, const struct attachment *wanted, char **ret_xml,
                       struct error *err);
/* The definition without it: by the claim's alias, and by the device where no claim's alias is on
 * it. *ret_xml stays NULL when nothing is to be taken out. */
int domain_edit_detach(const char *xml, const struct hostdev *device, const char *claim,
                       char **ret_xml, struct error *err);
/* The same for a claim that gets another device: what a person put into its element is kept in
 * <metadata> (domain_kept.h). */
int domain_edit_set_aside(const char *xml, const struct hostdev *device, const char *claim,
                          char **ret_xml, struct error *err);

/* guest_port's rewrite. */
int domain_edit_rewrite(const char *xml, const struct hostdev_change *changes, size_t n_changes,
                        char **ret_xml, struct error *err);

#endif
