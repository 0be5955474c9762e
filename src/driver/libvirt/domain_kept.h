/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A claim's <hostdev> while its definition has none: what libvirt and a person put into it (guest
 * address, ROM file, boot order, …) outlives its device, as a note in <metadata>, until the claim
 * has a device again, its next one or the same one after a plan that was taken back.
 */
#ifndef DRIVER_LIBVIRT_DOMAIN_KEPT_H
#define DRIVER_LIBVIRT_DOMAIN_KEPT_H

#include "driver/libvirt/hostdev.h"

/* Takes the element out of <devices>: kept if there is more in it than cleave wrote, else dropped.
 */
void domain_kept_put(xmlNode *root, const char *claim, xmlNode *hostdev);
/* The element kept for the claim, if there is one, goes. */
void domain_kept_forget(const xmlNode *root, const char *claim);
/* The boot display went to the device of claim `to`, which had `was` in its attribute (NULL: no
 * such attribute): if it is one's whose element is kept, that one gets it back. */
void domain_kept_gave_display(xmlNode *root, const char *to, const char *was);
/* The claim's element, back in its place among the others and without a guest address that another
 * device has by now; NULL if none is kept. */
xmlNode *domain_kept_take(xmlNode *root, const char *claim);

#endif
