/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One `-device` argument of QEMU in either of its forms, JSON ({"driver":"vfio-pci","host":…}) or
 * keys and values (vfio-pci,host=…, where ",," is a comma inside a value). Pure text work: what
 * isn't a well-formed assignment of a host device is left for QEMU to judge.
 */
#ifndef SIM_GUEST_DEVICE_ARG_H
#define SIM_GUEST_DEVICE_ARG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define DEVICE_ARG_MAX 4096
#define DEVICE_NAME_SIZE 64

struct device_arg {
    bool is_json;
    char device[DEVICE_NAME_SIZE]; /* what is assigned: a PCI address or an mdev UUID */
    json_t *properties;
};

/* True if `text` assigns a host device with vfio-pci; `ret_arg` then needs device_arg_done(). */
bool device_arg_parse(const char *text, struct device_arg *ret_arg);
void device_arg_done(struct device_arg *arg);

/* Where the memory that stands in for the device lives. */
struct device_memory {
    char path[DEVICE_NAME_SIZE];
    uint64_t bytes;
    bool placeholder; /* no memory: a device stands in that does nothing */
    bool movable; /* else QEMU refuses to migrate the VM, as with a device that VFIO can't move */
};

/* The arguments for -object and -device that put shared memory in the device's place: same id, bus
 * and address, in the form that the device came in. `index` numbers the memory objects. Caller
 * frees. */
char *device_arg_object(const struct device_arg *arg, const struct device_memory *memory,
                        unsigned index);
char *device_arg_stand_in(const struct device_arg *arg, const struct device_memory *memory,
                          unsigned index);
/* Likewise -device for one that does nothing, for a function that no guest of this host uses. */
char *device_arg_placeholder(const struct device_arg *arg);

#endif
