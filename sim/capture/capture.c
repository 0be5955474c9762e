/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/capture/capture.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"
#include "sim/capture/driver.h"

#define PCI "/sys/bus/pci/devices"
#define MAX_ATTRIBUTE 4096
#define NVIDIA_VENDOR 0x10de
#define CLASS_DISPLAY 0x03

struct capture {
    const struct catalog *catalog;
    const struct capture_options *options;
    void (*warn)(const char *sentence);
    struct driver *driver; /* NULL: none */
    json_t *gpus;
    bool mdev, vendor_vfio; /* which of the kernel's interfaces was seen */
};

/* ---- files ---- */

static char *attribute(const char *bdf, const char *name)
{
    CLEANUP_FREE char *path = xasprintf(PCI "/%s/%s", bdf, name);
    char *text = NULL;
    if (fs_read(path, MAX_ATTRIBUTE, &text, NULL) < 0) {
        return NULL;
    }
    char *trimmed = xstrdup(str_trim(text));
    free(text);
    return trimmed;
}

/* Decimal, or hexadecimal with 0x. */
static bool number(const char *bdf, const char *name, uint32_t *ret_value)
{
    CLEANUP_FREE char *text = attribute(bdf, name);
    return text != NULL && (parse_u32(text, ret_value) || parse_hex32(text, ret_value));
}

static bool has(const char *bdf, const char *name)
{
    CLEANUP_FREE char *path = xasprintf(PCI "/%s/%s", bdf, name);
    return fs_exists(path);
}

static bool is_gpu(const char *bdf)
{
    uint32_t vendor = 0;
    uint32_t class_code = 0;
    return number(bdf, "vendor", &vendor) && vendor == NVIDIA_VENDOR &&
           number(bdf, "class", &class_code) && class_code >> 16 == CLASS_DISPLAY &&
           !has(bdf, "physfn");
}

/* ---- one GPU ---- */

/* The catalog's spelling of the board's ids. */
static void put_pci_id(const struct gpu_model *model, uint32_t device, uint32_t subsystem,
                       json_t *gpu)
{
    bool exact = false;
    for (vec_each(&model->pci_ids, id)) {
        exact = exact || (id->device == device && id->subsystem == subsystem);
    }
    char text[24];
    (void)snprintf(text, sizeof(text), exact ? "0x%04x:0x%04x" : "0x%04x", device, subsystem);
    json_object_set_new(gpu, "pci_id", json_string(text));
}

static void put_vfs(struct capture *c, const char *bdf, const struct gpu_model *model, json_t *gpu)
{
    uint32_t total = 0;
    uint32_t first = 0;
    uint32_t enabled = 0;
    if (model->sriov == CAT_NO) {
        return;
    }
    if (!number(bdf, "sriov_totalvfs", &total) || total == 0) {
        json_object_set_new(gpu, "vfs", json_pack("{s:i}", "count", 0));
        return;
    }
    json_t *vfs = json_pack("{s:I}", "count", (json_int_t)total);
    if (number(bdf, "sriov_offset", &first) && first > 0) {
        json_object_set_new(vfs, "first", json_integer(first));
    }
    if (number(bdf, "sriov_numvfs", &enabled) && enabled > 0) {
        json_object_set_new(vfs, "enabled", json_true());
        c->vendor_vfio = c->vendor_vfio || has(bdf, "virtfn0/nvidia/current_vgpu_type");
        c->mdev = c->mdev || has(bdf, "virtfn0/mdev_supported_types");
    }
    json_object_set_new(gpu, "vfs", vfs);
}

/* ---- the IOMMU group ---- */

static const char *kind_of(uint32_t class_code)
{
    static const struct {
        uint32_t class_code;
        const char *kind;
    } kinds[] = {{0x0403, "audio"}, {0x0604, "bridge"}, {0x0c03, "usb"}};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (class_code >> 8 == kinds[i].class_code) {
            return kinds[i].kind;
        }
    }
    return NULL;
}

static void put_member(struct capture *c, const char *gpu_bdf, const char *bdf, json_t *members)
{
    uint32_t class_code = 0;
    if (str_eq(bdf, gpu_bdf) || is_gpu(bdf) || has(bdf, "physfn") ||
        !number(bdf, "class", &class_code)) {
        return;
    }
    const char *kind = kind_of(class_code);
    if (kind != NULL) {
        json_array_append_new(members, json_pack("{s:s, s:s}", "bdf", bdf, "kind", kind));
        return;
    }
    CLEANUP_FREE char *text = xasprintf(
        "%s shares %s's IOMMU group, but nothing of its class can be simulated", bdf, gpu_bdf);
    c->warn(text);
}

