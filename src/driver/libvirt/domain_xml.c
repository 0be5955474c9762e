/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_xml.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "driver/libvirt/domain_extras.h"

/* ---- reading ---- */

int domain_xml_hostdevs(const char *xml, struct hostdevs *ret_devices, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    for (xml_each(xml_child(xmlDocGetRootElement(doc), "devices"), "hostdev", node)) {
        struct found_hostdev found = {.managed = xml_has(node, "managed", "yes")};
        if (!hostdev_read(node, &found.device)) {
            continue;
        }
        if (ret_devices->n == DOMAIN_MAX_HOSTDEVS) {
            return error_set(err, REASON_INVALID, "domain XML", "it has more than %d host devices",
                             DOMAIN_MAX_HOSTDEVS);
        }
        hostdev_claim(node, found.claim);
        *vec_push(ret_devices) = found;
    }
    return 0;
}

bool hostdevs_have(const struct hostdevs *devices, const struct hostdev *device)
{
    for (vec_each(devices, other)) {
        if (hostdev_eq(&other->device, device)) {
            return true;
        }
    }
    return false;
}

/* ---- templates ---- */

static const xmlNode *find_assigned(const xmlNode *devices)
{
    for (const xmlNode *node = devices->children; node != NULL; node = node->next) {
        if (xml_is(node, "hostdev") ||
            (xml_is(node, "interface") && xml_has(node, "type", "hostdev"))) {
            return node;
        }
    }
    return NULL;
}

static bool has_any(const xmlNode *root, const char *name)
{
    for (const xmlNode *node = root->children; node != NULL; node = node->next) {
        if (xml_is(node, name)) {
            return true;
        }
    }
    return false;
}

/* In any namespace, and in each of several <devices>: libvirt takes the devices of all. */
static int refuse_devices(const xmlNode *root, struct error *err)
{
    static const char *const emulator_args[] = {"commandline", "override"};
    for (size_t i = 0; i < ARRAY_SIZE(emulator_args); i++) {
        if (has_any(root, emulator_args[i])) {
            return error_set(err, REASON_INVALID, "domain XML",
                             "<%s> passes arguments to the emulator that cleave can't see",
                             emulator_args[i]);
        }
    }
    for (const xmlNode *part = root->children; part != NULL; part = part->next) {
        const xmlNode *node = xml_is(part, "devices") ? find_assigned(part) : NULL;
        if (node != NULL) {
            int result = error_set(err, REASON_INVALID, "domain XML",
                                   "line %ld: it has a host device", xmlGetLineNo(node));
            error_hint(err, "remove the device from the template, and claim it for the VM");
            return result;
        }
    }
    return 0;
}

/* "@KERNEL@": a whole text or value that the template's reader was to fill in. */
static bool is_placeholder(const xmlChar *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    const char *from = (const char *)text;
    size_t n = from != NULL && from[0] == '@' ? strspn(from + 1, letters) : 0;
    return n > 0 && str_eq(from + 1 + n, "@");
}

static int refuse_placeholder(const xmlNode *node, const xmlChar *text, struct error *err)
{
    if (!is_placeholder(text)) {
        return 0;
    }
    error_set(err, REASON_INVALID, "domain XML", "line %ld: %s of <%s> is not filled in",
              xmlGetLineNo(node), (const char *)text, (const char *)node->name);
    error_hint(err, "fill it in, in a copy of the template");
    return -REASON_INVALID;
}

/* The next node of the tree in the order of the text; NULL after the last. */
static const xmlNode *walk(const xmlNode *root, const xmlNode *node)
{
    if (node->children != NULL && node->type == XML_ELEMENT_NODE) {
        return node->children;
    }
    while (node != root && node->next == NULL) {
        node = node->parent;
    }
    return node == root ? NULL : node->next;
}

static int refuse_unfilled(const xmlNode *root, struct error *err)
{
    int result = 0;
    for (const xmlNode *node = root; result == 0 && node != NULL; node = walk(root, node)) {
        if (node->type == XML_TEXT_NODE && !xml_is(node->parent, "name")) {
            result = refuse_placeholder(node->parent, node->content, err);
        }
        const xmlAttr *first = node->type == XML_ELEMENT_NODE ? node->properties : NULL;
        for (const xmlAttr *it = first; result == 0 && it != NULL; it = it->next) {
            result =
                it->children == NULL ? 0 : refuse_placeholder(node, it->children->content, err);
        }
    }
    return result;
}

/* libvirt, src/conf/domain_conf.c, virDomainDefParseBootXML(): "an os <type> must be specified". */
static int refuse_without_os(const xmlNode *root, struct error *err)
{
    if (xml_child(xml_child(root, "os"), "type") != NULL || xml_child(root, "bootloader") != NULL) {
        return 0;
    }
    error_set(err, REASON_INVALID, "domain XML", "it has no <os> with a <type>");
    error_hint(err, "give a whole domain, as `virsh dumpxml --inactive VM` prints it");
    return -REASON_INVALID;
}

static void set_name(xmlNode *root, const char *name)
{
    xmlNode *node = xml_child(root, "name");
    if (node == NULL) {
        node = xmlNewChild(root, NULL, (const xmlChar *)"name", NULL);
    }
    CLEANUP_XML_TEXT xmlChar *text = xmlEncodeSpecialChars(root->doc, (const xmlChar *)name);
    xmlNodeSetContent(node, text);
}

static void drop_children(xmlNode *root, const char *name)
{
    for (xmlNode *node = xml_child(root, name); node != NULL; node = xml_child(root, name)) {
        xml_drop(node);
    }
}

int domain_xml_from_template(const char *xml, const char *name, char **ret_xml, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    xmlNode *root = xmlDocGetRootElement(doc);
    result = refuse_devices(root, err);
    result = result != 0 ? result : refuse_unfilled(root, err);
    result = result != 0 ? result : refuse_without_os(root, err);
    if (result < 0) {
        return result;
    }
    drop_children(root, "uuid");
    domain_extras_clear(root);
    set_name(root, name);
    return xml_text(doc, ret_xml, err);
}
