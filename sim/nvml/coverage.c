/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/nvml/coverage.h"

#include "nvml/abi.h"

#define X(name, since, params, args)                                                               \
    extern __attribute__((weak, visibility("hidden"))) __typeof__(name) simulated_##name;
#include "nvml/functions.def"
#undef X

#define X(name, since, params, args) +1
enum {
    N_FUNCTIONS = 0
#include "nvml/functions.def"
};
#undef X

const struct coverage *coverage_all(size_t *ret_n)
{
    static struct coverage all[N_FUNCTIONS];
    size_t n = 0;
#define X(symbol, first, params, args)                                                             \
    all[n++] = (struct coverage){                                                                  \
        .name = #symbol, .since = (first), .simulated = simulated_##symbol != NULL};
#include "nvml/functions.def"
#undef X
    *ret_n = n;
    return all;
}
