/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xids and ECC errors as the driver reports them (nvmlEventSetWait), on a thread of its own.
 *
 * A process that has NVML open keeps every GPU from being unbound: sriov-manage says "Cannot obtain
 * unbindLock", and neither the driver's modules can be unloaded nor a GPU be reset. So the watch
 * holds NVML open only while VMs run with vGPUs, when none of that could be done anyway, and
 * registers only those VMs' GPUs; when the last has gone it lets go within NVML_WATCH_LOOK_MS. For
 * cleaved's own steps on other GPUs it lets go when asked to (pause_watch). GPUs without vGPUs in
 * use are looked at with each observation instead.
 *
 * The thread has a library handle of its own, so nothing is shared with the port's worker but what
 * is under the lock. A driver that went away is asked for again every NVML_WATCH_RETRY_MS.
 */
#ifndef DRIVER_NVML_NVML_WATCH_H
#define DRIVER_NVML_NVML_WATCH_H

#include "port/gpu_port.h"

#define NVML_WATCH_WAIT_MS 100 /* one wait for an event: how long pause_watch() may take */
#define NVML_WATCH_LOOK_MS 1000
#define NVML_WATCH_RETRY_MS 5000

struct nvml_watch;

/* Starts the thread, idle until there is something to watch. 0 or -errno. */
int nvml_watch_new(gpu_report_fn *fn, void *data, struct nvml_watch **ret_watch);
/* Returns when the thread has ended. Accepts NULL. */
void nvml_watch_free(struct nvml_watch *watch);
/* The GPUs to watch from now on. Any thread. */
void nvml_watch_set(struct nvml_watch *watch, const struct pci_addr *gpus, size_t n);
/* See gpu_port.h. Any thread but the watch's own. */
void nvml_watch_hush(struct nvml_watch *watch, bool on);

#endif
