/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the host: what it lacks for VMs with GPUs, and how to get each. */
#ifndef CLI_HOST_CHECKS_H
#define CLI_HOST_CHECKS_H

#include <jansson.h>
#include <stddef.h>

/* Prints a paragraph for each thing that is missing. `host` is the answer of GET /v1/host, `gpus`
 * that of GET /v1/gpus, or NULL: not known. Returns how many are missing. */
size_t host_checks_print(const json_t *host, const json_t *gpus, size_t width);

#endif
