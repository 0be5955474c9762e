/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, as host files (data/hosts) say: reading, checking, and filling in what they leave open. */
#include "sim/state/board.h"
#include "sim/state/complete.h"
#include "sim/state/fault.h"
#include "sim/state/host_start.h"
#include "sim/state/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

#define MAX_TEXT 63
#define MAX_GROUP 65535
#define MAX_MEMBERS 8
#define NVIDIA_VENDOR 0x10de

/* NVIDIA's measured board (RTX PRO 6000, bigstack-oss/cubecos PR#1223) has its 48 VFs from function
 * 00.2 on; the vGPU user guide's A40 has 32 from 00.4 on, which stands for all others. */
#define VFS_DEFAULT 32
#define VF_OFFSET_DEFAULT 4
#define VF_OFFSET_MEASURED 2

WORDS_LOCAL(iface_words, "vGPU interface", 2, WORD(0, "mdev"), WORD(1, "vendor-vfio"))
WORDS_LOCAL(member_words, "kind of member", 3, WORD(0, "audio"), WORD(1, "bridge"), WORD(2, "usb"))

/* In the order of member_words. Only class and driver matter; the ids are of ordinary parts. */
static const struct {
    uint32_t vendor, device, class_code;
    const char *driver;
} members[] = {
    {NVIDIA_VENDOR, 0x22ba, 0x040300, "snd_hda_intel"},
    {0x8086, 0x352a, 0x060400, "pcieport"},
    {NVIDIA_VENDOR, 0x1ad9, 0x0c0330, "xhci_hcd"},
};

void sim_host_init(struct sim_host *host)
{
    pthread_mutex_init(&host->lock, NULL);
    id_uuid(host->boot_id);
    host->next_vgpu_instance = 1;
    host->next_fault = 1;
    host->seed = 1;
    host->started_us = clock_monotonic_us();
    host->nvml_holds_gpus = true;
}

void sim_host_free(struct sim_host *host)
{
    if (host == NULL) {
        return;
    }
    pthread_mutex_destroy(&host->lock);
    free(host->state_path);
    free(host->own_modules);
    free(host->own_devices);
    sim_completed_free(host);
    free(host);
}

/* ---- reading ---- */

/* Before 6.8 mdev, from then on vendor VFIO (NVIDIA vGPU user guide 17). */
static bool kernel_iface(const char *kernel, enum sim_iface *ret_iface)
{
    unsigned major = 0;
    unsigned minor = 0;
    int end = 0;
    if (sscanf(kernel, "%3u.%3u%n", &major, &minor, &end) != 2 || end == 0) {
        return false;
    }
    *ret_iface = major > 6 || (major == 6 && minor >= 8) ? SIM_VENDOR_VFIO : SIM_MDEV;
    return true;
}

static void set_text(struct reader *r, const char *key, const char *text, char *dst, size_t size)
{
    if (text != NULL && !str_copy(dst, size, text)) {
        reader_fail(r, key, "is longer than %zu bytes", size - 1);
    }
}

static bool read_addr(struct reader *r, const char *key, struct pci_addr *ret_addr)
{
    const char *text = reader_str(r, key, MAX_TEXT);
    if (text == NULL) {
        return false;
    }
    if (!pci_addr_parse(text, ret_addr)) {
        reader_fail(r, key, "\"%s\" is not a PCI address like 0000:41:00.0", text);
        return false;
    }
    return true;
}

/* ---- one GPU ---- */

static void read_board(struct reader *r, struct sim_host *host, struct sim_gpu *gpu)
{
    const char *board = reader_str(r, "board", MAX_TEXT);
    if (board == NULL) {
        return;
    }
    struct error problem = {0};
    if (catalog_find(host->catalog, board, &gpu->model, &problem) < 0) {
        reader_fail(r, "board", "%s%s%s", problem.message, problem.hint[0] != '\0' ? "; " : "",
                    problem.hint);
        return;
    }
    gpu->model = sim_complete(host, gpu->model);
}

