/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what src/lint judges out of a definition. Pure. */
#ifndef DRIVER_LIBVIRT_FACTS_XML_H
#define DRIVER_LIBVIRT_FACTS_XML_H

#include "model/domain_facts.h"

/* `capabilities` is libvirt's description of the host, for which CPU is on which NUMA node; NULL:
 * not known. Does not fill running, transient and autostart. domain_facts_done() frees, also after
 * an error. */
int facts_xml_read(const char *xml, const char *capabilities, struct domain_facts *ret_facts,
                   struct error *err);

#endif
