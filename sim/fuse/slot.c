/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/slot.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "sim/fuse/attr.h"

#define MAX_TYPES 256

static void add(struct strlist *names, const char *name)
{
    *vec_push(names) = xstrdup(name);
}

static void add_once(struct strlist *names, const char *name)
{
    for (vec_each(names, there)) {
        if (str_eq(*there, name)) {
            return;
        }
    }
    add(names, name);
}

/* "gi7" with prefix "gi" → 7, only as the kernel would spell it. */
static bool parse_numbered(const char *name, const char *prefix, uint32_t *ret_number)
{
    size_t len = strlen(prefix);
    return str_starts(name, prefix) && (name[len] != '0' || name[len + 1] == '\0') &&
           parse_u32(name + len, ret_number);
}

/* ---- PCI functions: {root} {fn} {dev} {bound} {member} ---- */

typedef bool function_filter(const struct ref *ref, const struct function *fn);

static bool any_function(const struct ref *ref UNUSED, const struct function *fn UNUSED)
{
    return true;
}

static bool below_root(const struct ref *ref, const struct function *fn)
{
    char root[ROOT_NAME_SIZE];
    return str_eq(function_root(fn, root), ref->root);
}

static bool bound_here(const struct ref *ref, const struct function *fn)
{
    return function_bound_to(fn, ref->driver);
}

static bool in_group(const struct ref *ref, const struct function *fn)
{
    return function_group(fn) == ref->group;
}

static bool mdev_parent(const struct ref *ref, const struct function *fn)
{
    return function_has_mdev_types(ref->host, fn);
}

static bool driven_gpu(const struct ref *ref UNUSED, const struct function *fn)
{
    return function_is_gpu(fn) && function_bound_to(fn, "nvidia");
}

static bool match_function(struct ref *ref, const char *name, function_filter *filter)
{
    struct function fn;
    if (!function_find_name(ref->host, name, &fn) || !filter(ref, &fn)) {
        return false;
    }
    ref->fn = fn;
    return true;
}

static void list_functions(const struct ref *ref, struct strlist *names, function_filter *filter)
{
    uint32_t cursor = 0;
    struct function fn;
    while (function_next(ref->host, &cursor, &fn)) {
        char bdf[BDF_SIZE];
        if (filter(ref, &fn)) {
            add(names, function_bdf(&fn, bdf));
        }
    }
}

static void list_roots(const struct ref *ref, struct strlist *names)
{
    uint32_t cursor = 0;
    struct function fn;
    while (function_next(ref->host, &cursor, &fn)) {
        char root[ROOT_NAME_SIZE];
        add_once(names, function_root(&fn, root));
    }
}

static bool match_root(struct ref *ref, const char *name)
{
    uint32_t cursor = 0;
    struct function fn;
    while (function_next(ref->host, &cursor, &fn)) {
        char root[ROOT_NAME_SIZE];
        if (str_eq(function_root(&fn, root), name)) {
            return STR_SET(ref->root, name);
        }
    }
    return false;
}

#define FUNCTION_SLOT(word, filter)                                                                \
    static bool match_##word(struct ref *ref, const char *name)                                    \
    {                                                                                              \
        return match_function(ref, name, filter);                                                  \
    }                                                                                              \
    static void list_##word(const struct ref *ref, struct strlist *names)                          \
    {                                                                                              \
        list_functions(ref, names, filter);                                                        \
    }
FUNCTION_SLOT(fn, below_root)
FUNCTION_SLOT(dev, any_function)
FUNCTION_SLOT(bound, bound_here)
FUNCTION_SLOT(member, in_group)
FUNCTION_SLOT(parent, mdev_parent)
FUNCTION_SLOT(gpu, driven_gpu)

/* ---- {driver} ---- */

static void list_drivers(const struct ref *ref, struct strlist *names)
{
    if (!ref->host->unloaded) {
        add(names, "nvidia");
    }
    add(names, "vfio-pci");
    for (uint32_t i = 0; i < ref->host->n_extras; i++) {
        if (ref->host->extras[i].home_driver[0] != '\0') {
            add_once(names, ref->host->extras[i].home_driver);
        }
    }
}

static bool match_driver(struct ref *ref, const char *name)
{
    CLEANUP_STRLIST struct strlist names = {0};
    list_drivers(ref, &names);
    for (vec_each(&names, there)) {
        if (str_eq(*there, name)) {
            return STR_SET(ref->driver, name);
        }
    }
    return false;
}

