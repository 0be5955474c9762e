/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What NVIDIA's driver says of the licence of a vGPU that runs. The guest's driver takes the
 * licence, and the host's tells of it (NVML API reference, nvmlVgpuInstanceGetLicenseInfo_v2). A
 * vGPU that runs without one has full performance for some time first, 20 minutes for C types, and
 * loses it then (NVIDIA AI Enterprise 8.0, "NVIDIA vGPU for Compute Licensing"). Pure.
 */
#ifndef MODEL_VGPU_LICENCE_H
#define MODEL_VGPU_LICENCE_H

#include <stdint.h>

#include "schema/schema.h"

/* Names are shown and never change. */
enum vgpu_licence_state {
    VGPU_LICENCE_UNKNOWN,       /* the driver does not say it, or contradicts itself */
    VGPU_LICENCE_UNINITIALIZED, /* "uninitialized": the guest's driver has not asked for one yet */
    VGPU_LICENCE_UNRESTRICTED,  /* "unrestricted": none, at full performance still */
    VGPU_LICENCE_RESTRICTED,    /* "restricted": none, and the driver holds the vGPU back */
    VGPU_LICENCE_UNLICENSED,    /* "unlicensed": none; held back or not isn't said */
    VGPU_LICENCE_LICENSED,      /* "licensed" */
    VGPU_LICENCE_STATE_COUNT
};
WORDS_DECLARE(vgpu_licence_state, vgpu_licence_state_words) /* UNKNOWN has no word */

enum vgpu_licence_expiry {
    VGPU_LICENCE_EXPIRY_UNKNOWN,        /* it is not available */
    VGPU_LICENCE_EXPIRY_VALID,          /* "valid": at expires_us */
    VGPU_LICENCE_EXPIRY_PERMANENT,      /* "permanent" */
    VGPU_LICENCE_EXPIRY_NOT_APPLICABLE, /* "not-applicable" */
    VGPU_LICENCE_EXPIRY_INVALID,        /* "invalid": the driver failed to read it */
    VGPU_LICENCE_EXPIRY_COUNT
};
WORDS_DECLARE(vgpu_licence_expiry, vgpu_licence_expiry_words) /* UNKNOWN has no word */

/* All zero: unknown. */
struct vgpu_licence {
    enum vgpu_licence_state state;
    enum vgpu_licence_expiry expiry;
    uint64_t expires_us; /* realtime, UTC; 0 unless the expiry is valid */
};

/* Is it known to run without a licence, and to have asked for one? */
bool vgpu_licence_is_missing(const struct vgpu_licence *licence);
/* "licensed until 2027-01-31", "no licence, restricted"; "" unknown. Returns out. */
#define VGPU_LICENCE_TEXT_SIZE 48
const char *vgpu_licence_text(const struct vgpu_licence *licence, char out[VGPU_LICENCE_TEXT_SIZE]);

/* {state, expiry, expires, text}; null: unknown. */
extern const struct schema vgpu_licence_schema;

/* What the driver says of the licence of one vGPU that runs. */
struct vgpu_licensee {
    char vm_uuid[40];
    char mdev_uuid[40]; /* "" none */
    uint32_t type_id;   /* NO_ID unknown */
    struct vgpu_licence licence;
};

#endif
