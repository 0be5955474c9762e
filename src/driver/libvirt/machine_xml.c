/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/machine_xml.h"

#include "driver/libvirt/xml_doc.h"

/* libvirt, Domain XML format: CPU model and topology, IOMMU devices, launch security. */
void machine_xml_read(const char *xml, struct vm_machine *ret_machine)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    uint64_t threads = 0;
    if (xml_parse(xml, &doc, NULL) < 0) {
        return;
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    const xmlNode *cpu = xml_child(root, "cpu");
    ret_machine->known = true;
    ret_machine->viommu = xml_child(xml_child(root, "devices"), "iommu") != NULL;
    ret_machine->host_cpu = xml_has(cpu, "mode", "host-passthrough");
    if (xml_get_u64(xml_child(cpu, "topology"), "threads", &threads) && threads < UINT32_MAX) {
        ret_machine->threads = (uint32_t)threads;
    }
    (void)XML_GET(xml_child(root, "launchSecurity"), "type", ret_machine->security);
}
