/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domain XML as a tree, read under limits: no document type, no entities, no network. The few
 * things that reading and editing a definition need of libxml2.
 */
#ifndef DRIVER_LIBVIRT_XML_DOC_H
#define DRIVER_LIBVIRT_XML_DOC_H

#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "model/host.h"

#define DOMAIN_XML_MAX_BYTES (4 * 1024 * 1024) /* as libvirt's REMOTE_STRING_MAX */

DEFINE_FREEP(xmlDoc *, xmlFreeDoc)
#define CLEANUP_DOC CLEANUP(xmlFreeDocp)

void xml_free_text(xmlChar **text);
#define CLEANUP_XML_TEXT CLEANUP(xml_free_text)

/* The root is a <domain>. Errors name line and column. xmlFreeDoc() frees. */
int xml_parse(const char *xml, xmlDoc **ret_doc, struct error *err);
/* A tree of libvirt's that is no domain: its capabilities. */
int xml_parse_as(const char *xml, const char *root, xmlDoc **ret_doc, struct error *err);
/* The whole document as text; caller frees. */
int xml_text(xmlDoc *doc, char **ret_xml, struct error *err);

/* An element of that name, in any namespace. */
bool xml_is(const xmlNode *node, const char *name);
/* The first child element of that name in its parent's namespace, as libvirt finds it by XPath: one
 * of another namespace doesn't hide it. NULL when there is none, or no parent. */
xmlNode *xml_child(const xmlNode *parent, const char *name);
/* The next one after `node`, or the first of `parent` when `node` is NULL. */
xmlNode *xml_next(const xmlNode *parent, const xmlNode *node, const char *name);
/* The same in another namespace than the parent's; "" is none. */
xmlNode *xml_next_in(const xmlNode *parent, const xmlNode *node, const char *uri, const char *name);
#define xml_each(parent, name, var)                                                                \
    xmlNode *var = xml_next((parent), NULL, (name));                                               \
    (var) != NULL;                                                                                 \
    var = xml_next((parent), (var), (name))

/* Does the attribute have that value? False without it, or without a node. */
bool xml_has(const xmlNode *node, const char *attribute, const char *wanted);
/* Copies the attribute; false, and "", when it is missing or does not fit. */
bool xml_get(const xmlNode *node, const char *attribute, char *out, size_t size);
#define XML_GET(node, attribute, out) xml_get((node), (attribute), (out), sizeof(out))
/* 0x… numbers up to max. */
bool xml_get_hex(const xmlNode *node, const char *attribute, uint32_t max, uint32_t *ret_value);
bool xml_get_u64(const xmlNode *node, const char *attribute, uint64_t *ret_value);
/* The text between the tags, without blanks around it; like xml_get(). */
bool xml_content(const xmlNode *node, char *out, size_t size);
/* Of a <domain>: its UUID, "" if it has none, and what it is known as (model/host.h). */
void xml_domain_names(const xmlNode *domain, char ret_name[VM_NAME_SIZE], char ret_uuid[40]);
/* A number with a unit (default KiB), in KiB: "32" in <… unit='GiB'>. */
bool xml_get_kib(const xmlNode *node, uint64_t *ret_kib);

void xml_set(xmlNode *node, const char *attribute, const char *value);
xmlNode *xml_add(xmlNode *parent, const char *name);
void xml_drop(xmlNode *node);

#endif
