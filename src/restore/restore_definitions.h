/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions of VMs after a restoration: once libvirt answers they follow the devices that came
 * back, and VMs that start with the host, and were refused meanwhile, are started. Loop thread
 * only.
 */
#ifndef RESTORE_RESTORE_DEFINITIONS_H
#define RESTORE_RESTORE_DEFINITIONS_H

#include <stdbool.h>

struct manager;

/* Is a VM off whose definition does not name its claim's device? */
bool restore_definitions_lack_a_device(const struct manager *m);
/* No definition is old any more: starts the VMs that were refused. */
void restore_definitions_are_right(struct manager *m);
/* A restoration ends: notes whether definitions are still to be looked at, and returns what to say
 * of it, "" for nothing. */
const char *restore_definitions_follow(struct manager *m);
/* A VM that libvirt could not start: if it starts with the host, it is started once its definition
 * is right. */
void restore_definitions_note_refused(struct manager *m, const char *vm);

#endif
