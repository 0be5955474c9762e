/* SPDX-License-Identifier: Apache-2.0 */
/* The halves of the host that are looked at, and who hears of it. */
#ifndef WATCH_SOURCE_H
#define WATCH_SOURCE_H

struct error;
struct manager;

/* Each half is looked at by a worker of its own, one look at a time; of the hardware NVML's part
 * by another one, after sysfs's. */
enum observation_source { SOURCE_HARDWARE, SOURCE_GUESTS, SOURCE_COUNT };

/* `err` is NULL if manager->host is fresh: looked at after the question. */
typedef void observed_fn(struct manager *m, const struct error *err, void *data);

#endif