/* "0x2bb5" or "0x2bb5:0x204e"; must be one of the board's. */
static const struct cat_pci_id *read_pci_id(struct reader *r, const struct gpu_model *model)
{
    const char *text = reader_str_or(r, "pci_id", MAX_TEXT, NULL);
    const struct cat_pci_id *ids = model->pci_ids.items;
    if (text == NULL) {
        return model->pci_ids.n > 0 ? &ids[0] : NULL;
    }
    char device_text[MAX_TEXT + 1] = "";
    STR_SET(device_text, text);
    char *colon = strchr(device_text, ':');
    uint32_t device = 0;
    uint32_t subsystem = CAT_UNKNOWN;
    bool fine = true;
    if (colon != NULL) {
        *colon = '\0';
        fine = parse_hex32(colon + 1, &subsystem);
    }
    if (!fine || !parse_hex32(device_text, &device)) {
        reader_fail(r, "pci_id", "\"%s\" is not like 0x2bb5 or 0x2bb5:0x204e", text);
        return NULL;
    }
    for (size_t i = 0; i < model->pci_ids.n; i++) {
        if (ids[i].device == device &&
            (subsystem == CAT_UNKNOWN || ids[i].subsystem == subsystem)) {
            return &ids[i];
        }
    }
    reader_fail(r, "pci_id", "the catalog has no %s with id %s", model->name, text);
    return NULL;
}

static void read_vfs(struct reader *r, struct sim_gpu *gpu)
{
    const struct gpu_model *model = gpu->model;
    bool measured = model->sriov_vfs != CAT_UNKNOWN;
    if (model->sriov != CAT_NO && model->types.n > 0) {
        gpu->vfs_total = measured ? model->sriov_vfs : VFS_DEFAULT;
        gpu->sriov_offset = measured ? VF_OFFSET_MEASURED : VF_OFFSET_DEFAULT;
    }
    const json_t *object = reader_object_or_null(r, "vfs");
    if (object == NULL) {
        return;
    }
    char path[160];
    struct reader vfs;
    reader_init(&vfs, object, r->origin, reader_path(r, "vfs", -1, path, sizeof(path)), r->err);
    if (model->sriov == CAT_NO) {
        reader_fail(&vfs, "count", "%s has no SR-IOV", model->name);
    }
    gpu->vfs_total = (uint32_t)reader_int_or(&vfs, "count", 0, SIM_MAX_VFS, gpu->vfs_total);
    gpu->sriov_offset = (uint32_t)reader_int_or(&vfs, "first", 1, 255, gpu->sriov_offset);
    reader_has(&vfs, "enabled"); /* read when the GPU runs */
    if (reader_end(&vfs) < 0) {
        r->result = vfs.result;
    }
}

static void name_gpu(const struct sim_host *host, struct sim_gpu *gpu)
{
    char bdf[BDF_SIZE];
    char name[128];
    snprintf(name, sizeof(name), "%s/%s", host->name, pci_addr_format(&gpu->addr, bdf));
    char uuid[37];
    sim_stable_uuid(name, uuid);
    if (gpu->uuid[0] == '\0') {
        snprintf(gpu->uuid, sizeof(gpu->uuid), "GPU-%s", uuid);
    }
    uint32_t number = 0;
    for (const char *p = uuid; *p != '\0'; p++) {
        number = number * 31 + (unsigned char)*p;
    }
    if (gpu->serial[0] == '\0') {
        snprintf(gpu->serial, sizeof(gpu->serial), "132%010u", number);
    }
}

static void read_uuid(struct reader *r, struct sim_gpu *gpu)
{
    static const char prefix[] = "GPU-";
    const char *text = reader_str_or(r, "uuid", sizeof(gpu->uuid) - 1, NULL);
    if (text == NULL) {
        return;
    }
    if (!str_starts(text, prefix) || !parse_uuid(text + strlen(prefix))) {
        reader_fail(r, "uuid", "\"%s\" is not like GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", text);
    }
    STR_SET(gpu->uuid, text);
}

