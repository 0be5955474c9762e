/* SPDX-License-Identifier: Apache-2.0 */
/* What a definition says of its VM, without asking libvirt: a hook script is handed the text. */
#include "driver/libvirt/connection.h"

#include "base/str.h"
#include "driver/libvirt/argument.h"
#include "driver/libvirt/xml_doc.h"

static void add_device(struct vm *vm, const struct found_hostdev *found)
{
    struct vm_device *device = vec_push(&vm->devices);
    device->is_mdev = found->device.is_mdev;
    device->addr = found->device.addr;
    STR_SET(device->mdev_uuid, found->device.mdev_uuid);
    STR_SET(device->claim, found->claim);
    device->managed = found->managed;
    device->live = true;
}

int libvirt_describe(const char *xml, struct vm *ret_vm, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    struct hostdevs devices = {0};
    int result = xml_parse(xml, &doc, err);
    if (result == 0) {
        result = domain_xml_hostdevs(xml, &devices, err);
    }
    if (result != 0) {
        vec_done(&devices);
        return result;
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    struct vm vm = {.state = VM_UNKNOWN};
    xml_domain_names(root, vm.name, vm.uuid);
    for (vec_each(&devices, found)) {
        add_device(&vm, found);
    }
    argument_devices(root, true, false, &vm);
    vec_done(&devices);
    *ret_vm = vm;
    return 0;
}