/* ---- {virtfn} {vfio} ---- */

static bool match_virtfn(struct ref *ref, const char *name)
{
    return function_is_gpu(&ref->fn) && parse_numbered(name, "virtfn", &ref->virtfn) &&
           ref->virtfn < ref->fn.gpu->n_vfs && !ref->fn.gpu->vfs[ref->virtfn].removed;
}

static void list_virtfns(const struct ref *ref, struct strlist *names)
{
    uint32_t n = function_is_gpu(&ref->fn) ? ref->fn.gpu->n_vfs : 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!ref->fn.gpu->vfs[i].removed) {
            *vec_push(names) = xasprintf("virtfn%u", i);
        }
    }
}

static bool match_vfio(struct ref *ref, const char *name)
{
    uint32_t serial = 0;
    return parse_numbered(name, "vfio", &serial) && serial == ref->fn.serial;
}

static void list_vfio(const struct ref *ref, struct strlist *names)
{
    *vec_push(names) = xasprintf("vfio%u", ref->fn.serial);
}

/* "resource1", and "resource1_wc" where it may be mapped write-combining. */
static bool match_bar(struct ref *ref, const char *name)
{
    for (ref->bar = 0; ref->bar < BARS; ref->bar++) {
        CLEANUP_FREE char *plain = xasprintf("resource%u", ref->bar);
        CLEANUP_FREE char *combining = xasprintf("resource%u_wc", ref->bar);
        bool prefetchable = false;
        uint64_t bytes = bar_bytes(ref, &prefetchable);
        if (bytes > 0 && (str_eq(name, plain) || (prefetchable && str_eq(name, combining)))) {
            return true;
        }
    }
    return false;
}

static void list_bars(const struct ref *ref, struct strlist *names)
{
    struct ref each = *ref;
    for (each.bar = 0; each.bar < BARS; each.bar++) {
        bool prefetchable = false;
        if (bar_bytes(&each, &prefetchable) > 0) {
            *vec_push(names) = xasprintf("resource%u", each.bar);
            if (prefetchable) {
                *vec_push(names) = xasprintf("resource%u_wc", each.bar);
            }
        }
    }
}

/* /dev/vfio/devices/vfioN: all of them. */
static bool match_vfio_cdev(struct ref *ref, const char *name)
{
    uint32_t serial = 0;
    uint32_t cursor = 0;
    bool numbered = parse_numbered(name, "vfio", &serial);
    while (numbered && function_next(ref->host, &cursor, &ref->fn)) {
        if (ref->fn.serial == serial) {
            return function_is_vfio(ref->host, &ref->fn);
        }
    }
    return false;
}

static void list_vfio_cdevs(const struct ref *ref, struct strlist *names)
{
    uint32_t cursor = 0;
    struct function fn;
    while (function_next(ref->host, &cursor, &fn)) {
        if (function_is_vfio(ref->host, &fn)) {
            *vec_push(names) = xasprintf("vfio%u", fn.serial);
        }
    }
}

/* ---- mdevs: {mdev} below their parent, {anymdev} on the bus, {typemdev} below their type ---- */

/* Walks the mdevs of the host (only_fn NULL) or of one function. */
static struct sim_vgpu *next_mdev(struct sim_host *host, const struct function *only_fn,
                                  uint32_t *gpu_index, uint32_t *cursor, struct function *ret_fn)
{
    for (; host->iface == SIM_MDEV && *gpu_index < host->n_gpus; (*gpu_index)++, *cursor = 0) {
        struct sim_gpu *gpu = &host->gpus[*gpu_index];
        struct sim_vf *vf = NULL;
        struct sim_vgpu *vgpu = sim_next_vgpu(gpu, cursor, &vf);
        for (; vgpu != NULL; vgpu = sim_next_vgpu(gpu, cursor, &vf)) {
            if (only_fn == NULL || (only_fn->gpu == gpu && only_fn->vf == vf)) {
                *ret_fn = (struct function){.gpu = gpu, .vf = vf};
                return vgpu;
            }
        }
    }
    return NULL;
}

static void list_mdevs_of(const struct ref *ref, const struct function *only_fn,
                          struct strlist *names)
{
    uint32_t gpu_index = 0;
    uint32_t cursor = 0;
    struct function fn;
    for (;;) {
        const struct sim_vgpu *vgpu = next_mdev(ref->host, only_fn, &gpu_index, &cursor, &fn);
        if (vgpu == NULL) {
            return;
        }
        if (ref->type == NULL || vgpu->type == ref->type) {
            add(names, vgpu->uuid);
        }
    }
}

