/* SPDX-License-Identifier: Apache-2.0 */
/* Against libvirt's own test driver: a whole hypervisor in the process, without a daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "driver/libvirt/libvirt_port.h"
#include "libvirt_fresh.h"
#include "test.h"

static const struct vm *find(const struct host *host, const char *name)
{
    for (vec_each(&host->vms, vm)) {
        if (str_eq(vm->name, name)) {
            return vm;
        }
    }
    return NULL;
}

static void running_vms_and_the_version_are_observed(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    const struct vm *vm = find(host, "test");
    assert_string_equal(host->libvirt_problem, "");
    assert_true(host->libvirt_version[0] >= '1');
    assert_non_null(vm);
    assert_int_equal(vm->state, VM_RUNNING);
    assert_int_equal(vm->vcpus, 2);
    assert_string_equal(vm->uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
    port->ops->free(port);
}

static void a_vm_is_defined_started_stopped_and_removed(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), -REASON_CONFLICT);
    assert_string_equal(err.message, "a VM \"web1\" exists already");
    struct host *host = observe_driver(port);
    assert_int_equal(find(host, "web1")->state, VM_SHUT_OFF);
    assert_int_equal(find(host, "web1")->mem_kib, 96 * 1024);
    assert_string_equal(host->vms.items[0].name, "test"); /* by name */
    host_free(host);

    assert_int_equal(port->ops->start(port, "web1", &err), 0);
    assert_int_equal(port->ops->start(port, "web1", &err), -REASON_CONFLICT);
    assert_string_equal(err.message, "VM \"web1\" is running already");
    host = observe_driver(port);
    assert_int_equal(find(host, "web1")->state, VM_RUNNING);
    host_free(host);
    assert_int_equal(port->ops->undefine(port, "web1", &err), -REASON_IN_USE);

    bool off = true;
    assert_int_equal(port->ops->stop(port, "web1", GUEST_STOP_LOOK, &off, &err), 0);
    assert_false(off);
    assert_int_equal(port->ops->stop(port, "web1", GUEST_STOP_ASK, &off, &err), 0);
    assert_int_equal(port->ops->stop(port, "web1", GUEST_STOP_LOOK, &off, &err), 0);
    assert_true(off); /* the test driver's guests shut down at once */
    assert_int_equal(port->ops->stop(port, "web1", GUEST_STOP_KILL, &off, &err), 0);
    assert_true(off);
    assert_int_equal(port->ops->undefine(port, "web1", &err), 0);
    assert_int_equal(port->ops->undefine(port, "web1", &err), -REASON_NOT_FOUND);
    assert_string_equal(err.message, "libvirt has no VM \"web1\"");
    port->ops->free(port);
}

static void what_may_be_defined_and_removed_is_known_before(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    assert_int_equal(port->ops->may_define(port, "<domain/>", "web1", &err), -REASON_INVALID);
    assert_int_equal(port->ops->may_define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->may_undefine(port, "web1", &err), -REASON_NOT_FOUND);
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->may_define(port, TEMPLATE, "web1", &err), -REASON_CONFLICT);
    assert_int_equal(port->ops->start(port, "web1", &err), 0);
    assert_int_equal(port->ops->may_undefine(port, "web1", &err), -REASON_IN_USE);
    bool off = false;
    assert_int_equal(port->ops->stop(port, "web1", GUEST_STOP_KILL, &off, &err), 0);
    assert_int_equal(port->ops->may_undefine(port, "web1", &err), 0);
    assert_int_equal(port->ops->undefine(port, "web1", &err), 0);
    port->ops->free(port);
}

static void why_a_vm_cant_be_stopped_is_reported_in_libvirts_words(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct libvirt_port *own = (struct libvirt_port *)port;
    const enum guest_stop hows[] = {GUEST_STOP_ASK, GUEST_STOP_KILL};
    own->connection = virConnectOpenReadOnly(TEST_DRIVER); /* it refuses every change */
    for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
        struct error err = {0};
        bool off = true;
        assert_true(port->ops->stop(port, "test", hows[i], &off, &err) < 0);
        assert_false(off);
        assert_non_null(strstr(err.message, "read only access"));
    }
    port->ops->free(port);
}

