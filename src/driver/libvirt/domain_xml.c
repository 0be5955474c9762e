/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_xml.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

DEFINE_FREEP(xmlDoc *, xmlFreeDoc)
#define CLEANUP_DOC CLEANUP(xmlFreeDocp)

static void free_text(xmlChar **text)
{
    xmlFree(*text);
}
#define CLEANUP_XML_TEXT CLEANUP(free_text)

/* ---- reading ---- */

static int parse_problem(const xmlParserCtxt *context, struct error *err)
{
    const xmlError *problem = xmlCtxtGetLastError((void *)context);
    if (problem == NULL || problem->message == NULL) {
        return error_set(err, REASON_INVALID, "domain XML", "it is no XML document");
    }
    CLEANUP_FREE char *message = xstrdup(problem->message);
    char subject[64];
    (void)snprintf(subject, sizeof(subject), "domain XML:%d:%d", problem->line, problem->int2);
    return error_set(err, REASON_INVALID, subject, "%s", str_trim(message));
}

static int parse(const char *xml, xmlDoc **ret_doc, struct error *err)
{
    size_t len = strlen(xml);
    if (len > DOMAIN_XML_MAX_BYTES) {
        return error_set(err, REASON_INVALID, "domain XML", "longer than %d bytes",
                         DOMAIN_XML_MAX_BYTES);
    }
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (context == NULL) {
        return error_set(err, REASON_INTERNAL, "domain XML", "no parser");
    }
    CLEANUP_DOC xmlDoc *doc =
        xmlCtxtReadMemory(context, xml, (int)len, NULL, NULL,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    int result = doc == NULL ? parse_problem(context, err) : 0;
    xmlFreeParserCtxt(context);
    if (result < 0) {
        return result;
    }
    if (doc->intSubset != NULL || doc->extSubset != NULL) {
        return error_set(err, REASON_INVALID, "domain XML", "a document type is not accepted");
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    if (root == NULL || !str_eq((const char *)root->name, "domain")) {
        return error_set(err, REASON_INVALID, "domain XML", "the root element is not <domain>");
    }
    *ret_doc = TAKE_PTR(doc);
    return 0;
}

static bool is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && str_eq((const char *)node->name, name);
}

static xmlNode *child(const xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent != NULL ? parent->children : NULL; node != NULL;
         node = node->next) {
        if (is_element(node, name)) {
            return node;
        }
    }
    return NULL;
}

static bool has_value(const xmlNode *node, const char *attribute, const char *wanted)
{
    CLEANUP_XML_TEXT xmlChar *value = xmlGetProp(node, (const xmlChar *)attribute);
    return value != NULL && str_eq((const char *)value, wanted);
}

static bool read_number(const xmlNode *node, const char *attribute, uint32_t max,
                        uint32_t *ret_value)
{
    CLEANUP_XML_TEXT xmlChar *value = xmlGetProp(node, (const xmlChar *)attribute);
    return value != NULL && parse_hex32((const char *)value, ret_value) && *ret_value <= max;
}

static bool read_pci(const xmlNode *address, struct hostdev *ret_device)
{
    uint32_t domain = 0;
    uint32_t bus = 0;
    uint32_t slot = 0;
    uint32_t function = 0;
    if (!read_number(address, "domain", UINT32_MAX, &domain) ||
        !read_number(address, "bus", 0xff, &bus) || !read_number(address, "slot", 0x1f, &slot) ||
        !read_number(address, "function", 7, &function)) {
        return false;
    }
    ret_device->addr = (struct pci_addr){.domain = domain,
                                         .bus = (uint8_t)bus,
                                         .device = (uint8_t)slot,
                                         .function = (uint8_t)function};
    return true;
}

static bool read_mdev(const xmlNode *address, struct hostdev *ret_device)
{
    CLEANUP_XML_TEXT xmlChar *uuid = xmlGetProp(address, (const xmlChar *)"uuid");
    ret_device->is_mdev = true;
    return uuid != NULL && parse_uuid((const char *)uuid) &&
           STR_SET(ret_device->mdev_uuid, (const char *)uuid);
}

/* False for a kind that is none of ours. */
static bool read_hostdev(const xmlNode *node, struct hostdev *ret_device)
{
    const xmlNode *address = child(child(node, "source"), "address");
    if (address == NULL) {
        return false;
    }
    if (has_value(node, "type", "mdev")) {
        return read_mdev(address, ret_device);
    }
    return has_value(node, "type", "pci") && read_pci(address, ret_device);
}

