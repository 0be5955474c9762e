/* SPDX-License-Identifier: Apache-2.0 */
/* What changed on the host without us. Loop thread only. */
#ifndef WATCH_DRIFT_H
#define WATCH_DRIFT_H

struct hardware_look;
struct host;
struct manager;

/* Records as events how `now` differs from manager->host: GPUs, but for those that the running plan
 * touches; VMs, but for those whose change is expected. */
void drift_note_gpus(struct manager *m, struct hardware_look *look);
void drift_note_vms(struct manager *m, const struct host *now);

#endif
