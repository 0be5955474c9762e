/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/domain_edit.h"

#include "base/mem.h"
#include "base/str.h"
#include "driver/libvirt/domain_extras.h"
#include "driver/libvirt/domain_kept.h"
#include "driver/libvirt/domain_override.h"

static xmlNode *devices_of(xmlDoc *doc)
{
    return xml_child(xmlDocGetRootElement(doc), "devices");
}

static xmlNode *find_device(const xmlNode *devices, const struct hostdev *device)
{
    for (xml_each(devices, "hostdev", node)) {
        struct hostdev other;
        if (hostdev_read(node, &other) && hostdev_eq(&other, device)) {
            return node;
        }
    }
    return NULL;
}

static xmlNode *find_claim(const xmlNode *devices, const char *claim)
{
    for (xml_each(devices, "hostdev", node)) {
        char other[NAME_SIZE];
        hostdev_claim(node, other);
        if (other[0] != '\0' && str_eq(other, claim)) {
            return node;
        }
    }
    return NULL;
}

static xmlNode *find_by_hand(const xmlNode *devices, const struct hostdev *device)
{
    for (xml_each(devices, "hostdev", node)) {
        char claim[NAME_SIZE];
        struct hostdev other;
        hostdev_claim(node, claim);
        if (claim[0] == '\0' && hostdev_read(node, &other) && hostdev_eq(&other, device)) {
            return node;
        }
    }
    return NULL;
}

/* The claim's, or the device that was put in by hand; not what is there for another claim. */
static xmlNode *find_either(const xmlNode *devices, const struct hostdev *device, const char *claim)
{
    xmlNode *found = find_claim(devices, claim);
    return found != NULL ? found : find_by_hand(devices, device);
}

/* ---- presence ---- */

/* A person's own user alias is not taken from a device: it is the claim's as it is. */
static bool has_user_alias(const xmlNode *node)
{
    char alias[HOSTDEV_ALIAS_SIZE];
    char claim[NAME_SIZE];
    return XML_GET(xml_child(node, "alias"), "name", alias) && str_starts(alias, "ua-") &&
           !hostdev_alias_claim(alias, claim);
}

static enum presence presence_of(const xmlNode *root, const struct attachment *wanted)
{
    const xmlNode *devices = xml_child(root, "devices");
    const xmlNode *node = find_device(devices, &wanted->device);
    char claim[NAME_SIZE];
    if (node == NULL) {
        return DEVICE_ABSENT;
    }
    hostdev_claim(node, claim);
    bool is_its_own =
        wanted->claim[0] == '\0' || str_eq(claim, wanted->claim) || has_user_alias(node);
    bool lacks = domain_override_missing(root, claim, &wanted->device);
    return is_its_own && !lacks ? DEVICE_PRESENT : DEVICE_BY_HAND;
}

int domain_edit_presence(const char *xml, const struct attachment *wanted,
                         enum presence *ret_presence, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result == 0) {
        *ret_presence = presence_of(xmlDocGetRootElement(doc), wanted);
    }
    return result;
}

/* ---- the boot display of mediated devices ---- */

/* libvirt's domain XML, "hostdev": `display` (4.6.0) shows the device's own framebuffer and needs
 * a graphics device; `ramfb` (5.10.0) is a picture before the guest has a driver. */
static bool has_viewer(const xmlNode *devices)
{
    static const char *const kinds[] = {"vnc", "spice", "dbus", "sdl"};
    for (xml_each(devices, "graphics", node)) {
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
            if (xml_has(node, "type", kinds[i])) {
                return true;
            }
        }
    }
    return false;
}

/* The emulator has one boot display (harvester/harvester#5289): it goes to the first. */
static bool is_displayed(const xmlNode *devices)
{
    for (xml_each(devices, "hostdev", node)) {
        if (xml_has(node, "display", "on") || xml_has(node, "ramfb", "on")) {
            return true;
        }
    }
    return false;
}

static void give_display(xmlNode *root, xmlNode *node)
{
    const xmlNode *devices = xml_child(root, "devices");
    char claim[NAME_SIZE];
    char was[16];
    if (!xml_has(node, "type", "mdev") || !has_viewer(devices) || is_displayed(devices)) {
        return;
    }
    bool had = XML_GET(node, "display", was);
    hostdev_claim(node, claim);
    xml_set(node, "display", "on");
    xml_set(node, "ramfb", "on");
    domain_kept_gave_display(root, claim, had ? was : NULL);
}

/* ---- attach and detach ---- */

static void adopt(xmlNode *node, const struct attachment *wanted)
{
    char claim[NAME_SIZE];
    hostdev_claim(node, claim);
    if (!str_eq(claim, wanted->claim)) {
        hostdev_set_claim(node, wanted->claim);
        xml_set(node, "managed", wanted->kind == HOSTDEV_WHOLE ? "yes" : "no");
    }
}

