/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/drivers.h"

#include "base/attr.h"
#include "driver/libvirt/libvirt_port.h"
#include "driver/nvml/nvml_port.h"
#include "driver/peer/peer_driver.h"
#include "driver/sysfs/sysfs_port.h"

struct driver {
    const char *name;
    void (*open)(struct drivers *drivers, const struct settings *settings);
    void (*close)(struct drivers *drivers);
};

static void nvml_open(struct drivers *drivers, const struct settings *settings)
{
    (void)settings;
    drivers->ports.gpu = nvml_port_new();
}

static void nvml_close(struct drivers *drivers)
{
    drivers->ports.gpu->ops->free(drivers->ports.gpu);
}

static void sysfs_open(struct drivers *drivers, const struct settings *settings)
{
    drivers->ports.pci = sysfs_port_new("", &settings->passthrough_vendors);
}

static void sysfs_close(struct drivers *drivers)
{
    drivers->ports.pci->ops->free(drivers->ports.pci);
}

static void libvirt_open(struct drivers *drivers, const struct settings *settings)
{
    drivers->ports.guest = libvirt_port_new(settings->libvirt_uri);
    drivers->watch_guest = libvirt_port_new(settings->libvirt_uri);
    for (size_t i = 0; i < VM_LINES; i++) { /* each connects when it is needed */
        drivers->vm_guests[i] = libvirt_port_new(settings->libvirt_uri);
    }
    drivers->track_guest = libvirt_port_new(settings->libvirt_uri);
    drivers->move_guest = libvirt_port_new(settings->libvirt_uri);
}

static void libvirt_close(struct drivers *drivers)
{
    drivers->ports.guest->ops->free(drivers->ports.guest);
    drivers->watch_guest->ops->free(drivers->watch_guest);
    for (size_t i = 0; i < VM_LINES; i++) {
        drivers->vm_guests[i]->ops->free(drivers->vm_guests[i]);
    }
    drivers->track_guest->ops->free(drivers->track_guest);
    if (drivers->move_guest != NULL) { /* no one took it */
        drivers->move_guest->ops->free(drivers->move_guest);
    }
}

static void peer_open(struct drivers *drivers, const struct settings *settings)
{
    (void)settings;
    drivers->peer = peer_driver_new();
}

static void peer_close(struct drivers *drivers)
{
    drivers->peer->ops->free(drivers->peer);
}

/* In the order in which they are opened. */
static const struct driver table[] = {
    {.name = "sysfs", .open = sysfs_open, .close = sysfs_close},
    {.name = "nvml", .open = nvml_open, .close = nvml_close},
    {.name = "libvirt", .open = libvirt_open, .close = libvirt_close},
    {.name = "peer", .open = peer_open, .close = peer_close},
};

void drivers_open(struct drivers *drivers, const struct settings *settings)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        table[i].open(drivers, settings);
    }
}

void drivers_close(struct drivers *drivers)
{
    for (size_t i = ARRAY_SIZE(table); i > 0; i--) {
        table[i - 1].close(drivers);
    }
}
