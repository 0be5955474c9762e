/* SPDX-License-Identifier: Apache-2.0 */
/* NVML's own types and functions, as the library defines them. */
#ifndef SIM_NVML_LIBRARY_H
#define SIM_NVML_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The exported names belong to exports.c, which forwards to these definitions. */
#define NVML_SYMBOL(name) __asm__("simulated_" #name)
#include "nvml/abi.h"

#define EXPORT __attribute__((visibility("default")))

#endif
