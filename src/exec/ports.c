/* SPDX-License-Identifier: Apache-2.0 */
#include "exec/ports.h"

#include <unistd.h>

#include "model/host_derive.h"

int ports_observe_pci(struct pci_port *port, struct host **ret_host, struct error *err)
{
    CLEANUP(host_freep) struct host *host = host_new();
    if (gethostname(host->name, sizeof(host->name) - 1) != 0) {
        host->name[0] = '\0'; /* unknown */
    }
    int r = port->ops->observe(port, host, err);
    if (r == 0) {
        *ret_host = TAKE_PTR(host);
    }
    return r;
}

int ports_observe_guests(struct guest_port *port, struct host **ret_host, struct error *err)
{
    CLEANUP(host_freep) struct host *host = host_new();
    int r = port->ops->observe(port, host, err);
    if (r == 0) {
        *ret_host = TAKE_PTR(host);
    }
    return r;
}

int ports_observe(const struct ports *ports, struct host **ret_host, struct error *err)
{
    CLEANUP(host_freep) struct host *host = NULL;
    CLEANUP(host_freep) struct host *guests = NULL;
    int r = ports_observe_pci(ports->pci, &host, err);
    if (r == 0) {
        r = ports->gpu->ops->observe(ports->gpu, host, err);
    }
    if (r == 0) {
        r = ports_observe_guests(ports->guest, &guests, err);
    }
    if (r != 0) {
        return r;
    }
    host_take_guests(host, guests);
    host_derive(host);
    *ret_host = TAKE_PTR(host);
    return 0;
}

int ports_check(const struct ports *ports, const struct step *step, struct error *err)
{
    switch (step_kind_port(step->kind)) {
    case PORT_GPU:
        return ports->gpu->ops->check(ports->gpu, step, err);
    case PORT_PCI:
        return ports->pci->ops->check(ports->pci, step, err);
    case PORT_GUEST:
        return ports->guest->ops->check(ports->guest, step, err);
    }
    return error_set(err, REASON_INTERNAL, "step", "step kind %d has no port", (int)step->kind);
}

/* Steps that unbind or reset a GPU, or that the driver refuses while someone has it open. */
static const bool requires_exclusive_gpu[STEP_KIND_COUNT] = {
    [STEP_GPU_RESET] = true,    [STEP_PCI_RESCAN] = true,    [STEP_BIND_VFIO] = true,
    [STEP_BIND_NVIDIA] = true,  [STEP_MIG_ENABLE] = true,    [STEP_MIG_DISABLE] = true,
    [STEP_SRIOV_ENABLE] = true, [STEP_SRIOV_DISABLE] = true,
};

bool ports_needs_quiet(enum step_kind kind)
{
    return kind < STEP_KIND_COUNT && requires_exclusive_gpu[kind];
}

static void pause_watch(const struct ports *ports, const struct step *step, bool on)
{
    if (ports_needs_quiet(step->kind) && ports->gpu->ops->pause_watch != NULL) {
        ports->gpu->ops->pause_watch(ports->gpu, on);
    }
}

static int apply(const struct ports *ports, struct step *step, struct error *err)
{
    switch (step_kind_port(step->kind)) {
    case PORT_GPU:
        return ports->gpu->ops->apply(ports->gpu, step, err);
    case PORT_PCI:
        return ports->pci->ops->apply(ports->pci, step, err);
    case PORT_GUEST:
        return ports->guest->ops->apply(ports->guest, step, err);
    }
    return error_set(err, REASON_INTERNAL, "step", "step kind %d has no port", (int)step->kind);
}

int ports_apply(const struct ports *ports, struct step *step, struct error *err)
{
    pause_watch(ports, step, true);
    int r = apply(ports, step, err);
    pause_watch(ports, step, false);
    return r;
}