static void read_members(struct reader *r, struct sim_host *host, const struct sim_gpu *gpu);

static void read_gpu(struct reader *r, struct sim_host *host, struct sim_gpu *gpu)
{
    read_board(r, host, gpu);
    read_addr(r, "bdf", &gpu->addr);
    if (r->result < 0) {
        return;
    }
    const struct cat_pci_id *id = read_pci_id(r, gpu->model);
    STR_SET(gpu->name, id != NULL && id->name != NULL ? id->name : gpu->model->name);
    gpu->pci_device = id != NULL ? id->device : 0;
    gpu->pci_subsystem = id != NULL && id->subsystem != CAT_UNKNOWN ? id->subsystem : 0;
    read_vfs(r, gpu);
    set_text(r, "serial", reader_str_or(r, "serial", MAX_TEXT, NULL), gpu->serial,
             sizeof(gpu->serial));
    read_uuid(r, gpu);
    gpu->numa_node = (int32_t)reader_int_or(r, "numa_node", -1, 1023, -1);
    gpu->iommu_group = (uint32_t)reader_int_or(r, "iommu_group", 0, MAX_GROUP, SIM_NONE);
    gpu->no_reset = !reader_bool_or(r, "reset", true);
    bool mig = reader_bool_or(r, "mig", false);
    if (mig && gpu->model->profiles.n == 0) {
        reader_fail(r, "mig", "%s has no MIG", gpu->model->name);
    }
    if (gpu->model->memory_mib == CAT_UNKNOWN) {
        reader_fail(r, "board", "%s shares the system's memory; it can't be simulated",
                    gpu->model->name);
    }
    reader_has(r, "instances"); /* read when the GPU runs */
    name_gpu(host, gpu);
    sim_gpu_power_on(gpu);
    gpu->mig_current = mig;
    gpu->mig_pending = mig;
    read_members(r, host, gpu);
}

/* Other functions of the GPU's IOMMU group. Their group is filled in when the GPU's is known; until
 * then home_driver and address are enough. */
static void read_members(struct reader *r, struct sim_host *host, const struct sim_gpu *gpu)
{
    json_t *array = reader_array_or_null(r, "group_members", MAX_MEMBERS);
    for (size_t i = 0; array != NULL && i < json_array_size(array) && r->result == 0; i++) {
        char path[160];
        struct reader m;
        reader_init(&m, json_array_get(array, i), r->origin,
                    reader_path(r, "group_members", (int)i, path, sizeof(path)), r->err);
        struct sim_extra extra = {.iommu_group = (uint32_t)(gpu - host->gpus)};
        read_addr(&m, "bdf", &extra.addr);
        int kind = reader_word(&m, "kind", &member_words);
        if (reader_end(&m) < 0) {
            r->result = m.result;
            return;
        }
        if (host->n_extras == SIM_MAX_EXTRAS) {
            reader_fail(r, "group_members", "more than %d on one host", SIM_MAX_EXTRAS);
            return;
        }
        extra.pci_vendor = members[kind].vendor;
        extra.pci_device = members[kind].device;
        extra.pci_class = members[kind].class_code;
        STR_SET(extra.home_driver, members[kind].driver);
        STR_SET(extra.driver, members[kind].driver);
        host->extras[host->n_extras++] = extra;
    }
}

/* ---- the whole host ---- */

static uint64_t routing_id(const struct pci_addr *addr)
{
    return (uint64_t)addr->domain << 16 | (uint64_t)addr->bus << 8 | (uint64_t)addr->device << 3 |
           addr->function;
}

