/* SPDX-License-Identifier: Apache-2.0 */
/* What libvirt's own test driver tells of a VM that another program changes. */
#include <string.h>

#include "base/str.h"
#include "driver/libvirt/connection.h"
#include "libvirt_fresh.h"
#include "test.h"

#define MAX_SEEN 16

struct seen {
    struct guest_port *port;
    char uuid[VIR_UUID_STRING_BUFLEN];
    size_t n, wanted;
    struct vm_report reports[MAX_SEEN];
};

/* Each look takes what came since the one before. */
static bool all_came(void *data)
{
    struct seen *seen = data;
    CLEANUP(host_freep) struct host *host = observe_driver(seen->port);
    assert_true(host->vm_reports_whole);
    for (vec_each(&host->vm_reports, report)) {
        if (str_eq(report->uuid, seen->uuid)) {
            assert_true(seen->n < MAX_SEEN);
            seen->reports[seen->n++] = *report;
        }
    }
    return seen->n >= seen->wanted;
}

static void libvirt_tells_what_became_of_a_vm_once_and_in_order(void **state)
{
    (void)state;
    static const enum vm_happening wanted[] = {
        VM_HAPPENED_DEFINED, VM_HAPPENED_STARTED, VM_HAPPENED_PAUSED,
        VM_HAPPENED_RESUMED, VM_HAPPENED_KILLED,  VM_HAPPENED_STARTED,
        VM_HAPPENED_STOPPED, VM_HAPPENED_DEFINED, VM_HAPPENED_UNDEFINED,
    };
    struct seen seen = {.port = open_fresh_driver(), .wanted = ARRAY_SIZE(wanted)};
    host_free(observe_driver(seen.port));              /* it has subscribed */
    virConnectPtr other = virConnectOpen(TEST_DRIVER); /* the same hypervisor */
    virDomainPtr domain = virDomainDefineXML(other, TEMPLATE);
    assert_non_null(domain);
    assert_int_equal(virDomainGetUUIDString(domain, seen.uuid), 0);
    assert_int_equal(virDomainCreate(domain), 0);
    assert_int_equal(virDomainSuspend(domain), 0);
    assert_int_equal(virDomainResume(domain), 0);
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_int_equal(virDomainCreate(domain), 0);
    assert_int_equal(virDomainShutdown(domain), 0);
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    virDomainFree(virDomainDefineXML(other, xml));
    assert_int_equal(virDomainUndefine(domain), 0);
    assert_true(await(all_came, &seen));
    assert_int_equal(seen.n, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        if (seen.reports[i].happening != wanted[i]) {
            fail_msg("report %zu is %d: %s", i, (int)seen.reports[i].happening,
                     seen.reports[i].text);
        }
        assert_string_equal(seen.reports[i].name, "template");
        assert_true(seen.reports[i].text[0] != '\0');
    }
    virDomainFree(domain);
    virConnectClose(other);
    seen.port->ops->free(seen.port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libvirt_tells_what_became_of_a_vm_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
