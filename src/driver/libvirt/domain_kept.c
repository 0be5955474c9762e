/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_kept.h"

#include <stdio.h>

#include "base/str.h"
#include "driver/libvirt/domain_extras.h"

/* More claims than this have no device in one definition at one time; the oldest note goes. */
#define MAX_KEPT 16
#define KEPT "kept"

static xmlNode *find(const xmlNode *notes, const char *claim)
{
    for (xml_each(notes, KEPT, node)) {
        if (xml_has(node, "claim", claim)) {
            return node;
        }
    }
    return NULL;
}

/* ---- is it worth it? ---- */

static bool is_plain(const xmlNode *hostdev)
{
    static const char *const plain[] = {"source", "alias"};
    for (const xmlNode *node = hostdev->children; node != NULL; node = node->next) {
        bool known = node->type != XML_ELEMENT_NODE && node->type != XML_COMMENT_NODE;
        for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
            known = known || xml_is(node, plain[i]);
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/* ---- its place among the others ---- */

static uint64_t place_of(const xmlNode *node)
{
    uint64_t place = 0;
    (void)xml_get_u64(node, "place", &place);
    return place;
}

static uint64_t count_before(const xmlNode *notes, uint64_t place)
{
    uint64_t n = 0;
    for (xml_each(notes, KEPT, node)) {
        n += place_of(node) < place ? 1 : 0;
    }
    return n;
}

/* Among all <hostdev>s, those that are kept included. */
static uint64_t find_place(const xmlNode *notes, const xmlNode *hostdev)
{
    uint64_t place = 0;
    for (xml_each(hostdev->parent, "hostdev", node)) {
        if (node == hostdev) {
            break;
        }
        place++;
    }
    bool moved = true;
    uint64_t kept = 0;
    while (moved) {
        uint64_t n = count_before(notes, place + kept + 1);
        moved = n > kept;
        kept = n;
    }
    return place + kept;
}

static void put_back(xmlNode *devices, xmlNode *hostdev, uint64_t before)
{
    xmlNode *at = xml_child(devices, "hostdev");
    for (uint64_t i = 0; i < before && at != NULL; i++) {
        at = xml_next(devices, at, "hostdev");
    }
    if (at != NULL) {
        xmlAddPrevSibling(at, hostdev);
    } else {
        xmlAddChild(devices, hostdev);
    }
}

/* ---- its guest address ---- */

static bool same_guest_address(const xmlNode *a, const xmlNode *b)
{
    static const char *const parts[] = {"domain", "bus", "slot", "function"};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        uint32_t left = 0;
        uint32_t right = 0;
        (void)xml_get_hex(a, parts[i], UINT32_MAX, &left);
        (void)xml_get_hex(b, parts[i], UINT32_MAX, &right);
        if (left != right) {
            return false;
        }
    }
    return xml_has(a, "type", "pci") && xml_has(b, "type", "pci");
}

static void drop_taken_address(const xmlNode *devices, const xmlNode *hostdev)
{
    xmlNode *own = xml_child(hostdev, "address");
    for (const xmlNode *node = devices->children; own != NULL && node != NULL; node = node->next) {
        const xmlNode *other = node == hostdev ? NULL : xml_child(node, "address");
        if (other != NULL && same_guest_address(own, other)) {
            xml_drop(own);
            own = NULL;
        }
    }
}

/* ---- the boot display ---- */

/* The display goes back from the element that has it for the time being. */
static void give_back(xmlNode *kept, xmlNode *hostdev)
{
    char was[16];
    if (XML_GET(kept, "display-was", was)) {
        xml_set(hostdev, "display", was);
    } else {
        xmlUnsetProp(hostdev, (const xmlChar *)"display");
    }
    xmlUnsetProp(hostdev, (const xmlChar *)"ramfb");
    xmlUnsetProp(kept, (const xmlChar *)"display");
    xmlUnsetProp(kept, (const xmlChar *)"display-was");
}

static void take_display(const xmlNode *devices, xmlNode *kept)
{
    for (xml_each(devices, "hostdev", node)) {
        char claim[NAME_SIZE];
        hostdev_claim(node, claim);
        if (claim[0] != '\0' && xml_has(kept, "display", claim)) {
            give_back(kept, node);
        }
    }
}

void domain_kept_gave_display(xmlNode *root, const char *to, const char *was)
{
    for (xml_each(domain_extras_notes(root), KEPT, kept)) {
        if (to[0] != '\0' && xml_has(xml_next_in(kept, NULL, "", "hostdev"), "display", "on")) {
            xml_set(kept, "display", to);
            if (was != NULL) {
                xml_set(kept, "display-was", was);
            }
        }
    }
}

/* ---- keep and take ---- */

void domain_kept_forget(const xmlNode *root, const char *claim)
{
    xmlNode *kept = find(domain_extras_notes(root), claim);
    if (kept != NULL) {
        xml_drop(kept);
    }
}

void domain_kept_put(xmlNode *root, const char *claim, xmlNode *hostdev)
{
    for (xml_each(domain_extras_notes(root), KEPT, kept)) {
        if (xml_has(kept, "display", claim)) {
            give_back(kept, hostdev);
        }
    }
    domain_kept_forget(root, claim);
    if (claim[0] == '\0' || is_plain(hostdev)) {
        xml_drop(hostdev);
        return;
    }
    xmlNode *notes = domain_extras_make_notes(root);
    size_t n = 0;
    for (xml_each(notes, KEPT, node)) {
        n++;
    }
    if (n >= MAX_KEPT) {
        xml_drop(xml_child(notes, KEPT));
    }
    char place[24];
    (void)snprintf(place, sizeof(place), "%llu", (unsigned long long)find_place(notes, hostdev));
    xmlNode *kept = xml_add(notes, KEPT);
    xml_set(kept, "claim", claim);
    xml_set(kept, "place", place);
    xmlUnlinkNode(hostdev);
    xmlAddChild(kept, hostdev);
    xmlSetNs(hostdev, NULL);
}

xmlNode *domain_kept_take(xmlNode *root, const char *claim)
{
    xmlNode *devices = xml_child(root, "devices");
    xmlNode *notes = domain_extras_notes(root);
    xmlNode *kept = find(notes, claim);
    xmlNode *hostdev = xml_next_in(kept, NULL, "", "hostdev");
    if (hostdev == NULL) {
        return NULL;
    }
    uint64_t place = place_of(kept);
    take_display(devices, kept);
    xmlUnlinkNode(hostdev);
    put_back(devices, hostdev, place - count_before(notes, place));
    drop_taken_address(devices, hostdev);
    xml_drop(kept);
    return hostdev;
}