/* First and last routing id that a GPU's VFs take; false without VFs. */
static bool vf_range(const struct sim_gpu *gpu, uint64_t *ret_first, uint64_t *ret_last)
{
    *ret_first = routing_id(&gpu->addr) + gpu->sriov_offset;
    *ret_last = *ret_first + gpu->vfs_total - 1;
    return gpu->vfs_total > 0;
}

/* Does `addr` (of `self`, when a GPU) belong to something that comes before it in the file? */
static void check_addr(struct reader *r, const struct sim_host *host, uint32_t n_gpus,
                       const struct pci_addr *addr)
{
    uint64_t id = routing_id(addr);
    char bdf[BDF_SIZE];
    pci_addr_format(addr, bdf);
    for (uint32_t i = 0; i < n_gpus; i++) {
        uint64_t first = 0;
        uint64_t last = 0;
        if (routing_id(&host->gpus[i].addr) == id) {
            reader_fail(r, "bdf", "%s is already the address of gpus[%u]", bdf, i);
        } else if (vf_range(&host->gpus[i], &first, &last) && id >= first && id <= last) {
            reader_fail(r, "bdf", "%s is one of the virtual functions of gpus[%u]", bdf, i);
        }
    }
}

static void check_vfs(struct reader *r, const struct sim_host *host, uint32_t index)
{
    uint64_t first = 0;
    uint64_t last = 0;
    if (!vf_range(&host->gpus[index], &first, &last)) {
        return;
    }
    if (first >> 16 != last >> 16) {
        reader_fail(r, "vfs", "%u virtual functions do not fit behind the last bus",
                    host->gpus[index].vfs_total);
    }
    for (uint32_t i = 0; i < index; i++) {
        uint64_t other_first = 0;
        uint64_t other_last = 0;
        uint64_t other = routing_id(&host->gpus[i].addr);
        bool on_pf = other >= first && other <= last;
        bool on_vf = vf_range(&host->gpus[i], &other_first, &other_last) && first <= other_last &&
                     other_first <= last;
        if (on_pf || on_vf) {
            reader_fail(r, "bdf", "the virtual functions overlap those of gpus[%u]", i);
        }
    }
}

static void check_members(struct reader *r, const struct sim_host *host, uint32_t n_gpus,
                          uint32_t first_extra)
{
    for (uint32_t i = first_extra; i < host->n_extras; i++) {
        check_addr(r, host, n_gpus, &host->extras[i].addr);
        for (uint32_t j = 0; j < i; j++) {
            if (pci_addr_cmp(&host->extras[i].addr, &host->extras[j].addr) == 0) {
                char bdf[BDF_SIZE];
                reader_fail(r, "group_members", "%s is given twice",
                            pci_addr_format(&host->extras[i].addr, bdf));
            }
        }
    }
}

static int read_gpus(struct reader *r, struct sim_host *host)
{
    json_t *array = reader_array(r, "gpus", SIM_MAX_GPUS);
    if (array != NULL && json_array_size(array) == 0) {
        reader_fail(r, "gpus", "is empty");
    }
    for (size_t i = 0; array != NULL && i < json_array_size(array) && r->result == 0; i++) {
        char path[160];
        struct reader g;
        reader_init(&g, json_array_get(array, i), r->origin,
                    reader_path(r, "gpus", (int)i, path, sizeof(path)), r->err);
        uint32_t n_extras = host->n_extras;
        read_gpu(&g, host, &host->gpus[i]);
        if (g.result == 0) {
            check_addr(&g, host, (uint32_t)i, &host->gpus[i].addr);
            check_vfs(&g, host, (uint32_t)i);
            check_members(&g, host, (uint32_t)i + 1, n_extras);
        }
        if (reader_end(&g) < 0) {
            r->result = g.result;
            return g.result;
        }
        host->n_gpus++;
    }
    return r->result;
}

