/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole of NVML's C ABI as cleave declares it: the driver calls through these prototypes, the
 * simulated library defines them. Functions return an enum nvml_return as int32_t.
 */
#ifndef NVML_ABI_H
#define NVML_ABI_H

#include "nvml/abi_device.h"
#include "nvml/abi_fabric.h"
#include "nvml/abi_health.h"
#include "nvml/abi_mig.h"
#include "nvml/abi_power.h"
#include "nvml/abi_usage.h"
#include "nvml/abi_vgpu.h"

#define NVML_SONAME "libnvidia-ml.so.1"

/* A library that puts a layer of its own between the exported names and its definitions gives the
 * latter another name in object files by defining this first. */
#ifndef NVML_SYMBOL
#define NVML_SYMBOL(name)
#endif

#define X(name, since, params, args) int32_t name params NVML_SYMBOL(name);
#include "nvml/functions.def"
#undef X

const char *nvmlErrorString(int32_t code);
/* Undocumented; NVIDIA's own tools ask it for tables of function pointers by a 16-byte id. */
int32_t nvmlInternalGetExportTable(const void **table, const void *id);

#endif
