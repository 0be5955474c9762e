/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what cleave made. Private to src/manager; loop thread only. */
#ifndef MANAGER_MADE_H
#define MANAGER_MADE_H

struct hardware_look;
struct manager;

/* The hardware was looked at: what went is let go of, and each vGPU is marked as cleave's or not.
 */
void manager_note_made(struct manager *m, struct hardware_look *look);

#endif
