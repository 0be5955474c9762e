/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that a VM's definition names, as the host has it: where it is, and whether libvirt can
 * give it to the VM. One judge for who starts VMs and for who judges definitions. What could not be
 * read is unknown, and no fault. Pure.
 */
#ifndef MODEL_HOST_DEVICE_H
#define MODEL_HOST_DEVICE_H

#include "model/host.h"

enum host_device_state {
    HOST_DEVICE_UNKNOWN,     /* something that would tell could not be read */
    HOST_DEVICE_READY,       /* nothing known speaks against it */
    HOST_DEVICE_NO_MDEV,     /* no mdev has the UUID */
    HOST_DEVICE_NO_FUNCTION, /* no PCI function has the address */
    HOST_DEVICE_VF_OFF,      /* a GPU's virtual function, which is not enabled */
    HOST_DEVICE_NO_VGPU,     /* a vendor's VFIO driver has it, and no vGPU is made there */
    HOST_DEVICE_WITH_HOST, /* a driver of the host's has it, from which libvirt is not to take it */
    HOST_DEVICE_SHARED_OUT,  /* a GPU whose virtual functions keep it with the host's driver */
    HOST_DEVICE_OLD_LIBVIRT, /* a vendor's VFIO driver has it, which this libvirt can't assign */
};

/* All borrowed of the host. */
struct host_device {
    enum host_device_state state;
    const struct gpu *gpu;   /* that it is, or is of; NULL: of no GPU that is there */
    bool whole;              /* it is the GPU */
    const struct vf *vf;     /* the enabled virtual function, or NULL */
    const struct vgpu *vgpu; /* that stands there now, or NULL */
};

struct host_device host_device_find(const struct host *host, const struct vm_device *device);
/* Is that a state in which libvirt refuses to start the VM? */
bool host_device_bars(enum host_device_state state);
/* Is libvirt older than the first that assigns functions under a vendor's VFIO driver, with
 * managed='yes' or 'no'? Unknown: no. */
bool host_libvirt_is_old(const struct host *host, bool managed);

#endif
