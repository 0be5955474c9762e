/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan may do, by what it is for. */
#ifndef PLAN_POLICY_H
#define PLAN_POLICY_H

#include <stdbool.h>

enum plan_purpose {
    PURPOSE_CHANGE,     /* claims come, go and change, for VMs that are off */
    PURPOSE_ALLOCATE,   /* claims get their devices: their VM is about to start, or came back */
    PURPOSE_HOOK,       /* the same, while libvirt starts the VM and has read its definition */
    PURPOSE_DEALLOCATE, /* claims give their devices back: their VM is off */
    PURPOSE_MODE,       /* a GPU's mode is changed by hand */
    PURPOSE_RESTORE,    /* a boot or a reload of the driver took what claims hold */
    PURPOSE_RECOVER,    /* a GPU failed: a reset or a rescan, and then a restoration */
    PURPOSE_COUNT
};

enum policy_order {
    ORDER_BY_KIND,  /* of all GPUs: take away from the outside in, build from the inside out */
    ORDER_OWN_LAST, /* the rest of the IOMMU group, then the GPU's own steps as they were planned */
};

struct policy {
    bool allocates;    /* claims that come get the devices that are reserved for them; else
                          on-demand ones get no more than a reservation */
    bool exact_device; /* those, and no others */
    bool keeps_claims; /* on-demand claims that go give their devices back and stay pending */
    bool redefines;    /* VMs' definitions follow */
    bool clears;       /* what no claim owns is taken off the GPU, if no VM runs with it */
    bool undoes;       /* a step that fails undoes those before it */
    enum policy_order order;
};

const struct policy *policy_of(enum plan_purpose purpose);

#endif
