/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/sysfs/sysfs_port.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/str.h"
#include "driver/sysfs/bind.h"
#include "driver/sysfs/observe.h"
#include "driver/sysfs/reset.h"
#include "driver/sysfs/sriov.h"
#include "driver/sysfs/sysfs.h"
#include "driver/sysfs/vgpu.h"

struct sysfs_port {
    struct pci_port port; /* first */
    struct sysfs sys;
    struct type_names names; /* of who observes */
    pthread_mutex_t lock;
    struct type_names learned; /* under lock: what a step saw, for who observes next */
};

static const struct step_row {
    int (*check)(const struct sysfs *sys, const struct step *step, struct error *err);
    int (*apply)(const struct sysfs *sys, struct step *step, struct error *err);
} steps[STEP_KIND_COUNT] = {
    [STEP_COMPANION_VFIO] = {.check = bind_check_companion_vfio, .apply = bind_companion_vfio},
    [STEP_COMPANION_HOME] = {.check = bind_check_companion_home, .apply = bind_companion_home},
    [STEP_BIND_VFIO] = {.check = bind_check_vfio, .apply = bind_vfio},
    [STEP_BIND_NVIDIA] = {.check = bind_check_nvidia, .apply = bind_nvidia},
    [STEP_SRIOV_ENABLE] = {.check = sriov_check_enable, .apply = sriov_enable},
    [STEP_SRIOV_DISABLE] = {.check = sriov_check_disable, .apply = sriov_disable},
    [STEP_GPU_RESET] = {.check = reset_check_gpu, .apply = reset_gpu},
    [STEP_PCI_RESCAN] = {.check = reset_check_rescan, .apply = reset_rescan},
    [STEP_VGPU_CREATE] = {.check = vgpu_check_create, .apply = vgpu_create},
    [STEP_VGPU_PARAMS] = {.check = vgpu_check_params, .apply = vgpu_set_params},
    [STEP_VGPU_DELETE] = {.check = vgpu_check_delete, .apply = vgpu_delete},
};

static struct sysfs_port *from_port(struct pci_port *port)
{
    return (struct sysfs_port *)port;
}

static int observe(struct pci_port *port, struct host *host, struct error *err UNUSED)
{
    struct sysfs_port *self = from_port(port);
    pthread_mutex_lock(&self->lock);
    observe_learn(&self->names, &self->learned);
    pthread_mutex_unlock(&self->lock);
    observe_host(&self->sys, &self->names, host);
    return 0;
}

static int not_ours(const struct step *step, struct error *err)
{
    return error_set(err, REASON_INTERNAL, step_kind_name(step->kind),
                     "step %s is no change of the PCI side", step_kind_name(step->kind));
}

static int check(struct pci_port *port, const struct step *step, struct error *err)
{
    const struct step_row *row = &steps[step->kind];
    return row->check == NULL ? not_ours(step, err) : row->check(&from_port(port)->sys, step, err);
}

static int apply(struct pci_port *port, struct step *step, struct error *err)
{
    struct sysfs_port *self = from_port(port);
    const struct step_row *row = &steps[step->kind];
    if (row->apply == NULL) {
        return not_ours(step, err);
    }
    if (step->kind == STEP_VGPU_CREATE) {
        struct type_names names = {0};
        observe_names(&self->sys, &names, &step->gpu, &step->device);
        pthread_mutex_lock(&self->lock);
        observe_learn(&self->learned, &names);
        pthread_mutex_unlock(&self->lock);
    }
    return row->apply(&self->sys, step, err);
}

static void port_free(struct pci_port *port)
{
    struct sysfs_port *self = from_port(port);
    vec_done(&self->names);
    vec_done(&self->learned);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

struct pci_port *sysfs_port_new(const char *root, const struct pci_vendors *others)
{
    static const struct pci_port_ops ops = {
        .observe = observe,
        .check = check,
        .apply = apply,
        .free = port_free,
    };
    struct sysfs_port *self = xcalloc(1, sizeof(*self));
    self->port.ops = &ops;
    pthread_mutex_init(&self->lock, NULL);
    self->sys.lock_tries = SYSFS_LOCK_TRIES;
    self->sys.holder_budget_us = SYSFS_HOLDER_BUDGET_US;
    if (others != NULL) {
        self->sys.others = *others;
    }
    /* Too long a root would be cut to another directory: better to find nothing. */
    if (!STR_SET(self->sys.root, root)) {
        STR_SET(self->sys.root, "/nonexistent");
    }
    return &self->port;
}