/* A step about a whole GPU: a function under a vendor's VFIO driver needs libvirt 10.0. */
static struct step make_step_of(enum step_kind kind, const char *vm, int slot)
{
    struct pci_addr gpu = {.bus = 0x41, .device = (uint8_t)slot};
    struct step step = step_make(kind, &gpu);
    step.device = gpu;
    STR_SET(step.vm, vm);
    return step;
}

static struct step make_step(enum step_kind kind, const char *vm)
{
    return make_step_of(kind, vm, 0);
}

/* The test driver can't change a stored definition, so the device comes with it. What apply() does
 * with the QEMU driver is covered end to end. */
#define DEVICE                                                                                     \
    "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' "         \
    "bus='0x41' slot='0x00' function='0x0'/></source></hostdev>"

static void define_with_device(struct guest_port *port, const char *name)
{
    CLEANUP_FREE char *xml =
        xasprintf("<domain type='test'><name>%s</name><memory>1</memory><os><type>hvm</type></os>"
                  "<devices>" DEVICE "</devices></domain>",
                  name);
    assert_int_equal(libvirt_connect((struct libvirt_port *)port, NULL), 0);
    CLEANUP_DOMAIN virDomainPtr domain =
        virDomainDefineXML(((struct libvirt_port *)port)->connection, xml);
    assert_non_null(domain);
}

static void what_is_there_already_is_not_done_again(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step(STEP_ATTACH, "web1");
    struct step detach = make_step(STEP_DETACH, "web2");
    define_with_device(port, "web1");
    assert_int_equal(port->ops->define(port, TEMPLATE, "web2", &err), 0);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    const struct vm *vm = find(host, "web1");
    assert_int_equal(vm->devices.n, 1);
    assert_true(vm->devices.items[0].persistent);
    assert_false(vm->devices.items[0].live);
    assert_int_equal(port->ops->check(port, &attach, &err), 0);
    assert_int_equal(port->ops->apply(port, &attach, &err), 0);
    assert_int_equal(port->ops->check(port, &detach, &err), 0);
    assert_int_equal(port->ops->apply(port, &detach, &err), 0);
    port->ops->free(port);
}

static void what_libvirt_refuses_is_reported_in_its_words(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step_of(STEP_ATTACH, "web1", 0x3f); /* no such slot */
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->check(port, &attach, &err), 0);
    assert_true(port->ops->apply(port, &attach, &err) < 0);
    assert_true(str_starts(err.message, "putting the device into VM \"web1\": "));

    port->ops->free(port);
}

static void a_claims_device_is_put_in_and_taken_out(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step(STEP_ATTACH, "web1");
    STR_SET(attach.claim, "front_1.a");
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->apply(port, &attach, &err), 0);
    struct host *host = observe_driver(port);
    const struct vm *vm = find(host, "web1");
    assert_int_equal(vm->devices.n, 1);
    assert_string_equal(vm->devices.items[0].claim, "front_1.a");
    assert_true(vm->devices.items[0].managed);
    assert_false(vm->transient);
    assert_false(vm->autostart);
    host_free(host);

    struct step detach = step_undo(&attach);
    assert_int_equal(port->ops->apply(port, &detach, &err), 0);
    host = observe_driver(port);
    assert_int_equal(find(host, "web1")->devices.n, 0);
    host_free(host);
    port->ops->free(port);
}

static void a_renamed_vm_is_found_by_its_uuid(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step(STEP_ATTACH, "web1");
    assert_int_equal(port->ops->define(port, TEMPLATE, "web2", &err), 0);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    STR_SET(attach.vm_uuid, find(host, "web2")->uuid);
    assert_int_equal(port->ops->apply(port, &attach, &err), 0);
    struct host *now = observe_driver(port);
    assert_int_equal(find(now, "web2")->devices.n, 1);
    host_free(now);

    /* Another VM got the name: it has nothing to give back. */
    struct step detach = step_undo(&attach);
    STR_SET(detach.vm, "web1");
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->apply(port, &detach, &err), 0);
    now = observe_driver(port);
    assert_int_equal(find(now, "web2")->devices.n, 0);
    host_free(now);

    /* Defined again, a VM has another UUID under its old name. */
    STR_SET(attach.vm_uuid, "6d2c8b1e-9c1f-4f0e-8f55-0d3e4b7a9c10");
    assert_int_equal(port->ops->apply(port, &attach, &err), 0);
    now = observe_driver(port);
    assert_int_equal(find(now, "web1")->devices.n, 1);
    host_free(now);
    port->ops->free(port);
}

