/* SPDX-License-Identifier: Apache-2.0 */
/* VMs' definitions as plans have left them. Loop thread only. */
#ifndef WATCH_DEFINITIONS_H
#define WATCH_DEFINITIONS_H

struct manager;
struct plan;

/* The host as it was seen last gets what the plan's steps did to definitions. */
void definitions_follow_plan(struct manager *m, const struct plan *plan);

#endif
