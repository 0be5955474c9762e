/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM that is saved has a definition of its own in its saved state. Before it starts, that one
 * names the devices that the stored definition names for the same claims by now; their guest
 * addresses, and all else that the guest saw, stay.
 */
#include "driver/libvirt/connection.h"
#include "driver/libvirt/domain_edit.h"
#include "driver/libvirt/domain_xml.h"

#include "base/str.h"

struct changes {
    struct hostdev_change *items;
    size_t n;
    size_t cap;
};

static const struct hostdev *device_for(const struct hostdevs *devices, const char *claim)
{
    for (vec_each(devices, found)) {
        if (str_eq(found->claim, claim)) {
            return &found->device;
        }
    }
    return NULL;
}

static void compare(const struct hostdevs *saved, const struct hostdevs *stored,
                    struct changes *ret_changes)
{
    for (vec_each(saved, was)) {
        const struct hostdev *now = was->claim[0] != '\0' ? device_for(stored, was->claim) : NULL;
        if (now != NULL && !hostdev_eq(now, &was->device)) {
            struct hostdev_change *change = vec_push(ret_changes);
            *change = (struct hostdev_change){.from = was->device, .to = *now};
            STR_SET(change->claim, was->claim);
        }
    }
}

static int find_changes(virDomainPtr domain, const char *xml, struct changes *ret_changes,
                        struct error *err)
{
    struct hostdevs saved = {0};
    struct hostdevs stored = {0};
    int result = domain_xml_hostdevs(xml, &saved, err);
    result = result != 0 ? result : libvirt_hostdevs(domain, PERSISTENT, &stored, err);
    if (result == 0) {
        compare(&saved, &stored, ret_changes);
    }
    vec_done(&saved);
    vec_done(&stored);
    return result;
}

int saved_state_follow(virDomainPtr domain, const char *vm, struct error *err)
{
    if (virDomainHasManagedSaveImage(domain, 0) != 1) {
        return 0;
    }
    CLEANUP_FREE char *xml =
        virDomainManagedSaveGetXMLDesc(domain, VIR_DOMAIN_SAVE_IMAGE_XML_SECURE);
    if (xml == NULL) {
        return libvirt_error(err, SUBJECT("vm", vm), "reading the saved state of VM \"%s\"", vm);
    }
    struct changes changes = {0};
    CLEANUP_FREE char *edited = NULL;
    int result = find_changes(domain, xml, &changes, err);
    if (result == 0 && changes.n > 0) {
        result = domain_edit_rewrite(xml, changes.items, changes.n, &edited, err);
    }
    vec_done(&changes);
    if (result == 0 && edited != NULL && virDomainManagedSaveDefineXML(domain, edited, 0) < 0) {
        result = libvirt_error(err, SUBJECT("vm", vm),
                               "putting the claims' devices into the saved state of VM \"%s\"", vm);
    }
    if (result < 0) {
        error_hint(
            err,
            "`virsh managedsave-remove %s` deletes the saved state, and the guest's memory with it",
            SHELL_WORD(vm));
    }
    return result;
}

/* False: there is none, or none that can be read. */
static bool read_hostdevs(virDomainPtr domain, struct hostdevs *ret_devices)
{
    CLEANUP_FREE char *xml = virDomainHasManagedSaveImage(domain, 0) == 1
                                 ? virDomainManagedSaveGetXMLDesc(domain, 0)
                                 : NULL;
    return xml != NULL && domain_xml_hostdevs(xml, ret_devices, NULL) == 0;
}

void saved_state_facts(virDomainPtr domain, struct domain_facts *facts)
{
    struct hostdevs saved = {0};
    if (read_hostdevs(domain, &saved)) {
        for (vec_each(&saved, found)) {
            if (found->claim[0] != '\0') {
                struct domain_device *device = vec_push(&facts->saved);
                device->is_mdev = found->device.is_mdev;
                device->addr = found->device.addr;
                STR_SET(device->mdev_uuid, found->device.mdev_uuid);
                STR_SET(device->claim, found->claim);
            }
        }
    }
    vec_done(&saved);
}

void saved_state_devices(virDomainPtr domain, struct vm *vm)
{
    struct hostdevs saved = {0};
    if (read_hostdevs(domain, &saved)) {
        for (vec_each(&saved, found)) {
            struct vm_device *device = vec_push(&vm->saved_devices);
            device->is_mdev = found->device.is_mdev;
            device->addr = found->device.addr;
            device->managed = found->managed;
            STR_SET(device->mdev_uuid, found->device.mdev_uuid);
            STR_SET(device->claim, found->claim);
        }
    }
    vec_done(&saved);
}
