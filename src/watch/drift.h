/* SPDX-License-Identifier: Apache-2.0 */
/* What changed on the host without us. Loop thread only. */
#ifndef WATCH_DRIFT_H
#define WATCH_DRIFT_H

struct hardware_look;
struct manager;

/* Records as events how the look differs from manager->host: GPUs, but for those that the running
 * plan touches. */
void drift_note_gpus(struct manager *m, struct hardware_look *look);

#endif
