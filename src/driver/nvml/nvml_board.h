/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver says that a board can be, asked once and kept: the answers cost some hundred
 * calls, and stay the same while the driver is loaded and MIG mode as it is.
 */
#ifndef DRIVER_NVML_NVML_BOARD_H
#define DRIVER_NVML_NVML_BOARD_H

#include "driver/nvml/nvml_gpu.h"

struct nvml_board_entry {
    char uuid[GPU_UUID_SIZE];
    char driver_version[32];
    uint64_t driver_load;
    bool mig_enabled;
    enum tristate mig_timeslicing;
    struct board board;
};

/* Of one port; used by its observe() only, so by one thread at a time. Zeroed: empty. */
struct nvml_boards {
    VEC(struct nvml_board_entry) entries;
};
void nvml_boards_done(struct nvml_boards *boards);

/* Fills gpu->board, whose UUID, MIG mode and time-slicing are known; nothing where the driver gave
 * no UUID. */
void nvml_boards_fill(struct nvml_boards *boards, const struct nvml_gpu *handle,
                      const struct host *host, struct gpu *gpu);

#endif
