/* SPDX-License-Identifier: Apache-2.0 */
/* What a definition says of the VM's machine that decides where it may move. */
#ifndef DRIVER_LIBVIRT_MACHINE_XML_H
#define DRIVER_LIBVIRT_MACHINE_XML_H

#include "model/host.h"

/* Leaves it unknown when the definition can't be read. */
void machine_xml_read(const char *xml, struct vm_machine *ret_machine);

#endif
