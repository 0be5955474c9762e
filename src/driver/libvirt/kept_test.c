/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt keeps for a VM that is off, against libvirt's own test driver, whose VMs can have
 * each of it without a disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "libvirt_fresh.h"
#include "test.h"

#define VM(more)                                                                                   \
    "<domain type='test'><name>template</name><memory unit='MiB'>96</memory><vcpu>1</vcpu><os>"    \
    "<type>hvm</type>" more "</os><devices><disk type='file'><source file='/no/such/disk'/>"       \
    "<target dev='vda'/></disk></devices></domain>"

struct scene {
    struct guest_port *port;
    virDomainPtr domain;
};

static void begin(struct scene *scene, const char *xml)
{
    struct error err = {0};
    scene->port = open_fresh_driver();
    assert_int_equal(scene->port->ops->define(scene->port, xml, "my vm", &err), 0);
    struct libvirt_port *own = (struct libvirt_port *)(void *)scene->port;
    assert_int_equal(libvirt_find(own, "my vm", &scene->domain, &err), 0);
}

static void assert_refused(const struct scene *scene, const char *what, const char *hint)
{
    struct guest_port *port = scene->port;
    for (int i = 0; i < 2; i++) {
        struct error err = {0};
        int r = i == 0 ? port->ops->may_undefine(port, "my vm", &err)
                       : port->ops->undefine(port, "my vm", &err);
        assert_int_equal(r, -REASON_IN_USE);
        assert_non_null(strstr(err.message, "VM \"my vm\" can't be deleted: it"));
        assert_non_null(strstr(err.message, what));
        assert_non_null(strstr(err.hint, hint));
    }
}

/* Nothing else was in the way. */
static void end(struct scene *scene)
{
    struct error err = {0};
    virDomainFree(scene->domain);
    assert_int_equal(scene->port->ops->may_undefine(scene->port, "my vm", &err), 0);
    assert_int_equal(scene->port->ops->undefine(scene->port, "my vm", &err), 0);
    scene->port->ops->free(scene->port);
}

static void a_vm_with_a_saved_state_is_not_deleted(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, VM(""));
    assert_int_equal(virDomainCreate(scene.domain), 0);
    assert_int_equal(virDomainManagedSave(scene.domain, 0), 0);
    assert_refused(&scene, "has a saved state", "`virsh managedsave-remove 'my vm'`");
    assert_int_equal(virDomainManagedSaveRemove(scene.domain, 0), 0);
    end(&scene);
}

static void a_vm_with_a_snapshot_is_not_deleted(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, VM(""));
    virDomainSnapshotPtr snapshot = virDomainSnapshotCreateXML(
        scene.domain, "<domainsnapshot><name>s</name></domainsnapshot>", 0);
    assert_non_null(snapshot);
    assert_refused(&scene, "has snapshots", "`virsh snapshot-list 'my vm'`");
    assert_int_equal(virDomainSnapshotDelete(snapshot, 0), 0);
    virDomainSnapshotFree(snapshot);
    end(&scene);
}

static void a_vm_with_a_checkpoint_is_not_deleted(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, VM(""));
    assert_int_equal(virDomainCreate(scene.domain), 0); /* of one that is off there is none */
    virDomainCheckpointPtr checkpoint = virDomainCheckpointCreateXML(
        scene.domain,
        "<domaincheckpoint><name>c</name><disks><disk name='vda' checkpoint='bitmap'/></disks>"
        "</domaincheckpoint>",
        0);
    assert_non_null(checkpoint);
    assert_int_equal(virDomainDestroy(scene.domain), 0);
    assert_refused(&scene, "has checkpoints", "`virsh checkpoint-list 'my vm'`");
    assert_int_equal(virDomainCheckpointDelete(checkpoint, 0), 0);
    virDomainCheckpointFree(checkpoint);
    end(&scene);
}

static void refuse_nvram(const char *xml, const char *path)
{
    struct scene scene;
    begin(&scene, xml);
    assert_refused(&scene, path, "`virsh undefine --nvram 'my vm'`");
    assert_int_equal(unlink(path), 0); /* without the file nothing is kept */
    end(&scene);
}

static void make_file(char *path)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

#define LOADER "<loader readonly='yes' type='pflash'>/no/such/firmware</loader>"

static void a_vm_with_a_file_of_firmware_variables_is_not_deleted(void **state)
{
    (void)state;
    char path[] = "/tmp/cleave-nvram-XXXXXX";
    make_file(path);
    CLEANUP_FREE char *xml = xasprintf(VM(LOADER "<nvram>%s</nvram>"), path);
    refuse_nvram(xml, path);
}

static void nor_one_whose_definition_writes_it_as_a_source(void **state)
{
    (void)state;
    char path[] = "/tmp/cleave-nvram-XXXXXX";
    make_file(path);
    CLEANUP_FREE char *xml =
        xasprintf(VM(LOADER "<nvram type='file'><source file='%s'/></nvram>"), path);
    refuse_nvram(xml, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vm_with_a_saved_state_is_not_deleted),
        cmocka_unit_test(a_vm_with_a_snapshot_is_not_deleted),
        cmocka_unit_test(a_vm_with_a_checkpoint_is_not_deleted),
        cmocka_unit_test(a_vm_with_a_file_of_firmware_variables_is_not_deleted),
        cmocka_unit_test(nor_one_whose_definition_writes_it_as_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
