/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at what cleave made. Loop thread only. */
#ifndef WATCH_MADE_H
#define WATCH_MADE_H

struct hardware_look;
struct manager;

/* The hardware was looked at: what went is let go of, and each vGPU is marked as cleave's or not.
 */
void made_note_look(struct manager *m, struct hardware_look *look);

#endif
