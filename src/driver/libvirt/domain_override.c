/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_override.h"

#include "base/mem.h"
#include "base/str.h"

#define WIDEST_HOST 0xffff

xmlNode *domain_override_all(const xmlNode *root)
{
    return xml_next_in(root, NULL, DOMAIN_QEMU_URI, "override");
}

static xmlNode *find_one(const xmlNode *all, const char *claim)
{
    char alias[HOSTDEV_ALIAS_SIZE];
    hostdev_alias(claim, alias);
    for (xml_each(all, "device", node)) {
        if (xml_has(node, "alias", alias)) {
            return node;
        }
    }
    return NULL;
}

static bool is_needed(const char *claim, const struct hostdev *device)
{
    return claim[0] != '\0' && !device->is_mdev && device->addr.domain > WIDEST_HOST;
}

bool domain_override_missing(const xmlNode *root, const char *claim, const struct hostdev *device)
{
    return is_needed(claim, device) && find_one(domain_override_all(root), claim) == NULL;
}

void domain_override_drop(xmlNode *root, const char *claim)
{
    xmlNode *all = domain_override_all(root);
    xmlNode *one = find_one(all, claim);
    if (one != NULL) {
        xml_drop(one);
    }
    if (all != NULL && xml_child(all, "device") == NULL) {
        xml_drop(all);
    }
}

/* In the namespace that `parent` has. */
static xmlNode *add_property(xmlNode *parent, const char *name, const char *type)
{
    xmlNode *property = xml_add(parent, "property");
    xml_set(property, "name", name);
    xml_set(property, "type", type);
    return property;
}

/* The usual prefix, unless the document gives it to another namespace: libvirt looks at the
 * namespace alone. */
static xmlNs *declare_qemus(xmlNode *root)
{
    xmlNs *ns = xmlNewNs(root, (const xmlChar *)DOMAIN_QEMU_URI, (const xmlChar *)"qemu");
    for (unsigned n = 1; ns == NULL; n++) { /* of finitely many that are taken */
        CLEANUP_FREE char *prefix = xasprintf("qemu%u", n);
        ns = xmlNewNs(root, (const xmlChar *)DOMAIN_QEMU_URI, (const xmlChar *)prefix);
    }
    return ns;
}

static xmlNode *make_all(xmlNode *root)
{
    xmlNode *all = domain_override_all(root);
    if (all != NULL) {
        return all;
    }
    xmlNs *ns = xmlSearchNsByHref(root->doc, root, (const xmlChar *)DOMAIN_QEMU_URI);
    all = xml_add(root, "override");
    xmlSetNs(all, ns != NULL ? ns : declare_qemus(root));
    return all;
}

void domain_override_set(xmlNode *root, const char *claim, const struct hostdev *device)
{
    char alias[HOSTDEV_ALIAS_SIZE];
    char bdf[BDF_SIZE];
    domain_override_drop(root, claim);
    if (!is_needed(claim, device)) {
        return;
    }
    xmlNode *override = xml_add(make_all(root), "device");
    xml_set(override, "alias", hostdev_alias(claim, alias));
    xmlNode *frontend = xml_add(override, "frontend");
    (void)add_property(frontend, "host", "remove");
    CLEANUP_FREE char *path =
        xasprintf("/sys/bus/pci/devices/%s", pci_addr_format(&device->addr, bdf));
    xml_set(add_property(frontend, "sysfsdev", "string"), "value", path);
}

bool domain_override_is_ours(const xmlNode *device)
{
    char alias[HOSTDEV_ALIAS_SIZE];
    char claim[NAME_SIZE];
    return XML_GET(device, "alias", alias) && hostdev_alias_claim(alias, claim);
}
