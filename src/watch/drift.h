/* SPDX-License-Identifier: Apache-2.0 */
/* What changed on the host without us. Loop thread only. */
#ifndef WATCH_DRIFT_H
#define WATCH_DRIFT_H

struct hardware_look;
struct host;
struct manager;

/* Records as events how `now` differs from manager->host: GPUs, but for those that the running plan
 * touches; VMs, but for those whose change is expected. */
void manager_note_gpu_drift(struct manager *m, struct hardware_look *look);
void manager_note_vm_drift(struct manager *m, const struct host *now);

#endif