int domain_xml_hostdevs(const char *xml, struct hostdevs *ret_devices, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    const xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");
    for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL;
         node = node->next) {
        struct hostdev device = {0};
        if (is_element(node, "hostdev") && read_hostdev(node, &device) &&
            ret_devices->n < DOMAIN_MAX_HOSTDEVS) {
            *vec_push(ret_devices) = device;
        }
    }
    return 0;
}

/* ---- host devices ---- */

struct hostdev hostdev_of_step(const struct step *step)
{
    struct hostdev device = {.is_mdev = step->mdev_uuid[0] != '\0'};
    if (device.is_mdev) {
        STR_SET(device.mdev_uuid, step->mdev_uuid);
    } else {
        device.addr = step->device;
    }
    return device;
}

bool hostdev_eq(const struct hostdev *a, const struct hostdev *b)
{
    if (a->is_mdev != b->is_mdev) {
        return false;
    }
    return a->is_mdev ? str_eq(a->mdev_uuid, b->mdev_uuid) : pci_addr_cmp(&a->addr, &b->addr) == 0;
}

bool hostdevs_have(const struct hostdevs *devices, const struct hostdev *device)
{
    for (vec_each(devices, other)) {
        if (hostdev_eq(other, device)) {
            return true;
        }
    }
    return false;
}

const char *hostdev_name(const struct hostdev *device, char *out, size_t size)
{
    char bdf[BDF_SIZE];
    str_copy(out, size, device->is_mdev ? device->mdev_uuid : pci_addr_format(&device->addr, bdf));
    return out;
}

char *hostdev_xml(const struct hostdev *device)
{
    if (device->is_mdev) {
        return xasprintf("<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci'>"
                         "<source><address uuid='%s'/></source></hostdev>",
                         device->mdev_uuid);
    }
    return xasprintf("<hostdev mode='subsystem' type='pci' managed='no'>"
                     "<source><address domain='0x%04x' bus='0x%02x' slot='0x%02x' "
                     "function='0x%x'/></source></hostdev>",
                     device->addr.domain, device->addr.bus, device->addr.device,
                     device->addr.function);
}

/* ---- templates ---- */

static int refuse_devices(const xmlNode *root, struct error *err)
{
    static const char *const emulator_args[] = {"commandline", "override"};
    for (size_t i = 0; i < ARRAY_SIZE(emulator_args); i++) {
        if (child(root, emulator_args[i]) != NULL) {
            return error_set(err, REASON_INVALID, "domain XML",
                             "<%s> passes arguments to the emulator that cleave can't see",
                             emulator_args[i]);
        }
    }
    const xmlNode *devices = child(root, "devices");
    for (xmlNode *node = devices != NULL ? devices->children : NULL; node != NULL;
         node = node->next) {
        bool assigns = is_element(node, "hostdev") ||
                       (is_element(node, "interface") && has_value(node, "type", "hostdev"));
        if (assigns) {
            int result = error_set(err, REASON_INVALID, "domain XML",
                                   "line %ld: it has a host device", xmlGetLineNo(node));
            error_hint(err, "leave it out of the template and claim it for the VM");
            return result;
        }
    }
    return 0;
}

static void set_name(xmlNode *root, const char *name)
{
    xmlNode *node = child(root, "name");
    if (node == NULL) {
        node = xmlNewChild(root, NULL, (const xmlChar *)"name", NULL);
    }
    CLEANUP_XML_TEXT xmlChar *text = xmlEncodeSpecialChars(root->doc, (const xmlChar *)name);
    xmlNodeSetContent(node, text);
}

static void drop_children(xmlNode *root, const char *name)
{
    for (xmlNode *node = child(root, name); node != NULL; node = child(root, name)) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
    }
}

int domain_xml_from_template(const char *xml, const char *name, char **ret_xml, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    xmlNode *root = xmlDocGetRootElement(doc);
    result = refuse_devices(root, err);
    if (result < 0) {
        return result;
    }
    drop_children(root, "uuid");
    set_name(root, name);
    CLEANUP_XML_TEXT xmlChar *text = NULL;
    int len = 0;
    xmlDocDumpMemory(doc, &text, &len);
    if (text == NULL) {
        return error_set(err, REASON_INTERNAL, "domain XML", "it can't be written");
    }
    *ret_xml = xstrdup((const char *)text);
    return 0;
}
