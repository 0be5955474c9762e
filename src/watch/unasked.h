/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that started without libvirt having asked. Loop thread only. */
#ifndef WATCH_UNASKED_H
#define WATCH_UNASKED_H

struct host;
struct manager;

/* Reports VMs that started without the hook having asked. */
void unasked_note(struct manager *m, const struct host *now);

#endif