static void a_device_put_in_by_hand_becomes_the_claims(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step(STEP_ATTACH, "web1");
    STR_SET(attach.claim, "web1");
    define_with_device(port, "web1");
    assert_int_equal(port->ops->apply(port, &attach, &err), 0);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    assert_int_equal(find(host, "web1")->devices.n, 1);
    assert_string_equal(find(host, "web1")->devices.items[0].claim, "web1");
    port->ops->free(port);
}

static void definitions_are_read_as_far_as_they_exist(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    char *xml = NULL;
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->read_xml(port, "web1", GUEST_XML_STORED, &xml, &err), 0);
    assert_non_null(strstr(xml, "<name>web1</name>"));
    free(xml);
    assert_int_equal(port->ops->read_xml(port, "web1", GUEST_XML_LIVE, &xml, &err),
                     -REASON_CONFLICT);
    assert_string_equal(err.message, "VM \"web1\" is not running");
    assert_int_equal(port->ops->read_xml(port, "nosuch", GUEST_XML_STORED, &xml, &err),
                     -REASON_NOT_FOUND);
    port->ops->free(port);
}

static void what_does_not_run_is_not_moved(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct guest_progress done = {.job = GUEST_JOB_DONE};
    struct guest_migration migration = {.vm = "web1", .dest_uri = "qemu+ssh://host/system"};
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(port->ops->migrate(port, &migration, &done, &err), -REASON_CONFLICT);
    assert_string_equal(err.message, "VM \"web1\" is not running");
    assert_int_equal(done.job, GUEST_JOB_NONE);
    assert_int_equal(port->ops->migrate_progress(port, "nosuch", &done, &err), -REASON_NOT_FOUND);
    assert_int_equal(port->ops->migrate_cancel(port, "nosuch", &err), -REASON_NOT_FOUND);
    port->ops->free(port);
}

static void a_running_vm_is_left_alone(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step(STEP_ATTACH, "web1");
    struct step detach = make_step(STEP_DETACH, "web1");
    struct step elsewhere = make_step(STEP_ATTACH, "web2");
    define_with_device(port, "web1");
    assert_int_equal(port->ops->define(port, TEMPLATE, "web2", &err), 0);
    assert_int_equal(port->ops->start(port, "web1", &err), 0);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    assert_true(find(host, "web1")->devices.items[0].live);

    assert_int_equal(port->ops->check(port, &attach, &err), 0); /* it is there already */
    assert_int_equal(port->ops->check(port, &detach, &err), -REASON_IN_USE);
    assert_string_equal(err.message,
                        "VM \"web1\" is running, so 0000:41:00.0 can't be added or removed now");
    assert_int_equal(port->ops->apply(port, &detach, &err), -REASON_IN_USE);
    /* Other VMs that have it are not asked for here: a list of the VMs would wait for the hook of
     * each. */
    assert_int_equal(port->ops->check(port, &elsewhere, &err), 0);

    struct step another = make_step_of(STEP_ATTACH, "web1", 1);
    assert_int_equal(port->ops->check(port, &another, &err), -REASON_IN_USE);
    assert_string_equal(err.hint, "stop the VM first: `cleave vm stop web1`");
    port->ops->free(port);
}

static void a_vm_that_is_not_there_can_lose_but_not_get_a_device(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct step attach = make_step(STEP_ATTACH, "nosuch");
    struct step detach = make_step(STEP_DETACH, "nosuch");
    assert_int_equal(port->ops->check(port, &attach, &err), -REASON_NOT_FOUND);
    assert_int_equal(port->ops->check(port, &detach, &err), 0);
    assert_int_equal(port->ops->apply(port, &detach, &err), 0);
    port->ops->free(port);
}

