/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/attr.h"

bool when_gpu_function(const struct ref *ref)
{
    return ref->fn.gpu != NULL;
}

bool when_sriov(const struct ref *ref)
{
    return function_is_gpu(&ref->fn) && ref->fn.gpu->vfs_total > 0;
}

bool when_vf(const struct ref *ref)
{
    return ref->fn.vf != NULL;
}

bool when_driver(const struct ref *ref)
{
    return function_driver(&ref->fn)[0] != '\0';
}

/* The kernel shows `reset` and `reset_method` only where it knows a way. */
bool when_resettable(const struct ref *ref)
{
    return ref->fn.gpu != NULL && !ref->fn.gpu->no_reset;
}

bool when_vfio(const struct ref *ref)
{
    return function_is_vfio(ref->host, &ref->fn);
}

bool when_vendor_vfio(const struct ref *ref)
{
    return ref->fn.vf != NULL && ref->host->iface == SIM_VENDOR_VFIO && ref->host->vgpu_host &&
           function_bound_to(&ref->fn, "nvidia");
}

bool when_mdev_types(const struct ref *ref)
{
    return function_has_mdev_types(ref->host, &ref->fn);
}

uint32_t lives_of_driver(const struct ref *ref)
{
    return ref->host->driver_loads;
}

uint32_t lives_of_mdev(const struct ref *ref)
{
    return ref->mdev->instance;
}

bool when_driver_loaded(const struct ref *ref)
{
    return !ref->host->unloaded;
}

bool when_mdev_host(const struct ref *ref)
{
    return ref->host->iface == SIM_MDEV && ref->host->vgpu_host;
}

bool when_mdev_driver(const struct ref *ref)
{
    return when_mdev_host(ref) && when_driver_loaded(ref);
}

bool when_os_release(const struct ref *ref)
{
    return ref->host->os_id[0] != '\0';
}

bool when_vgpu_host(const struct ref *ref)
{
    return ref->host->vgpu_host;
}

bool when_mig_host(const struct ref *ref)
{
    for (uint32_t i = 0; i < ref->host->n_gpus; i++) {
        if (ref->host->gpus[i].model->profiles.n > 0) {
            return true;
        }
    }
    return false;
}
