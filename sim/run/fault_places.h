/* SPDX-License-Identifier: Apache-2.0 */
/* The places that a fault's `at` may name: functions of NVML, and files of the simulated kernel. */
#ifndef SIM_RUN_FAULT_PLACES_H
#define SIM_RUN_FAULT_PLACES_H

#include <stdbool.h>

/* Can any call be at that place? Tools are the state's own (sim/state/fault.h). */
bool fault_places_have(const char *at);

#endif
