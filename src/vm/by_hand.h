/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that people put into definitions: can libvirt give them to their VM? Loop thread only. */
#ifndef VM_BY_HAND_H
#define VM_BY_HAND_H

#include <stdbool.h>

struct claim;
struct error;
struct manager;
struct vm;
struct vm_device;

/* The claim that holds the device, or something on the GPU that the device is; NULL: none. */
const struct claim *by_hand_find_holder(const struct manager *m, const struct vm_device *device);
/* Refuses to start a VM whose stored definition (of one that is saved: its saved state) names a
 * device that no claim of its own has and libvirt could not give to it (by_hand.c): -CONFLICT or
 * -IN_USE. What isn't known refuses nothing.
 */
int by_hand_refuse(const struct manager *m, const struct vm *vm, struct error *err);
/* Does libvirt take a whole GPU from its driver when the VM starts, which it can't while a program
 * has it open? */
bool by_hand_takes_gpu(const struct manager *m, const struct vm *vm);

#endif
