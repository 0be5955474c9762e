/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every function of NVML, weak: the library exports all names, and a real definition elsewhere
 * takes the place of the one here. So `nm -D` tells what is simulated (T) and what is not (W), and
 * what is not answers NOT_SUPPORTED, as a board without the feature does.
 */
#include "sim/nvml/library.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

static int32_t not_simulated(void)
{
    int r = session_check();
    return r == NVML_SUCCESS ? NVML_ERROR_NOT_SUPPORTED : r;
}

#define X(name, since, params)                                                                     \
    EXPORT __attribute__((weak)) int32_t name params                                               \
    {                                                                                              \
        return not_simulated();                                                                    \
    }
#include "nvml/functions.def"
#undef X
