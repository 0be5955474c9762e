/* SPDX-License-Identifier: Apache-2.0 */
/* What the NVIDIA driver says of the machine, through NVML as it is installed. */
#ifndef SIM_CAPTURE_DRIVER_H
#define SIM_CAPTURE_DRIVER_H

#include "base/json.h"
#include "base/pci.h"
#include "catalog/catalog.h"

struct driver;

/* NULL without a driver; *ret_why then says why, in a static text. */
struct driver *driver_open(const char **ret_why);
void driver_close(struct driver *driver);
DEFINE_FREEP(struct driver *, driver_close)

bool driver_version(struct driver *driver, char out[32]);

/* Adds uuid, serial, mig and instances of the GPU to its entry. `names`: UUID and serial, too. */
void driver_describe(struct driver *driver, const struct pci_addr *addr,
                     const struct gpu_model *model, bool names, json_t *gpu);
/* May the hypervisor slice GPU instances in time? True where no GPU could. */
bool driver_mig_timeslicing(struct driver *driver);

#endif
