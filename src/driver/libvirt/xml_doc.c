/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/xml_doc.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

void xml_free_text(xmlChar **text)
{
    xmlFree(*text);
}

/* ---- documents ---- */

static int parse_problem(const xmlParserCtxt *context, struct error *err)
{
    const xmlError *problem = xmlCtxtGetLastError((void *)context);
    if (problem == NULL || problem->message == NULL) {
        return error_set(err, REASON_INVALID, "domain XML", "it is not an XML document");
    }
    CLEANUP_FREE char *message = xstrdup(problem->message);
    char subject[64];
    (void)snprintf(subject, sizeof(subject), "domain XML:%d:%d", problem->line, problem->int2);
    return error_set(err, REASON_INVALID, subject, "%s", str_trim(message));
}

int xml_parse_as(const char *xml, const char *root_name, xmlDoc **ret_doc, struct error *err)
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
    /* libxml2 goes on where a prefix is not declared, or no name: what cleave writes with such a
     * prefix it would not find again. */
    int result = doc == NULL || !context->nsWellFormed ? parse_problem(context, err) : 0;
    xmlFreeParserCtxt(context);
    if (result < 0) {
        return result;
    }
    if (doc->intSubset != NULL || doc->extSubset != NULL) {
        return error_set(err, REASON_INVALID, "domain XML", "a document type is not accepted");
    }
    const xmlNode *root = xmlDocGetRootElement(doc);
    if (root == NULL || !str_eq((const char *)root->name, root_name)) {
        return error_set(err, REASON_INVALID, "domain XML", "the root element is not <%s>",
                         root_name);
    }
    *ret_doc = TAKE_PTR(doc);
    return 0;
}

int xml_parse(const char *xml, xmlDoc **ret_doc, struct error *err)
{
    return xml_parse_as(xml, "domain", ret_doc, err);
}

int xml_text(xmlDoc *doc, char **ret_xml, struct error *err)
{
    CLEANUP_XML_TEXT xmlChar *text = NULL;
    int len = 0;
    xmlDocDumpMemory(doc, &text, &len);
    if (text == NULL) {
        return error_set(err, REASON_INTERNAL, "domain XML", "it can't be serialized");
    }
    *ret_xml = xstrdup((const char *)text);
    return 0;
}

/* ---- elements ---- */

bool xml_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && str_eq((const char *)node->name, name);
}

static const char *uri_of(const xmlNode *node)
{
    return node != NULL && node->ns != NULL ? (const char *)node->ns->href : "";
}

xmlNode *xml_next_in(const xmlNode *parent, const xmlNode *node, const char *uri, const char *name)
{
    xmlNode *first = parent != NULL ? parent->children : NULL;
    for (xmlNode *at = node != NULL ? node->next : first; at != NULL; at = at->next) {
        if (xml_is(at, name) && str_eq(uri_of(at), uri)) {
            return at;
        }
    }
    return NULL;
}

xmlNode *xml_next(const xmlNode *parent, const xmlNode *node, const char *name)
{
    return xml_next_in(parent, node, uri_of(parent), name);
}

xmlNode *xml_child(const xmlNode *parent, const char *name)
{
    return xml_next(parent, NULL, name);
}

bool xml_has(const xmlNode *node, const char *attribute, const char *wanted)
{
    CLEANUP_XML_TEXT xmlChar *value =
        node != NULL ? xmlGetProp(node, (const xmlChar *)attribute) : NULL;
    return value != NULL && str_eq((const char *)value, wanted);
}

static bool take(const xmlChar *value, char *out, size_t size)
{
    out[0] = '\0';
    if (value == NULL || !str_is_clean((const char *)value)) {
        return false;
    }
    if (!str_copy(out, size, (const char *)value)) {
        out[0] = '\0';
        return false;
    }
    return true;
}

bool xml_get(const xmlNode *node, const char *attribute, char *out, size_t size)
{
    CLEANUP_XML_TEXT xmlChar *value =
        node != NULL ? xmlGetProp(node, (const xmlChar *)attribute) : NULL;
    return take(value, out, size);
}

bool xml_get_hex(const xmlNode *node, const char *attribute, uint32_t max, uint32_t *ret_value)
{
    char value[16];
    return XML_GET(node, attribute, value) && parse_hex32(value, ret_value) && *ret_value <= max;
}

bool xml_get_u64(const xmlNode *node, const char *attribute, uint64_t *ret_value)
{
    char value[24];
    return XML_GET(node, attribute, value) && parse_u64(value, ret_value);
}

bool xml_content(const xmlNode *node, char *out, size_t size)
{
    CLEANUP_XML_TEXT xmlChar *value = node != NULL ? xmlNodeGetContent(node) : NULL;
    return take(value != NULL ? (const xmlChar *)str_trim((char *)value) : NULL, out, size);
}

void xml_domain_names(const xmlNode *domain, char ret_name[VM_NAME_SIZE], char ret_uuid[40])
{
    const xmlNode *node = xml_child(domain, "name");
    /* Not trimmed: blanks at its ends are a name's own. */
    CLEANUP_XML_TEXT xmlChar *name = node != NULL ? xmlNodeGetContent(node) : NULL;
    (void)xml_content(xml_child(domain, "uuid"), ret_uuid, 40);
    str_copy(ret_name, VM_NAME_SIZE, vm_known_as(name != NULL ? (const char *)name : "", ret_uuid));
}

bool xml_get_kib(const xmlNode *node, uint64_t *ret_kib)
{
    static const struct {
        const char *unit;
        unsigned shift; /* of KiB */
    } units[] = {{"KiB", 0}, {"k", 0},    {"K", 0},  {"MiB", 10}, {"M", 10}, {"GiB", 20},
                 {"G", 20},  {"TiB", 30}, {"T", 30}, {"PiB", 40}, {"P", 40}};
    char text[24];
    char unit[8] = "KiB";
    uint64_t value = 0;
    if (!xml_content(node, text, sizeof(text)) || !parse_u64(text, &value)) {
        return false;
    }
    if (!XML_GET(node, "unit", unit)) {
        STR_SET(unit, "KiB");
    }
    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        if (str_eq(unit, units[i].unit) && value <= UINT64_MAX >> units[i].shift) {
            *ret_kib = value << units[i].shift;
            return true;
        }
    }
    return false;
}

/* ---- changes ---- */

void xml_set(xmlNode *node, const char *attribute, const char *value)
{
    xmlSetProp(node, (const xmlChar *)attribute, (const xmlChar *)value);
}

xmlNode *xml_add(xmlNode *parent, const char *name)
{
    xmlNode *node = xmlNewChild(parent, NULL, (const xmlChar *)name, NULL);
    if (node == NULL) { /* libxml2 is out of memory: as ours would be */
        abort();
    }
    return node;
}

void xml_drop(xmlNode *node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}
