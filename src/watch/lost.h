/* SPDX-License-Identifier: Apache-2.0 */
/* GPUs that left the PCI bus, and are still named. Loop thread only. */
#ifndef WATCH_LOST_H
#define WATCH_LOST_H

struct host;
struct manager;

/* GPUs that left the bus, and are still named (lost.c). Owned by the caller. */
struct host *lost_gpus_find(const struct manager *m);

#endif
