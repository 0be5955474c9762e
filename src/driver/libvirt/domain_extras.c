/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_extras.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "model/domain_facts.h"

/* ---- the notes ---- */

/* Of several <metadata>, libvirt keeps the first alone (domain_conf.c, "./metadata[1]"). */
xmlNode *domain_extras_notes(const xmlNode *root)
{
    return xml_next_in(xml_child(root, "metadata"), NULL, DOMAIN_METADATA_URI, "domain");
}

xmlNode *domain_extras_make_notes(xmlNode *root)
{
    xmlNode *notes = domain_extras_notes(root);
    if (notes != NULL) {
        return notes;
    }
    xmlNode *metadata = xml_child(root, "metadata");
    notes = xml_add(metadata != NULL ? metadata : xml_add(root, "metadata"), "domain");
    xmlSetNs(notes,
             xmlNewNs(notes, (const xmlChar *)DOMAIN_METADATA_URI, (const xmlChar *)"cleave"));
    return notes;
}

static void set_u64(xmlNode *node, const char *attribute, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    xml_set(node, attribute, text);
}

/* Drops the notes of a claim, but for `kept`. */
static void forget(xmlNode *notes, const char *claim, const xmlNode *kept)
{
    xmlNode *next = NULL;
    for (xmlNode *node = xml_child(notes, "device"); node != NULL; node = next) {
        next = xml_next(notes, node, "device");
        if (node != kept && xml_has(node, "claim", claim)) {
            xml_drop(node);
        }
    }
}

void domain_extras_forget(xmlNode *root, const char *claim)
{
    forget(domain_extras_notes(root), claim, NULL);
}

static xmlNode *note_of(xmlNode *notes, const char *claim)
{
    for (xml_each(notes, "device", node)) {
        if (xml_has(node, "claim", claim)) {
            return node;
        }
    }
    xmlNode *node = xml_add(notes, "device");
    xml_set(node, "claim", claim);
    return node;
}

void domain_extras_note(xmlNode *root, const struct attachment *attachment)
{
    if (attachment->claim[0] == '\0' ||
        (attachment->mmio_bytes == 0 && attachment->numa_node < 0)) {
        return; /* nothing is known now: what was, stays */
    }
    xmlNode *notes = domain_extras_make_notes(root);
    xmlNode *device = note_of(notes, attachment->claim);
    forget(notes, attachment->claim, device);
    xmlUnsetProp(device, (const xmlChar *)"mmio-bytes");
    xmlUnsetProp(device, (const xmlChar *)"numa-node");
    if (attachment->mmio_bytes != 0) {
        set_u64(device, "mmio-bytes", attachment->mmio_bytes);
    }
    if (attachment->numa_node >= 0) {
        set_u64(device, "numa-node", (uint64_t)attachment->numa_node);
    }
}

bool domain_extras_noted(const xmlNode *root, uint64_t *ret_kib)
{
    xmlNode *notes = domain_extras_notes(root);
    *ret_kib = 0;
    (void)xml_get_u64(xml_child(notes, "pcihole64"), "kib", ret_kib);
    return xml_child(notes, "numatune") != NULL;
}

/* ---- the 64-bit window ---- */

static xmlNode *root_controller(const xmlNode *root)
{
    for (xml_each(xml_child(root, "devices"), "controller", node)) {
        if (xml_has(node, "type", "pci") && xml_has(node, "index", "0")) {
            return node;
        }
    }
    return NULL;
}

/* A window beyond what the guest's CPU addresses would keep the VM from starting at all. */
static bool fits(const xmlNode *root, uint64_t window_kib)
{
    const xmlNode *cpu = xml_child(root, "cpu");
    const xmlNode *written = xml_child(cpu, "maxphysaddr");
    char mode[NAME_SIZE];
    uint64_t bits = 0;
    uint64_t kib = 0;
    uint64_t most_kib = 0;
    (void)XML_GET(cpu, "mode", mode);
    if (!xml_get_u64(written, "bits", &bits) || bits > 64) {
        bits = 0;
    }
    (void)xml_get_kib(xml_child(root, "memory"), &kib);
    (void)xml_get_kib(xml_child(root, "maxMemory"), &most_kib);
    return domain_window_fits(
        kib > most_kib ? kib : most_kib, window_kib,
        domain_address_bits(mode, (uint32_t)bits, xml_has(written, "mode", "passthrough")));
}

static uint64_t needed_window(const xmlNode *notes, const xmlNode *controller)
{
    uint64_t sum = 0;
    uint64_t largest = 0;
    char model[NAME_SIZE];
    for (xml_each(notes, "device", node)) {
        uint64_t bytes = 0;
        if (xml_get_u64(node, "mmio-bytes", &bytes) && bytes <= UINT64_MAX / 4 - sum) {
            sum += bytes;
            largest = bytes > largest ? bytes : largest;
        }
    }
    (void)XML_GET(controller, "model", model);
    uint64_t own_kib = 0;
    return domain_window_kib(sum, largest, model, &own_kib);
}

