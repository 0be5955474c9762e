/* SPDX-License-Identifier: Apache-2.0 */
#include "model/known_vms.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

#define MAX_KNOWN_VMS 4096

void known_vms_done(struct known_vms *known)
{
    vec_done(known);
}

/* The first that is not below `uuid`. */
static size_t place_of(const struct known_vms *known, const char *uuid)
{
    size_t low = 0;
    size_t high = known->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcasecmp(known->items[middle].uuid, uuid) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct known_vm *known_vms_find(const struct known_vms *known, const char *uuid)
{
    size_t i = place_of(known, uuid);
    return i < known->n && str_eq_case(known->items[i].uuid, uuid) ? &known->items[i] : NULL;
}

bool known_vms_put(struct known_vms *known, const char *uuid, const char *name, enum vm_state state)
{
    struct known_vm *vm = known_vms_find(known, uuid);
    if (uuid[0] == '\0' || (vm == NULL && known->n == MAX_KNOWN_VMS)) {
        return false;
    }
    if (vm != NULL && vm->state == state && str_eq(vm->name, name)) {
        return false;
    }
    if (vm == NULL) {
        size_t at = place_of(known, uuid);
        (void)vec_push(known);
        vm = &known->items[at];
        memmove(vm + 1, vm, (known->n - 1 - at) * sizeof(*vm));
        *vm = (struct known_vm){.reported = state};
        STR_SET(vm->uuid, uuid);
    }
    STR_SET(vm->name, name);
    vm->state = state;
    return true;
}

void known_vms_remove(struct known_vms *known, const struct known_vm *vm)
{
    vec_remove(known, (size_t)(vm - known->items));
}

/* ---- stored ---- */

static const struct field vm_fields[] = {
    FIELD_STRING(struct known_vm, uuid, "uuid", FACE_STORE, .required = true),
    FIELD_STRING(struct known_vm, name, "name", FACE_STORE, .required = true),
    FIELD_WORD(struct known_vm, state, "state", vm_state, FACE_STORE, .required = true),
};
static const struct schema known_vm_schema = SCHEMA(known_vm, vm_fields);

static const struct field vms_fields[] = {
    /* The struct is the list. */
    {.key = "vms",
     .kind = KIND_LIST,
     .offset = offsetof(struct known_vms, items),
     .schema = &known_vm_schema,
     .max = MAX_KNOWN_VMS,
     .required = true,
     .faces = FACE_STORE},
};
const struct schema known_vms_schema = SCHEMA(known_vms, vms_fields);

json_t *known_vms_to_json(const struct known_vms *known)
{
    return schema_to_json(&known_vms_schema, known, FACE_STORE);
}

int known_vms_from_stored_json(const json_t *json, struct known_vms *ret_known, struct error *err)
{
    const struct schema_input in = {.json = json, .origin = "stored VMs", .face = FACE_STORE};
    struct known_vms read = {0};
    struct known_vms known = {0};
    int r = schema_parse(&known_vms_schema, &in, &read, err);
    for (size_t i = 0; r == 0 && i < read.n; i++) { /* in order, whatever theirs was */
        const struct known_vm *vm = &read.items[i];
        (void)known_vms_put(&known, vm->uuid, vm->name, vm->state);
    }
    known_vms_done(&read);
    if (r == 0) {
        *ret_known = known;
    }
    return r;
}
