/* SPDX-License-Identifier: Apache-2.0 */
/* gpu_port.observe over NVML. */
#ifndef DRIVER_NVML_NVML_OBSERVE_H
#define DRIVER_NVML_NVML_OBSERVE_H

#include "driver/nvml/nvml_board.h"
#include "driver/nvml/nvml_library.h"
#include "model/host.h"

/* `boards` is what the port remembers of earlier looks. */
int nvml_observe(struct nvml *nvml, struct nvml_boards *boards, struct host *host,
                 struct error *err);

#endif