static bool match_any_mdev(struct ref *ref, const char *name)
{
    struct function fn = {0};
    struct sim_vgpu *mdev =
        ref->host->iface == SIM_MDEV ? sim_find_mdev(ref->host, name, &fn.gpu, &fn.vf) : NULL;
    if (mdev == NULL) {
        return false;
    }
    ref->fn = fn;
    ref->mdev = mdev;
    return true;
}

static void list_any_mdev(const struct ref *ref, struct strlist *names)
{
    list_mdevs_of(ref, NULL, names);
}

static bool match_mdev(struct ref *ref, const char *name)
{
    struct function parent = ref->fn;
    if (parent.gpu == NULL || !match_any_mdev(ref, name)) {
        return false;
    }
    return ref->fn.gpu == parent.gpu && ref->fn.vf == parent.vf &&
           (ref->type == NULL || ref->mdev->type == ref->type);
}

static void list_mdev(const struct ref *ref, struct strlist *names)
{
    if (ref->fn.gpu != NULL) {
        list_mdevs_of(ref, &ref->fn, names);
    }
}

/* mdevs in the IOMMU group of the ref. */
static bool match_group_mdev(struct ref *ref, const char *name)
{
    return match_any_mdev(ref, name) && ref->mdev->iommu_group == ref->group;
}

static void list_group_mdevs(const struct ref *ref, struct strlist *names)
{
    uint32_t gpu_index = 0;
    uint32_t cursor = 0;
    struct function fn;
    for (;;) {
        const struct sim_vgpu *vgpu = next_mdev(ref->host, NULL, &gpu_index, &cursor, &fn);
        if (vgpu == NULL) {
            return;
        }
        if (vgpu->iommu_group == ref->group) {
            add(names, vgpu->uuid);
        }
    }
}

/* ---- {type} ---- */

static bool match_type(struct ref *ref, const char *name)
{
    const struct cat_vgpu_type *types[MAX_TYPES];
    uint32_t n = sim_supported_types(ref->host, ref->fn.gpu, types, MAX_TYPES);
    uint32_t id = 0;
    bool numbered = parse_numbered(name, "nvidia-", &id);
    for (uint32_t i = 0; numbered && i < n; i++) {
        if (sim_type_id(ref->fn.gpu->model, types[i]) == id) {
            ref->type = types[i];
            return true;
        }
    }
    return false;
}

static void list_types(const struct ref *ref, struct strlist *names)
{
    const struct cat_vgpu_type *types[MAX_TYPES];
    uint32_t n = sim_supported_types(ref->host, ref->fn.gpu, types, MAX_TYPES);
    for (uint32_t i = 0; i < n; i++) {
        *vec_push(names) = xasprintf("nvidia-%u", sim_type_id(ref->fn.gpu->model, types[i]));
    }
}

/* ---- {group}: every IOMMU group; {vfiogroup}: those that /dev/vfio has a file for ---- */

static void list_groups_if(const struct ref *ref, bool vfio_only, struct strlist *names)
{
    uint32_t cursor = 0;
    struct function fn;
    while (function_next(ref->host, &cursor, &fn)) {
        if (!vfio_only || function_is_vfio(ref->host, &fn)) {
            CLEANUP_FREE char *name = xasprintf("%u", function_group(&fn));
            add_once(names, name);
        }
    }
    uint32_t gpu_index = 0;
    cursor = 0;
    for (;;) {
        const struct sim_vgpu *vgpu = next_mdev(ref->host, NULL, &gpu_index, &cursor, &fn);
        if (vgpu == NULL) {
            return;
        }
        CLEANUP_FREE char *name = xasprintf("%u", vgpu->iommu_group);
        add_once(names, name);
    }
}

static bool match_group_if(struct ref *ref, const char *name, bool vfio_only)
{
    CLEANUP_STRLIST struct strlist names = {0};
    if (!parse_u32(name, &ref->group)) {
        return false;
    }
    list_groups_if(ref, vfio_only, &names);
    for (vec_each(&names, there)) {
        if (str_eq(*there, name)) {
            return true;
        }
    }
    return false;
}

static bool match_group(struct ref *ref, const char *name)
{
    return match_group_if(ref, name, false);
}

static void list_groups(const struct ref *ref, struct strlist *names)
{
    list_groups_if(ref, false, names);
}

