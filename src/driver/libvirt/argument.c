/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/argument.h"

#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "driver/libvirt/domain_override.h"

#define MAX_FOUND 64
#define MAX_ARGUMENT 4096

struct finder {
    struct vm *vm;
    bool live, persistent;
    size_t n;
};

bool argument_may_assign(const char *text)
{
    return strstr(text, "vfio") != NULL || strstr(text, "sysfsdev") != NULL ||
           strstr(text, ".host") != NULL;
}

static void add(struct finder *finder, const struct vm_device *found)
{
    for (vec_each(&finder->vm->devices, known)) {
        if (vm_device_is(known, &found->addr, found->is_mdev ? found->mdev_uuid : "")) {
            known->live = known->live || finder->live;
            known->persistent = known->persistent || finder->persistent;
            return;
        }
    }
    if (finder->n < MAX_FOUND) {
        finder->n++;
        struct vm_device *device = vec_push(&finder->vm->devices);
        *device = *found;
        device->live = finder->live;
        device->persistent = finder->persistent;
        device->by_argument = true;
    }
}

/* An address, a UUID, or a path in /sys that ends with one. */
static void read_word(struct finder *finder, char *word)
{
    size_t len = strlen(word);
    while (len > 0 && word[len - 1] == '/') {
        word[--len] = '\0';
    }
    const char *slash = strrchr(word, '/');
    const char *name = slash != NULL ? slash + 1 : word;
    struct vm_device found = {0};
    if (pci_addr_parse(name, &found.addr)) {
        add(finder, &found);
    } else if (parse_uuid(name) && slash != NULL) { /* any other may be an id, or a disk's serial */
        found.is_mdev = true;
        STR_SET(found.mdev_uuid, name);
        add(finder, &found);
    }
}

static void read_text(struct finder *finder, const char *text)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    char *rest = copy;
    for (char *word = strsep(&rest, ",={}\"' "); word != NULL; word = strsep(&rest, ",={}\"' ")) {
        read_word(finder, word);
    }
}

static void read_value(struct finder *finder, const xmlNode *node, bool assigns)
{
    CLEANUP_XML_TEXT xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)"value");
    const char *text = (const char *)value;
    if (text != NULL && strnlen(text, MAX_ARGUMENT + 1) <= MAX_ARGUMENT &&
        (assigns || argument_may_assign(text))) {
        read_text(finder, text);
    }
}

static void read_overrides(struct finder *finder, const xmlNode *root)
{
    for (xml_each(domain_override_all(root), "device", device)) {
        for (xml_each(xml_child(device, "frontend"), "property", property)) {
            bool assigns =
                xml_has(property, "name", "host") || xml_has(property, "name", "sysfsdev");
            if (assigns) {
                read_value(finder, property, true);
            }
        }
    }
}

void argument_devices(const xmlNode *root, bool live, bool persistent, struct vm *vm)
{
    struct finder finder = {.vm = vm, .live = live, .persistent = persistent};
    for (const xmlNode *all = xml_next_in(root, NULL, DOMAIN_QEMU_URI, "commandline"); all != NULL;
         all = xml_next_in(root, all, DOMAIN_QEMU_URI, "commandline")) {
        for (xml_each(all, "arg", arg)) {
            read_value(&finder, arg, false);
        }
    }
    read_overrides(&finder, root);
}
