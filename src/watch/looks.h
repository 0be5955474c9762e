/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at the host, as others see them: how many there were, what is late, what is not seen. Loop
 * thread only. */
#ifndef WATCH_LOOKS_H
#define WATCH_LOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/evloop.h"
#include "watch/source.h"

struct guest_port;

/* After so long without an answer from libvirt those who ask go on without: VMs as last seen, and
 * host->libvirt_problem says so. */
#define GUESTS_PATIENCE_US 10000000
/* The same for NVML and sysfs. A driver that was not in use needs a second or two per GPU. */
#define HARDWARE_PATIENCE_US 30000000
/* A reader is answered by then, from what was seen last, with its age. */
#define READ_PATIENCE_US 2000000

/* The manager's looks; nothing is looked at before looks_open(), which starts the workers. */
struct looks *looks_new(void);
/* `on_time`: what their timer calls, with the manager. 0 or -errno. */
int looks_open(struct manager *m, evloop_fn *on_time);
/* Observers that wait for a look are refused. */
void looks_refuse_all(struct manager *m, const struct error *err);
/* As worker_finish() and worker_free(). */
bool looks_finish(struct manager *m, uint64_t until_us);
void looks_close(struct manager *m);
void looks_free(struct looks *looks);

bool looks_under_way(const struct manager *m);
uint64_t looks_patience_us(const struct manager *m, enum observation_source source);
uint64_t looks_read_patience_us(const struct manager *m);

/* The number of the latest look that began, or ended; 0: none has. */
uint64_t looks_begun(const struct manager *m, enum observation_source source);
uint64_t looks_ended(const struct manager *m, enum observation_source source);
/* Has manager->host what a look found? */
bool looks_are_known(const struct manager *m, enum observation_source source);
/* Is the look under way waited for no more? */
bool looks_are_late(const struct manager *m, enum observation_source source);
/* Did the last one fail? */
bool looks_have_failed(const struct manager *m, enum observation_source source);
/* Real time at which the last whole look began; 0: there was none. */
uint64_t looks_seen_us(const struct manager *m, enum observation_source source);
/* Since when calls of looks are under way, monotonic; 0: they are not. */
struct look_calls {
    uint64_t driver_us, pci_us, guests_us;
    uint64_t before_driver_us; /* how long sysfs took, whose turn came before in that look */
};
struct look_calls looks_calls(const struct manager *m);
/* Of GPUs while NVML is late; "": it is not. */
const char *looks_driver_problem(const struct manager *m);
/* Is it late, and has not answered yet? */
bool looks_wait_for_driver(const struct manager *m);

/* `work` on the worker that asks NVML, or that looks at the guests; `done`, if not NULL, on the
 * loop. Without workers nothing happens. */
void looks_ask_driver(struct manager *m, evloop_fn *work, evloop_fn *done, void *data);
void looks_ask_guests(struct manager *m, evloop_fn *work, evloop_fn *done, void *data);
/* The connection of the latter, for that worker alone. */
struct guest_port *looks_guest_port(const struct manager *m);

#endif
