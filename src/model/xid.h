/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver's own error numbers mean for who uses the GPU: NVIDIA's Xid catalog, "Resolution
 * Bucket (Immediate Action)" (docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html).
 */
#ifndef MODEL_XID_H
#define MODEL_XID_H

#include <stdbool.h>
#include <stdint.h>

/* In order of severity. */
enum xid_effect {
    XID_NOTE,   /* nothing to do about the GPU (IGNORE), or the number does not say */
    XID_VM,     /* a program or its VM must be restarted; the GPU is sound */
    XID_RESET,  /* the GPU must be reset */
    XID_REBOOT, /* the host must be restarted */
};

struct xid {
    uint32_t number;
    enum xid_effect effect;
    const char *text; /* the catalog's description */
};

/* A number that the catalog doesn't have, or has as unused, is an XID_NOTE. */
struct xid xid_find(uint32_t number);
/* Must nothing new go to a GPU that reported it? */
bool xid_condemns(const struct xid *xid);
/* "the program or VM that caused it must be restarted; the GPU is sound" */
const char *xid_advice(const struct xid *xid);

#endif
