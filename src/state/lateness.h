/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that have not answered: which one, since when, and which call keeps it. Loop thread only.
 */
#ifndef STATE_LATENESS_H
#define STATE_LATENESS_H

#include <stdint.h>

#include "exec/runner.h"

struct manager;

#define WHEN_SIZE 24
/* "2026-11-21T05:30:12Z", from real time; returns `out`. */
const char *lateness_when(uint64_t monotonic_us, char out[WHEN_SIZE]);
#define LATE_TEXT_SIZE 224
/* What NVML's answer is late for, as a sentence without its end: NVML hangs, or a step does that
 * keeps it closed. *ret_who is whose call it is that hangs. `asked_us`: since when it is asked,
 * monotonic. Returns out.
 */
const char *lateness_of_driver(const struct manager *m, uint64_t asked_us, const char **ret_who,
                               char out[LATE_TEXT_SIZE]);
const char *lateness_port_name(enum port_kind port); /* "NVML", "sysfs", "libvirt" */
/* -UNAVAILABLE while a plan waits for a call of that port. */
int lateness_check_port(const struct manager *m, enum port_kind port, struct error *err);

#endif
