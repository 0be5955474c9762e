/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of VMs, by libvirt's lifecycle and reboot events over one connection, kept until a
 * look takes it (https://libvirt.org/html/libvirt-libvirt-domain.html, virDomainEventID). Any
 * thread: events come on the thread of libvirt's event loop (vm_ends_prepare()).
 */
#ifndef DRIVER_LIBVIRT_VM_REPORTS_H
#define DRIVER_LIBVIRT_VM_REPORTS_H

#include <libvirt/libvirt.h>

#include "model/host.h"
#include "port/guest_port.h"

struct vm_reports;

/* From now on, of this connection, which must be opened after vm_ends_prepare(). NULL where libvirt
 * can't. */
struct vm_reports *vm_reports_subscribe(virConnectPtr connection);
/* Calls `changed` after each event that is none of the lifecycle, whose followers hear of those by
 * vm_ends_follow(); NULL: no more, once this has returned. */
void vm_reports_follow(struct vm_reports *reports, guest_changed_fn *changed, void *data);
/* Before the connection is closed. NULL does nothing. */
void vm_reports_unsubscribe(struct vm_reports *reports);
/* Hands over to the host what was reported since the last time. */
void vm_reports_take(struct vm_reports *reports, struct host *host);

#endif