/* All of the claim's but the first, which is returned. */
static xmlNode *leave_one(const xmlNode *devices, const char *claim)
{
    xmlNode *first = find_claim(devices, claim);
    xmlNode *next = NULL;
    for (xmlNode *node = first; node != NULL; node = next) {
        char other[NAME_SIZE];
        next = xml_next(devices, node, "hostdev");
        hostdev_claim(node, other);
        if (node != first && str_eq(other, claim)) {
            xml_drop(node);
        }
    }
    return first;
}

/* As what `there` gets a device that `own` had. Of two PCI devices only <source> is exchanged. */
static enum hostdev_kind kind_for(const xmlNode *there, const xmlNode *own,
                                  const struct hostdev *device)
{
    if (device->is_mdev) {
        return HOSTDEV_MDEV;
    }
    bool whole = xml_has(there, "type", "pci") || xml_has(own, "managed", "yes");
    return whole ? HOSTDEV_WHOLE : HOSTDEV_VENDOR_VFIO;
}

static void replace(xmlNode *root, xmlNode *node, const struct hostdev *device,
                    enum hostdev_kind kind)
{
    bool was_mdev = xml_has(node, "type", "mdev");
    hostdev_replace(node, device, kind);
    if (!was_mdev) {
        give_display(root, node);
    }
}

/* The claim's element gets another device. One that names that device for another claim gets what
 * this one had: the two change places. */
static xmlNode *redraw(xmlNode *root, xmlNode *own, xmlNode *there, const struct attachment *wanted)
{
    char other[NAME_SIZE];
    struct hostdev had;
    if (there != NULL && hostdev_read(own, &had)) {
        hostdev_claim(there, other);
        replace(root, there, &had, kind_for(there, own, &had));
        domain_override_set(root, other, &had);
    }
    replace(root, own, &wanted->device, wanted->kind);
    return own;
}

/* Takes the device out of all elements but `kept`: a VM with it twice does not start, and another
 * claim has it no more. */
static void leave_alone(xmlNode *root, const xmlNode *kept, const struct hostdev *device)
{
    const xmlNode *devices = xml_child(root, "devices");
    xmlNode *next = NULL;
    for (xmlNode *node = xml_child(devices, "hostdev"); node != NULL; node = next) {
        struct hostdev other;
        next = xml_next(devices, node, "hostdev");
        if (node != kept && hostdev_read(node, &other) && hostdev_eq(&other, device)) {
            char claim[NAME_SIZE];
            hostdev_claim(node, claim);
            domain_override_drop(root, claim);
            domain_kept_put(root, claim, node);
        }
    }
}

/* The element that names the device, with all that it had before. One that a person put in by hand
 * is taken before the claim's own. */
static xmlNode *place(xmlNode *root, xmlNode *devices, const struct attachment *wanted)
{
    xmlNode *own = wanted->claim[0] != '\0' ? leave_one(devices, wanted->claim) : NULL;
    xmlNode *by_hand = find_by_hand(devices, &wanted->device);
    struct hostdev had;
    if (by_hand != NULL) {
        if (own != NULL) {
            xml_drop(own);
        }
        leave_alone(root, by_hand, &wanted->device);
        return by_hand;
    }
    if (own != NULL) {
        bool has_it = hostdev_read(own, &had) && hostdev_eq(&had, &wanted->device);
        own = has_it ? own : redraw(root, own, find_device(devices, &wanted->device), wanted);
        leave_alone(root, own, &wanted->device);
        return own;
    }
    leave_alone(root, NULL, &wanted->device);
    own = wanted->claim[0] != '\0' ? domain_kept_take(root, wanted->claim) : NULL;
    if (own != NULL) {
        replace(root, own, &wanted->device, wanted->kind);
        return own;
    }
    own = hostdev_add(devices, &wanted->device, wanted->kind, wanted->claim);
    give_display(root, own);
    return own;
}

int domain_edit_attach(const char *xml, const struct attachment *wanted, char **ret_xml,
                       struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *devices = xml_child(root, "devices");
    if (devices == NULL) {
        devices = xml_add(root, "devices");
    }
    xmlNode *node = place(root, devices, wanted);
    if (presence_of(root, wanted) == DEVICE_BY_HAND) {
        adopt(node, wanted);
    }
    char claim[NAME_SIZE];
    hostdev_claim(node, claim);
    if (claim[0] != '\0') {
        domain_override_set(root, claim, &wanted->device);
    }
    domain_extras_note(root, wanted);
    domain_extras_settle(root, wanted->n_host_nodes);
    return xml_text(doc, ret_xml, err);
}

