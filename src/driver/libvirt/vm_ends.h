/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which VMs libvirt said, by its lifecycle events, were undefined or have ended, over one
 * connection (https://libvirt.org/html/libvirt-libvirt-domain.html, virDomainEventType). Any
 * thread: events come on a thread of libvirt's event loop, which the first subscription starts and
 * which lives as long as the process.
 */
#ifndef DRIVER_LIBVIRT_VM_ENDS_H
#define DRIVER_LIBVIRT_VM_ENDS_H

#include <libvirt/libvirt.h>

#include "model/host.h"
#include "port/guest_port.h"

struct vm_ends;

/* Before the connection is opened: libvirt asks for its event loop then. */
void vm_ends_prepare(void);
/* From now on, of this connection, which must be opened after vm_ends_prepare(). NULL where libvirt
 * can't: then no event is evidence. */
struct vm_ends *vm_ends_subscribe(virConnectPtr connection);
/* Calls `changed` after each event; NULL: no more, once this has returned. */
void vm_ends_follow(struct vm_ends *ends, guest_changed_fn *changed, void *data);
/* Before the connection is closed. NULL does nothing. */
void vm_ends_unsubscribe(struct vm_ends *ends);
/* Adds those that are not among the host's VMs. */
void vm_ends_tell(struct vm_ends *ends, struct host *host);

#endif