static uint32_t unused_group(const struct sim_host *host, uint32_t from)
{
    for (uint32_t group = from;; group++) {
        bool used = false;
        for (uint32_t i = 0; i < host->n_gpus; i++) {
            used = used || host->gpus[i].iommu_group == group;
        }
        if (!used) {
            return group;
        }
    }
}

/* One group per GPU unless the file says otherwise; behind all of them one per possible VF. */
static void give_groups(struct sim_host *host)
{
    uint32_t highest = 0;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (host->gpus[i].iommu_group == SIM_NONE) {
            host->gpus[i].iommu_group = unused_group(host, 10);
        }
        if (host->gpus[i].iommu_group > highest) {
            highest = host->gpus[i].iommu_group;
        }
    }
    uint32_t next = highest + 1;
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        host->gpus[i].vf_group_base = next;
        next += host->gpus[i].vfs_total;
    }
    for (uint32_t i = 0; i < host->n_extras; i++) {
        host->extras[i].iommu_group = host->gpus[host->extras[i].iommu_group].iommu_group;
    }
}

static int by_addr(const void *a, const void *b)
{
    const struct sim_gpu *x = a;
    const struct sim_gpu *y = b;
    return pci_addr_cmp(&x->addr, &y->addr);
}

static void read_faults(struct reader *r, struct sim_host *host)
{
    json_t *array = reader_array_or_null(r, "faults", SIM_MAX_FAULTS);
    for (size_t i = 0; array != NULL && i < json_array_size(array) && r->result == 0; i++) {
        char path[160];
        uint32_t id = 0;
        struct reader f;
        reader_init(&f, json_array_get(array, i), r->origin,
                    reader_path(r, "faults", (int)i, path, sizeof(path)), r->err);
        if (!reader_has(&f, "at")) {
            reader_fail(&f, "at", "the fault needs `at`: the call that it affects");
        }
        sim_fault_add(host, &f, &id);
        r->result = f.result;
    }
}

/* "rhel 9.4" */
static void read_os(struct reader *r, struct sim_host *host)
{
    const char *os = reader_str_or(r, "os", MAX_TEXT, NULL);
    const char *blank = os != NULL ? strchr(os, ' ') : NULL;
    if (os == NULL) {
        return;
    }
    CLEANUP_FREE char *id = xstrndup(os, blank != NULL ? (size_t)(blank - os) : strlen(os));
    set_text(r, "os", id, host->os_id, sizeof(host->os_id));
    set_text(r, "os", blank != NULL ? blank + 1 : "", host->os_version, sizeof(host->os_version));
}

/* "NVIDIA Transitions Fully Towards Open-Source GPU Kernel Modules" (developer.nvidia.com/blog):
 * the other flavour does not drive Blackwell. */
static bool needs_open_modules(const struct sim_host *host)
{
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        if (host->gpus[i].model->arch == ARCH_BLACKWELL) {
            return true;
        }
    }
    return false;
}

