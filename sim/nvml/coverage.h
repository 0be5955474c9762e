/* SPDX-License-Identifier: Apache-2.0 */
/* Which of NVML's functions are simulated, known by what was linked: no list to keep. */
#ifndef SIM_NVML_COVERAGE_H
#define SIM_NVML_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct coverage {
    const char *name;
    uint32_t since; /* driver branch that first had it; 0: 465 and older */
    bool simulated; /* else it answers NOT_SUPPORTED */
};

/* All of them, in the order of nvml/functions.def. Constant. */
const struct coverage *coverage_all(size_t *ret_n);

#endif