/* The window is ours if it is exactly what was noted. */
static void settle_window(xmlNode *root, xmlNode *notes)
{
    xmlNode *controller = root_controller(root);
    xmlNode *note = xml_child(notes, "pcihole64");
    xmlNode *window = xml_child(controller, "pcihole64");
    uint64_t noted = 0;
    uint64_t there = 0;
    bool is_noted = xml_get_u64(note, "kib", &noted);
    bool own = window != NULL && is_noted && xml_get_kib(window, &there) && there == noted;
    if (note != NULL) {
        xml_drop(note);
    }
    if (controller == NULL || (window != NULL && !own)) {
        return;
    }
    if (window != NULL) {
        xml_drop(window);
    }
    uint64_t kib = needed_window(notes, controller);
    if (kib > 0 && fits(root, kib)) {
        char text[24];
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)kib);
        window = xml_add(controller, "pcihole64");
        xml_set(window, "unit", "KiB");
        xmlNodeSetContent(window, (const xmlChar *)text);
        set_u64(xml_add(notes, "pcihole64"), "kib", kib);
    }
}

/* ---- the NUMA hint ---- */

/* The node that all devices with a known one are on; false without, or with several. */
static bool common_node(const xmlNode *notes, uint64_t *ret_node)
{
    size_t n = 0;
    for (xml_each(notes, "device", node)) {
        uint64_t one = 0;
        if (!xml_get_u64(node, "numa-node", &one)) {
            continue;
        }
        if (n > 0 && one != *ret_node) {
            return false;
        }
        *ret_node = one;
        n++;
    }
    return n > 0;
}

static bool is_hint(const xmlNode *numatune, const char *nodeset)
{
    const xmlNode *memory = xml_child(numatune, "memory");
    return xml_has(memory, "mode", "preferred") && xml_has(memory, "nodeset", nodeset) &&
           xml_child(numatune, "memnode") == NULL;
}

/* A preference, no rule: with another node's memory the VM still starts, a little slower. */
static void settle_numa(xmlNode *root, xmlNode *notes, unsigned n_host_nodes)
{
    xmlNode *numatune = xml_child(root, "numatune");
    xmlNode *note = xml_child(notes, "numatune");
    char nodeset[24];
    bool own = numatune != NULL && XML_GET(note, "nodeset", nodeset) && is_hint(numatune, nodeset);
    if (note != NULL) {
        xml_drop(note);
    }
    if (numatune != NULL && !own) {
        return;
    }
    if (numatune != NULL) {
        xml_drop(numatune);
    }
    uint64_t node = 0;
    if (common_node(notes, &node) && (n_host_nodes > 1 || own)) {
        xmlNode *memory = xml_add(xml_add(root, "numatune"), "memory");
        xml_set(memory, "mode", "preferred");
        set_u64(memory, "nodeset", node);
        set_u64(xml_add(notes, "numatune"), "nodeset", node);
    }
}

void domain_extras_drop_hint(xmlNode *root)
{
    xmlNode *notes = domain_extras_notes(root);
    xmlNode *next = NULL;
    for (xmlNode *node = xml_child(notes, "device"); node != NULL; node = next) {
        next = xml_next(notes, node, "device");
        xmlUnsetProp(node, (const xmlChar *)"numa-node");
    }
    domain_extras_settle(root, 0);
}

/* ---- both ---- */

static bool has_elements(const xmlNode *node)
{
    for (const xmlNode *at = node->children; at != NULL; at = at->next) {
        if (at->type == XML_ELEMENT_NODE) {
            return true;
        }
    }
    return false;
}

void domain_extras_settle(xmlNode *root, unsigned n_host_nodes)
{
    xmlNode *notes = domain_extras_notes(root);
    if (notes == NULL) {
        return;
    }
    settle_window(root, notes);
    settle_numa(root, notes, n_host_nodes);
    if (has_elements(notes)) {
        return;
    }
    xmlNode *metadata = notes->parent;
    xml_drop(notes);
    if (!has_elements(metadata)) {
        xml_drop(metadata);
    }
}

void domain_extras_clear(xmlNode *root)
{
    xmlNode *notes = domain_extras_notes(root);
    static const char *const all[] = {"device", "kept"};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        for (xmlNode *node = xml_child(notes, all[i]); node != NULL;
             node = xml_child(notes, all[i])) {
            xml_drop(node);
        }
    }
    domain_extras_settle(root, 0);
}