static int read_host(struct reader *r, struct sim_host *host)
{
    const char *name = reader_str(r, "name", MAX_TEXT);
    if (name != NULL && !parse_name(name)) {
        reader_fail(r, "name", "\"%s\" is not a host name", name);
    }
    set_text(r, "name", name, host->name, sizeof(host->name));
    set_text(r, "driver", reader_str(r, "driver", MAX_TEXT), host->driver_version,
             sizeof(host->driver_version));
    const char *kernel = reader_str(r, "kernel", MAX_TEXT);
    set_text(r, "kernel", kernel, host->kernel, sizeof(host->kernel));
    enum sim_iface by_kernel = SIM_VENDOR_VFIO;
    if (kernel != NULL && !kernel_iface(kernel, &by_kernel)) {
        reader_fail(r, "kernel", "\"%s\" is not a kernel release like 6.8.0-60-generic", kernel);
    }
    host->iface = (enum sim_iface)reader_word_or(r, "vgpu_interface", &iface_words, (int)by_kernel);
    host->vgpu_host = reader_bool_or(r, "vgpu_host", true);
    set_text(r, "guest_driver", reader_str_or(r, "guest_driver", MAX_TEXT, NULL),
             host->guest_driver, sizeof(host->guest_driver));
    read_os(r, host);
    host->hypervisor_mig_timeslicing = reader_bool_or(r, "mig_timeslicing", true);
    host->nvml_holds_gpus = reader_bool_or(r, "nvml_holds_gpus", true);
    host->seed = (uint64_t)reader_int_or(r, "seed", 0, INT64_MAX, 1);
    bool persistenced = reader_bool_or(r, "persistenced", false);
    int choice = reader_word_or(r, "instance_choice", &sim_choice_words, SIM_CHOOSE_FILL);
    read_faults(r, host);
    read_gpus(r, host);
    host->open_modules = reader_bool_or(r, "open_modules", needs_open_modules(host));
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        host->gpus[i].choice = (enum sim_choice)choice;
        host->gpus[i].persistenced = persistenced;
        host->gpus[i].settings[SIM_SET_PERSISTENCE] = persistenced;
    }
    return reader_end(r);
}

/* ---- documents ---- */

static int load_document(const json_t *json, const char *origin, const struct catalog *catalog,
                         struct sim_host **ret_host, struct error *err)
{
    CLEANUP(sim_host_freep) struct sim_host *host = xcalloc(1, sizeof(*host));
    struct reader r;
    sim_host_init(host);
    host->catalog = catalog;
    reader_init(&r, json, origin, "", err);
    int result = read_host(&r, host);
    if (result == 0) {
        give_groups(host);
        result = host_start_gpus(&r, host);
    }
    if (result < 0) {
        return result;
    }
    qsort(host->gpus, host->n_gpus, sizeof(host->gpus[0]), by_addr);
    for (uint32_t i = 0; i < host->n_gpus; i++) {
        host->gpus[i].minor = i;
    }
    host->changes = 0;
    *ret_host = TAKE_PTR(host);
    return 0;
}

/* Readers name a key; people look for a line. */
static void name_line(const char *path, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    size_t line = 0;
    size_t column = 0;
    char key[160] = "";
    size_t key_len = strcspn(err->message, " ");
    if (key_len > 0 && err->message[key_len - 1] == ':' && key_len <= sizeof(key)) {
        memcpy(key, err->message, key_len - 1);
    }
    if (str_eq(err->subject, path) && fs_read(path, INPUT_MAX_BYTES, &text, &len) == 0 &&
        yaml_locate(text, len, key, &line, &column)) {
        snprintf(err->subject, sizeof(err->subject), "%.90s:%zu:%zu", path, line, column);
    }
}

static void set_key(json_t *json, const char *key, const char *value)
{
    if (value != NULL) {
        json_object_set_new(json, key, json_string(value));
    }
}

int sim_host_load_as(const char *path, const struct sim_host_changes *changes,
                     const struct catalog *catalog, struct sim_host **ret_host, struct error *err)
{
    CLEANUP_JSON json_t *json = NULL;
    struct error problem = {0};
    int result = str_starts(path, SIM_BOARD_PREFIX)
                     ? sim_board_document(path, catalog, &json, &problem)
                     : json_read_file(path, &json, &problem);
    if (result == 0) {
        set_key(json, "name", changes->name);
        set_key(json, "driver", changes->driver);
        set_key(json, "kernel", changes->kernel);
        result = load_document(json, path, catalog, ret_host, &problem);
        if (result < 0) {
            name_line(path, &problem);
        }
    }
    if (result < 0 && err != NULL) {
        *err = problem;
    }
    return result;
}

int sim_host_load(const char *path, const struct catalog *catalog, struct sim_host **ret_host,
                  struct error *err)
{
    static const struct sim_host_changes none = {0};
    return sim_host_load_as(path, &none, catalog, ret_host, err);
}