static void put_group(struct capture *c, const char *bdf, json_t *gpu)
{
    CLEANUP_FREE char *link = xasprintf(PCI "/%s/iommu_group", bdf);
    CLEANUP_FREE char *dir = xasprintf(PCI "/%s/iommu_group/devices", bdf);
    CLEANUP_STRLIST struct strlist names = {0};
    CLEANUP_JSON json_t *members = json_array();
    char group[16];
    uint32_t value = 0;
    if (fs_link_name(link, group, sizeof(group)) < 0 || !parse_u32(group, &value)) {
        return;
    }
    json_object_set_new(gpu, "iommu_group", json_integer(value));
    fs_list(dir, &names);
    for (vec_each(&names, name)) {
        put_member(c, bdf, *name, members);
    }
    if (json_array_size(members) > 0) {
        json_object_set(gpu, "group_members", members);
    }
}

static void add_gpu(struct capture *c, const char *bdf)
{
    uint32_t device = 0;
    uint32_t subsystem = CAT_UNKNOWN;
    struct pci_addr addr;
    if (!number(bdf, "device", &device) || !pci_addr_parse(bdf, &addr)) {
        return;
    }
    number(bdf, "subsystem_device", &subsystem);
    const struct gpu_model *model = catalog_find_pci(c->catalog, device, subsystem);
    if (model == NULL) {
        CLEANUP_FREE char *text =
            xasprintf("%s is left out: the catalog has no board with PCI id 0x%04x:0x%04x", bdf,
                      device, subsystem);
        c->warn(text);
        return;
    }
    json_t *gpu = json_pack("{s:s, s:s}", "board", model->key, "bdf", bdf);
    put_pci_id(model, device, subsystem, gpu);
    CLEANUP_FREE char *node = attribute(bdf, "numa_node");
    uint32_t node_number = 0;
    if (node != NULL && parse_u32(node, &node_number)) {
        json_object_set_new(gpu, "numa_node", json_integer(node_number));
    }
    if (!has(bdf, "reset")) {
        json_object_set_new(gpu, "reset", json_false());
    }
    put_vfs(c, bdf, model, gpu);
    put_group(c, bdf, gpu);
    c->mdev = c->mdev || has(bdf, "mdev_supported_types");
    if (c->driver != NULL) {
        driver_describe(c->driver, &addr, model, !c->options->anonymous, gpu);
    }
    json_array_append_new(c->gpus, gpu);
}

/* ---- the host ---- */

/* NVML's word, else that of the loaded module. */
static bool find_version(const struct capture *c, char out[32])
{
    CLEANUP_FREE char *text = NULL;
    if (c->driver != NULL && driver_version(c->driver, out)) {
        return true;
    }
    return fs_read("/sys/module/nvidia/version", 31, &text, NULL) == 0 &&
           str_copy(out, 32, str_trim(text));
}

/* The release that /proc tells: in a simulated host uname() can't. */
static char *kernel_release(const struct utsname *machine)
{
    CLEANUP_FREE char *text = NULL;
    bool known = fs_read("/proc/sys/kernel/osrelease", 64, &text, NULL) == 0;
    return xstrdup(known ? str_trim(text) : machine->release);
}

static json_t *describe_host(const struct capture *c, const char *version)
{
    struct utsname machine = {0};
    uname(&machine);
    CLEANUP_FREE char *release = kernel_release(&machine);
    machine.nodename[strcspn(machine.nodename, ".")] = '\0';
    bool plain = parse_name(machine.nodename) && !c->options->anonymous;
    json_t *host = json_pack("{s:s, s:s, s:s}", "name", plain ? machine.nodename : "captured",
                             "driver", version, "kernel", release);
    if (c->mdev != c->vendor_vfio) {
        json_object_set_new(host, "vgpu_interface", json_string(c->mdev ? "mdev" : "vendor-vfio"));
    }
    json_object_set_new(host, "vgpu_host", json_boolean(fs_exists("/sys/module/nvidia_vgpu_vfio")));
    if (c->driver != NULL) {
        json_object_set_new(host, "mig_timeslicing",
                            json_boolean(driver_mig_timeslicing(c->driver)));
    }
    return host;
}

int capture_host(const struct catalog *catalog, const struct capture_options *options,
                 void (*warn)(const char *sentence), json_t **ret_document, struct error *err)
{
    const char *why = NULL;
    CLEANUP(driver_closep) struct driver *driver = driver_open(&why);
    CLEANUP_JSON json_t *gpus = json_array();
    CLEANUP_STRLIST struct strlist names = {0};
    struct capture c = {
        .catalog = catalog, .options = options, .warn = warn, .driver = driver, .gpus = gpus};
    if (driver == NULL) {
        CLEANUP_FREE char *text = xasprintf("UUIDs, MIG mode and instances are left out: %s", why);
        warn(text);
    }
    fs_list(PCI, &names);
    for (vec_each(&names, name)) {
        if (is_gpu(*name)) {
            add_gpu(&c, *name);
        }
    }
    if (json_array_size(gpus) == 0) {
        return error_set(err, REASON_NOT_FOUND, "capture",
                         "this machine has no NVIDIA GPU that the catalog has");
    }
    char version[32] = "";
    if (!find_version(&c, version)) {
        STR_SET(version, "580.105.08");
        warn("no driver is loaded: the host file has 580.105.08");
    }
    json_t *host = describe_host(&c, version);
    json_object_set(host, "gpus", gpus);
    *ret_document = host;
    return 0;
}
