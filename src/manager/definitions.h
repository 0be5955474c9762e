/* SPDX-License-Identifier: Apache-2.0 */
/* VMs' definitions as plans have left them. Private to src/manager; loop thread only. */
#ifndef MANAGER_DEFINITIONS_H
#define MANAGER_DEFINITIONS_H

struct manager;
struct plan;

/* The host as it was seen last gets what the plan's steps did to definitions. */
void manager_note_definitions(struct manager *m, const struct plan *plan);

#endif
