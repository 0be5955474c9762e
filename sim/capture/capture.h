/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a real machine and writes the host file that simulates it. Reads only: sysfs for what is
 * there, NVML for what the driver says. What needs root (instances, on some drivers) is left out
 * without it.
 */
#ifndef SIM_CAPTURE_CAPTURE_H
#define SIM_CAPTURE_CAPTURE_H

#include "base/json.h"
#include "catalog/catalog.h"

struct capture_options {
    bool anonymous; /* leave out host name, UUIDs and serial numbers */
};

/* The host file's document; caller's reference. What could not be captured is said by `warn`, one
 * sentence each. -NOT_FOUND when there is no GPU that the catalog knows. */
int capture_host(const struct catalog *catalog, const struct capture_options *options,
                 void (*warn)(const char *sentence), json_t **ret_document, struct error *err);

#endif
