/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state in which VMs were seen last, kept over restarts of cleaved: what differs then happened
 * while cleaved was not running, and libvirt reported nothing of it. Ordered by UUID.
 */
#ifndef MODEL_KNOWN_VMS_H
#define MODEL_KNOWN_VMS_H

#include "model/host.h"

struct known_vm {
    char uuid[40];
    char name[VM_NAME_SIZE];
    enum vm_state state;
    enum vm_state reported; /* by libvirt's events, which may be behind a look; in memory only */
    uint64_t rebooted_us;   /* likewise, as reported last; 0: never */
};

struct known_vms {
    struct known_vm *items;
    size_t n;
    size_t cap;
};

void known_vms_done(struct known_vms *known);
/* By its UUID, or NULL. */
struct known_vm *known_vms_find(const struct known_vms *known, const char *uuid);
/* Adds the VM, or its new name and state; one without a UUID is none. True if anything is new. What
 * was reported stays, and is the state of one that is added. */
bool known_vms_put(struct known_vms *known, const char *uuid, const char *name,
                   enum vm_state state);
void known_vms_remove(struct known_vms *known, const struct known_vm *vm);

extern const struct schema known_vms_schema;
json_t *known_vms_to_json(const struct known_vms *known);
/* Sets *ret_known only on success; to be ended by known_vms_done(). */
int known_vms_from_stored_json(const json_t *json, struct known_vms *ret_known, struct error *err);

#endif
