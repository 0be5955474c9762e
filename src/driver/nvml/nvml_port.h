/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_port over NVML: dlopen of libnvidia-ml.so.1; a missing symbol means "driver too old". */
#ifndef DRIVER_NVML_NVML_PORT_H
#define DRIVER_NVML_NVML_PORT_H

#include "port/gpu_port.h"

/* Never fails for a missing library or driver: observe() reports it and retries later. */
struct gpu_port *nvml_port_new(void);

#endif