/* As QEMU's driver allows at most; then longer than any name that is kept. */
#define LONG_NAME 247
#define LONGER_NAME 300

static void fill_name(char *out, size_t len, char last)
{
    memset(out, 'v', len - 1);
    out[len - 1] = last;
    out[len] = '\0';
}

static void define_as(struct guest_port *port, const char *name, const char *uuid)
{
    CLEANUP_FREE char *xml =
        xasprintf("<domain type='test'><name>%s</name><uuid>%s</uuid><memory unit='MiB'>96</memory>"
                  "<os><type>hvm</type></os></domain>",
                  name, uuid);
    virConnectPtr connection = ((struct libvirt_port *)port)->connection;
    CLEANUP_DOMAIN virDomainPtr domain = virDomainDefineXML(connection, xml);
    assert_non_null(domain);
}

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"

static void assert_runs_alone(struct guest_port *port, const char *on, const char *off)
{
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    assert_int_equal(host_find_vm(host, on)->state, VM_RUNNING);
    assert_int_equal(host_find_vm(host, off)->state, VM_SHUT_OFF);
}

static void vms_whose_long_names_differ_in_a_letter_are_distinguished(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    char one[LONG_NAME + 1];
    char two[LONG_NAME + 1];
    fill_name(one, LONG_NAME, '1');
    fill_name(two, LONG_NAME, '2');
    assert_int_equal(port->ops->define(port, TEMPLATE, one, &err), 0);
    assert_int_equal(port->ops->define(port, TEMPLATE, two, &err), 0);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    assert_non_null(find(host, one));
    assert_non_null(find(host, two));
    struct step attach = make_step(STEP_ATTACH, two);
    struct step another = make_step_of(STEP_ATTACH, two, 1);
    struct step there = make_step_of(STEP_ATTACH, one, 1);
    assert_int_equal(port->ops->apply(port, &attach, &err), 0);
    assert_int_equal(port->ops->start(port, two, &err), 0);
    assert_runs_alone(port, two, one);
    assert_int_equal(port->ops->check(port, &there, &err), 0); /* it is off */
    assert_int_equal(port->ops->check(port, &another, &err), -REASON_IN_USE);
    assert_string_equal(err.subject + strlen("vm/"), two);
    assert_string_equal(err.hint + strlen("stop the VM first: `cleave vm stop ") + LONG_NAME, "`");
    port->ops->free(port);
}

static void a_vm_whose_name_is_too_long_is_known_by_its_uuid(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    struct domain_facts facts = {0};
    char one[LONGER_NAME + 1];
    char two[LONGER_NAME + 1];
    fill_name(one, LONGER_NAME, '1');
    fill_name(two, LONGER_NAME, '2');
    host_free(observe_driver(port));
    define_as(port, one, UUID_A);
    define_as(port, two, UUID_B);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    assert_string_equal(find(host, UUID_A)->uuid, UUID_A);
    assert_string_equal(find(host, UUID_B)->uuid, UUID_B);
    assert_int_equal(port->ops->start(port, UUID_B, &err), 0);
    assert_runs_alone(port, UUID_B, UUID_A);
    assert_int_equal(port->ops->facts(port, UUID_B, &facts, &err), 0);
    assert_string_equal(facts.name, UUID_B);
    domain_facts_done(&facts);
    port->ops->free(port);
}

static void a_name_that_is_another_vms_uuid_does_not_lead_to_it(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    host_free(observe_driver(port));
    define_as(port, "web1", UUID_A);
    define_as(port, UUID_A, UUID_B);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    assert_string_equal(find(host, "web1")->uuid, UUID_A);
    assert_string_equal(find(host, UUID_B)->uuid, UUID_B);
    assert_null(find(host, UUID_A));
    assert_int_equal(port->ops->start(port, UUID_A, &err), 0);
    assert_runs_alone(port, "web1", UUID_B);
    port->ops->free(port);
}