static bool match_vfio_group(struct ref *ref, const char *name)
{
    return match_group_if(ref, name, true);
}

static void list_vfio_groups(const struct ref *ref, struct strlist *names)
{
    list_groups_if(ref, true, names);
}

/* ---- {gpuN} {gi} {ci}: /proc/driver/nvidia/capabilities ---- */

static bool is_mig_gpu(const struct sim_gpu *gpu)
{
    return str_eq(gpu->driver, "nvidia") && gpu->model->profiles.n > 0;
}

static bool match_gpu_minor(struct ref *ref, const char *name)
{
    uint32_t minor = 0;
    bool numbered = parse_numbered(name, "gpu", &minor);
    for (uint32_t i = 0; numbered && i < ref->host->n_gpus; i++) {
        struct sim_gpu *gpu = &ref->host->gpus[i];
        if (gpu->minor == minor && is_mig_gpu(gpu)) {
            ref->fn = (struct function){.gpu = gpu};
            return true;
        }
    }
    return false;
}

static void list_gpu_minors(const struct ref *ref, struct strlist *names)
{
    for (uint32_t i = 0; i < ref->host->n_gpus; i++) {
        const struct sim_gpu *gpu = &ref->host->gpus[i];
        if (is_mig_gpu(gpu)) {
            *vec_push(names) = xasprintf("gpu%u", gpu->minor);
        }
    }
}

static bool match_gi(struct ref *ref, const char *name)
{
    uint32_t id = 0;
    ref->gi = parse_numbered(name, "gi", &id) ? sim_find_gi(ref->fn.gpu, id) : NULL;
    return ref->gi != NULL;
}

static void list_gis(const struct ref *ref, struct strlist *names)
{
    for (uint32_t i = 0; i < ref->fn.gpu->n_gis; i++) {
        *vec_push(names) = xasprintf("gi%u", ref->fn.gpu->gis[i].id);
    }
}

static bool match_ci(struct ref *ref, const char *name)
{
    uint32_t id = 0;
    bool numbered = parse_numbered(name, "ci", &id);
    for (uint32_t i = 0; numbered && i < ref->gi->n_cis; i++) {
        if (ref->gi->cis[i].id == id) {
            ref->ci = &ref->gi->cis[i];
            return true;
        }
    }
    return false;
}

static void list_cis(const struct ref *ref, struct strlist *names)
{
    for (uint32_t i = 0; i < ref->gi->n_cis; i++) {
        *vec_push(names) = xasprintf("ci%u", ref->gi->cis[i].id);
    }
}

static const struct slot slots[] = {
    {.name = "{root}", .match = match_root, .list = list_roots},
    {.name = "{fn}", .match = match_fn, .list = list_fn},
    {.name = "{dev}", .match = match_dev, .list = list_dev},
    {.name = "{bound}", .match = match_bound, .list = list_bound},
    {.name = "{member}", .match = match_member, .list = list_member},
    {.name = "{parent}", .match = match_parent, .list = list_parent},
    {.name = "{gpu}", .match = match_gpu, .list = list_gpu},
    {.name = "{driver}", .match = match_driver, .list = list_drivers},
    {.name = "{virtfn}", .match = match_virtfn, .list = list_virtfns},
    {.name = "{bar}", .match = match_bar, .list = list_bars},
    {.name = "{vfio}", .match = match_vfio, .list = list_vfio},
    {.name = "{cdev}", .match = match_vfio_cdev, .list = list_vfio_cdevs},
    {.name = "{mdev}", .match = match_mdev, .list = list_mdev},
    {.name = "{anymdev}", .match = match_any_mdev, .list = list_any_mdev},
    {.name = "{groupmdev}", .match = match_group_mdev, .list = list_group_mdevs},
    {.name = "{type}", .match = match_type, .list = list_types},
    {.name = "{group}", .match = match_group, .list = list_groups},
    {.name = "{vfiogroup}", .match = match_vfio_group, .list = list_vfio_groups},
    {.name = "{minor}", .match = match_gpu_minor, .list = list_gpu_minors},
    {.name = "{gi}", .match = match_gi, .list = list_gis},
    {.name = "{ci}", .match = match_ci, .list = list_cis},
};

const struct slot *slot_find(const char *name)
{
    for (size_t i = 0; name[0] == '{' && i < ARRAY_SIZE(slots); i++) {
        if (str_eq(slots[i].name, name)) {
            return &slots[i];
        }
    }
    return NULL;
}
