/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a plan through the driver for the PCI side, without a daemon: lab-step bind-vfio
 * 0000:03:00.0. For devices that are no GPUs, and so no business of cleaved's. */
#include <stdio.h>

#include "driver/sysfs/sysfs_port.h"

int main(int argc, char **argv)
{
    struct pci_addr addr;
    enum step_kind kind = STEP_KIND_COUNT;
    if (argc != 3 || !step_kind_parse(argv[1], &kind) || !pci_addr_parse(argv[2], &addr)) {
        fprintf(stderr, "usage: lab-step KIND BDF\n");
        return 2;
    }
    struct pci_port *port = sysfs_port_new("", NULL);
    struct step step = step_make(kind, &addr);
    struct error err = {0};
    int r = port->ops->check(port, &step, &err);
    if (r == 0) {
        r = port->ops->apply(port, &step, &err);
    }
    port->ops->free(port);
    if (r != 0) {
        printf("%s: %s\n", reason_name(err.reason), err.message);
        return reason_exit_status(err.reason);
    }
    puts("ok");
    return 0;
}