static void a_definition_says_names_as_they_are(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    static const struct {
        const char *xml, *name;
    } rows[] = {
        {"<name> two words </name>", " two words "},
        {"<name>it&apos;s &lt;a&gt; &amp; \"b\"</name>", "it's <a> & \"b\""},
        {"<name>--help</name>", "--help"},
        {"<name>\xe6\x97\xa5\xe6\x9c\xac</name>", "\xe6\x97\xa5\xe6\x9c\xac"},
        {"<name>a\tb</name>", UUID_A},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct vm vm = {0};
        CLEANUP_FREE char *xml =
            xasprintf("<domain>%s<uuid>" UUID_A "</uuid></domain>", rows[i].xml);
        assert_int_equal(port->ops->describe(port, xml, &vm, &err), 0);
        assert_string_equal(vm.name, rows[i].name);
        assert_string_equal(vm.uuid, UUID_A);
    }
    port->ops->free(port);
}

static void a_vm_that_went_away_is_reported_in_libvirts_words(void **state)
{
    (void)state;
    struct guest_port *port = open_fresh_driver();
    struct error err = {0};
    virDomainPtr domain = NULL;
    bool active = false;
    assert_int_equal(port->ops->define(port, TEMPLATE, "web1", &err), 0);
    assert_int_equal(libvirt_find((struct libvirt_port *)port, "web1", &domain, &err), 0);
    assert_int_equal(port->ops->undefine(port, "web1", &err), 0);
    assert_int_equal(libvirt_is_active(domain, &active, &err), -REASON_NOT_FOUND);
    assert_string_equal(err.subject, "vm/web1");
    assert_true(str_starts(err.message, "asking whether it runs: Domain not found"));
    virDomainFree(domain);
    port->ops->free(port);
}

static void a_missing_libvirt_is_one_sentence_and_no_noise(void **state)
{
    (void)state;
    struct guest_port *port = libvirt_port_new("qemu+unix:///system?socket=/nonexistent/sock");
    struct error err = {0};
    int saved = dup(STDERR_FILENO);
    FILE *noise = tmpfile();
    assert_non_null(noise);
    dup2(fileno(noise), STDERR_FILENO);
    CLEANUP(host_freep) struct host *host = observe_driver(port);
    int started = port->ops->start(port, "web1", &err);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(lseek(fileno(noise), 0, SEEK_END), 0);
    fclose(noise);
    assert_true(str_starts(host->libvirt_problem,
                           "libvirt at \"qemu+unix:///system?socket=/nonexistent/sock\" does not "
                           "answer: "));
    assert_null(strchr(host->libvirt_problem, '\n'));
    assert_int_equal(started, -REASON_UNAVAILABLE);
    assert_int_equal(host->vms.n, 0);
    port->ops->free(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_vms_and_the_version_are_observed),
        cmocka_unit_test(a_vm_is_defined_started_stopped_and_removed),
        cmocka_unit_test(what_may_be_defined_and_removed_is_known_before),
        cmocka_unit_test(why_a_vm_cant_be_stopped_is_reported_in_libvirts_words),
        cmocka_unit_test(what_is_there_already_is_not_done_again),
        cmocka_unit_test(what_libvirt_refuses_is_reported_in_its_words),
        cmocka_unit_test(a_claims_device_is_put_in_and_taken_out),
        cmocka_unit_test(a_renamed_vm_is_found_by_its_uuid),
        cmocka_unit_test(a_device_put_in_by_hand_becomes_the_claims),
        cmocka_unit_test(definitions_are_read_as_far_as_they_exist),
        cmocka_unit_test(what_does_not_run_is_not_moved),
        cmocka_unit_test(a_running_vm_is_left_alone),
        cmocka_unit_test(a_vm_that_is_not_there_can_lose_but_not_get_a_device),
        cmocka_unit_test(vms_whose_long_names_differ_in_a_letter_are_distinguished),
        cmocka_unit_test(a_vm_whose_name_is_too_long_is_known_by_its_uuid),
        cmocka_unit_test(a_name_that_is_another_vms_uuid_does_not_lead_to_it),
        cmocka_unit_test(a_definition_says_names_as_they_are),
        cmocka_unit_test(a_vm_that_went_away_is_reported_in_libvirts_words),
        cmocka_unit_test(a_missing_libvirt_is_one_sentence_and_no_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