enum rest { REST_GOES, REST_IS_KEPT };

/* Only what carries the claim's own alias is kept for it. */
static void take_out(xmlNode *root, xmlNode *node, const char *claim, enum rest rest)
{
    char other[NAME_SIZE];
    hostdev_claim(node, other);
    if (rest == REST_IS_KEPT && other[0] != '\0' && str_eq(other, claim)) {
        domain_kept_put(root, claim, node);
    } else {
        xml_drop(node);
    }
}

static int detach(const char *xml, const struct hostdev *device, const char *claim, enum rest rest,
                  char **ret_xml, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    xmlNode *root = xmlDocGetRootElement(doc);
    xmlNode *devices = devices_of(doc);
    bool found = false;
    bool displayed = false;
    for (xmlNode *node = find_either(devices, device, claim); node != NULL;
         node = find_either(devices, device, claim)) {
        displayed = displayed || xml_has(node, "display", "on");
        take_out(root, node, claim, rest);
        found = true;
    }
    if (!found) {
        return 0;
    }
    for (xml_each(devices, "hostdev", node)) {
        char other[NAME_SIZE];
        hostdev_claim(node, other);
        if (displayed && other[0] != '\0') {
            give_display(root, node); /* the next one is the first now */
        }
    }
    if (rest == REST_GOES) {
        domain_kept_forget(root, claim);
    }
    domain_override_drop(root, claim);
    domain_extras_forget(root, claim);
    domain_extras_settle(root, 0);
    return xml_text(doc, ret_xml, err);
}

int domain_edit_detach(const char *xml, const struct hostdev *device, const char *claim,
                       char **ret_xml, struct error *err)
{
    return detach(xml, device, claim, REST_GOES, ret_xml, err);
}

int domain_edit_set_aside(const char *xml, const struct hostdev *device, const char *claim,
                          char **ret_xml, struct error *err)
{
    return detach(xml, device, claim, REST_IS_KEPT, ret_xml, err);
}

/* ---- rewrite ---- */

static xmlNode *find_once(const xmlNode *devices, const struct hostdev_change *change,
                          size_t *ret_n)
{
    xmlNode *found = NULL;
    *ret_n = 0;
    for (xml_each(devices, "hostdev", node)) {
        char claim[NAME_SIZE];
        struct hostdev other;
        hostdev_claim(node, claim);
        bool same = change->claim[0] != '\0' && claim[0] != '\0'
                        ? str_eq(claim, change->claim)
                        : hostdev_read(node, &other) && hostdev_eq(&other, &change->from);
        if (same) {
            found = node;
            (*ret_n)++;
        }
    }
    return found;
}

static int change_device(const xmlNode *devices, const struct hostdev_change *change,
                         xmlNode **ret_node, struct error *err)
{
    char name[64];
    size_t n = 0;
    hostdev_name(&change->from, name, sizeof(name));
    *ret_node = find_once(devices, change, &n);
    if (n == 0) {
        return error_set(err, REASON_NOT_FOUND, name, "the definition has no device %s%s%s", name,
                         change->claim[0] != '\0' ? " of claim " : "", change->claim);
    }
    if (n > 1) {
        return error_set(err, REASON_CONFLICT, name, "the definition has the device %s %zu times",
                         name, n);
    }
    if (xml_has(*ret_node, "type", "mdev") != change->to.is_mdev) {
        return error_set(err, REASON_UNSUPPORTED, name,
                         "%s can't become a %s: both hosts must have the same vGPU interface", name,
                         change->to.is_mdev ? "mediated device" : "PCI function");
    }
    return 0;
}

/* First all are found, then all are changed: devices may change places. */
int domain_edit_rewrite(const char *xml, const struct hostdev_change *changes, size_t n_changes,
                        char **ret_xml, struct error *err)
{
    CLEANUP_DOC xmlDoc *doc = NULL;
    int result = xml_parse(xml, &doc, err);
    if (result < 0) {
        return result;
    }
    CLEANUP_FREE xmlNode **nodes = xcalloc(n_changes + 1, sizeof(*nodes));
    for (size_t i = 0; result == 0 && i < n_changes; i++) {
        result = change_device(devices_of(doc), &changes[i], &nodes[i], err);
    }
    for (size_t i = 0; result == 0 && i < n_changes; i++) {
        char claim[NAME_SIZE];
        hostdev_set_source(nodes[i], &changes[i].to);
        hostdev_claim(nodes[i], claim);
        if (claim[0] != '\0') {
            domain_override_set(xmlDocGetRootElement(doc), claim, &changes[i].to);
        }
    }
    domain_extras_drop_hint(xmlDocGetRootElement(doc));
    return result < 0 ? result : xml_text(doc, ret_xml, err);
}
