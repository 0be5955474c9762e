/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libvirt keeps for a VM that is off, next to its definition: while there is any of it,
 * libvirt doesn't undefine the VM unless asked to throw that away, too (libvirt,
 * src/qemu/qemu_driver.c, qemuDomainUndefineFlags()). cleave throws none of it away.
 */
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "driver/libvirt/connection.h"

/* The file of its firmware's variables, if it is there. */
static bool has_nvram(virDomainPtr domain, char *ret_path, size_t size)
{
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    CLEANUP_DOC xmlDoc *doc = NULL;
    if (xml == NULL || xml_parse(xml, &doc, NULL) != 0) {
        return false;
    }
    const xmlNode *nvram = xml_child(xml_child(xmlDocGetRootElement(doc), "os"), "nvram");
    bool named = nvram != NULL && (xml_get(xml_child(nvram, "source"), "file", ret_path, size) ||
                                   xml_content(nvram, ret_path, size));
    return named && ret_path[0] == '/' && access(ret_path, F_OK) == 0;
}

int libvirt_may_undefine(virDomainPtr domain, const char *vm, struct error *err)
{
    char path[4096] = "";
    const char *what = NULL;
    const char *how = NULL;
    bool active = false;
    int result = libvirt_is_active(domain, &active, err);
    if (result < 0) {
        return result;
    }
    if (active) {
        error_set(err, REASON_IN_USE, SUBJECT("vm", vm), "VM \"%s\" is running", vm);
        error_hint(err, "stop it first: `cleave vm stop %s`", SHELL_ARG(vm));
        return -REASON_IN_USE;
    }
    if (virDomainHasManagedSaveImage(domain, 0) == 1) {
        what = "a saved state, with the guest's memory";
        how = "managedsave-remove";
    } else if (virDomainSnapshotNum(domain, 0) > 0) {
        what = "snapshots";
        how = "snapshot-list";
    } else if (virDomainListAllCheckpoints(domain, NULL, 0) > 0) {
        what = "checkpoints";
        how = "checkpoint-list";
    } else if (has_nvram(domain, path, sizeof(path))) {
        error_set(err, REASON_IN_USE, SUBJECT("vm", vm),
                  "VM \"%s\" can't be deleted: its firmware's variables are kept in %s", vm, path);
        error_hint(
            err,
            "`virsh undefine --nvram %s` deletes the VM and that file; `--keep-nvram` leaves "
            "the file",
            SHELL_WORD(vm));
        return -REASON_IN_USE;
    }
    if (what == NULL) {
        return 0;
    }
    error_set(err, REASON_IN_USE, SUBJECT("vm", vm), "VM \"%s\" can't be deleted: it has %s", vm,
              what);
    error_hint(err,
               strcmp(how, "managedsave-remove") == 0
                   ? "start and stop the VM, or delete the state: `virsh %s %s`"
                   : "`virsh %s %s` shows them; if they are not needed, delete them first",
               how, SHELL_WORD(vm));
    return -REASON_IN_USE;
}
