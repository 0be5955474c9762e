/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that change without cleaved: libvirt's events begin a look at the guests, so that claims
 * follow within a second or two, and not at the next look of the clock. Loop thread only. */
#ifndef WATCH_VM_EVENTS_H
#define WATCH_VM_EVENTS_H

struct manager;

/* Before anything is looked at. 0 or -errno. */
int vm_events_open(struct manager *m);
/* Once the workers that look have ended. */
void vm_events_close(struct manager *m);

#endif
