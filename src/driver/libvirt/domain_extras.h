/* SPDX-License-Identifier: Apache-2.0 */
/* Elements next to a claim's <hostdev> (domain_edit.h): kept in step with the devices noted in
 * <metadata>. */
#ifndef DRIVER_LIBVIRT_DOMAIN_EXTRAS_H
#define DRIVER_LIBVIRT_DOMAIN_EXTRAS_H

#include "driver/libvirt/attachment.h"

/* cleave's own element in <metadata>; NULL without one. */
xmlNode *domain_extras_notes(const xmlNode *root);
xmlNode *domain_extras_make_notes(xmlNode *root);

/* Notes the device, instead of what was noted for its claim before. */
void domain_extras_note(xmlNode *root, const struct attachment *attachment);
void domain_extras_forget(xmlNode *root, const char *claim);
/* Adds, changes or removes the window and the NUMA hint as the noted devices need; drops the
 * metadata with the last of them. What is there without being noted is a person's and stays. */
void domain_extras_settle(xmlNode *root, unsigned n_host_nodes);

/* For another host, where the node may not be: takes a noted hint away, and nothing else. */
void domain_extras_drop_hint(xmlNode *root);
/* For a template: forgets all notes, and what they stand for. */
void domain_extras_clear(xmlNode *root);

/* Sets *ret_kib to what cleave noted of the window, 0 if nothing; true if it noted a NUMA hint. */
bool domain_extras_noted(const xmlNode *root, uint64_t *ret_kib);

#endif
