/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "driver/libvirt/machine_xml.h"
#include "test.h"

static void what_decides_where_a_vm_may_move_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *inside;
        struct vm_machine machine;
    } rows[] = {
        {"", {.known = true}},
        {"<cpu mode='host-passthrough'><topology sockets='1' cores='4' threads='2'/></cpu>",
         {.known = true, .host_cpu = true, .threads = 2}},
        {"<cpu mode='host-model'/><devices><iommu model='intel'/></devices>",
         {.known = true, .viommu = true}},
        {"<launchSecurity type='sev-snp'/>", {.known = true, .security = "sev-snp"}},
        {"<cpu><topology threads='-1'/></cpu>", {.known = true}},
        {"<unclosed>", {.known = false}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_FREE char *xml = xasprintf("<domain type='kvm'>%s</domain>", rows[i].inside);
        struct vm_machine machine = {0};
        machine_xml_read(xml, &machine);
        assert_int_equal(machine.known, rows[i].machine.known);
        assert_int_equal(machine.viommu, rows[i].machine.viommu);
        assert_int_equal(machine.host_cpu, rows[i].machine.host_cpu);
        assert_int_equal(machine.threads, rows[i].machine.threads);
        assert_string_equal(machine.security, rows[i].machine.security);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_decides_where_a_vm_may_move_is_read),
    };
    return cmocka_run_group_tests_name("machine xml", tests, NULL, NULL);
}
