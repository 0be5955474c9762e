/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to the PCI core's files; each is one call of the engine. What a real kernel answers to
 * each is in test/lab/kernel.golden. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/parse.h"
#include "sim/fuse/attr.h"
#include "sim/fuse/kstr.h"

/* kstrtoul() of these files accepts any number; 0 asks for nothing. */
static int parse_flag(const char *text, bool *ret_on)
{
    uint64_t value = 0;
    int r = kstr_number(text, UINT64_MAX, &value);
    *ret_on = value != 0;
    return r;
}

/* ---- drivers ---- */

/* Bus files take a function's name exactly as it is spelled below bus/pci/devices. */
static bool named_function(const struct ref *ref, const char *text, struct function *ret_fn)
{
    return function_find_name(ref->host, text, ret_fn);
}

int write_bind(const struct ref *ref, const char *text)
{
    struct function fn;
    if (!named_function(ref, text, &fn)) {
        return -ENODEV;
    }
    const struct pci_addr addr = *function_addr(&fn);
    return function_is_leaving(&fn) ? ATTR_AGAIN : sim_bind(ref->host, &addr, ref->driver);
}

/* The function is without a driver at once, but who asked waits for the user to let go of it
 * (vfio_unregister_group_dev()). */
int write_unbind(const struct ref *ref, const char *text)
{
    struct function fn;
    if (!named_function(ref, text, &fn)) {
        return -ENODEV;
    }
    if (function_is_leaving(&fn)) {
        return ATTR_AGAIN;
    }
    const struct pci_addr addr = *function_addr(&fn);
    int r = sim_unbind(ref->host, &addr, ref->driver);
    return r == 0 && function_is_leaving(&fn) ? ATTR_LATER : r;
}

int write_drivers_probe(const struct ref *ref, const char *text)
{
    struct function fn;
    if (!named_function(ref, text, &fn)) {
        return -ENODEV;
    }
    const struct pci_addr addr = *function_addr(&fn);
    return sim_drivers_probe(ref->host, &addr); /* one that is leaving has its driver still */
}

/* What comes before the first newline; nothing clears it. */
int write_driver_override(const struct ref *ref, const char *text)
{
    CLEANUP_FREE char *line = xstrndup(text, strcspn(text, "\n"));
    return sim_set_driver_override(ref->host, function_addr(&ref->fn), line);
}

/* "VVVV DDDD …" in hex. */
static bool parse_ids(const char *text, uint32_t *ret_vendor, uint32_t *ret_device)
{
    return sscanf(text, "%8x %8x", ret_vendor, ret_device) == 2;
}

int write_new_id(const struct ref *ref, const char *text)
{
    uint32_t vendor = 0;
    uint32_t device = 0;
    return parse_ids(text, &vendor, &device) ? sim_new_id(ref->host, ref->driver, vendor, device)
                                             : -EINVAL;
}

int write_remove_id(const struct ref *ref, const char *text)
{
    uint32_t vendor = 0;
    uint32_t device = 0;
    return parse_ids(text, &vendor, &device) ? sim_remove_id(ref->host, ref->driver, vendor, device)
                                             : -EINVAL;
}

/* ---- the bus ---- */

int write_remove(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r < 0 || !on) {
        return r;
    }
    const struct pci_addr addr = *function_addr(&ref->fn);
    const char *driver = function_driver(&ref->fn);
    if (function_is_held(&ref->fn) && !function_is_leaving(&ref->fn)) {
        r = sim_unbind(ref->host, &addr, driver);
    }
    if (r < 0) {
        return r;
    }
    return function_is_leaving(&ref->fn) ? ATTR_AGAIN : sim_remove(ref->host, &addr);
}

int write_rescan(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r == 0 && on) {
        sim_rescan(ref->host);
    }
    return r;
}

/* drivers_autoprobe_store(): whatever does not begin with 0 is yes. */
int write_autoprobe(const struct ref *ref, const char *text)
{
    sim_set_autoprobe(ref->host, NULL, text[0] != '0');
    return 0;
}

int write_sriov_autoprobe(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = kstr_bool(text, &on);
    if (r == 0) {
        sim_set_autoprobe(ref->host, ref->fn.gpu, on);
    }
    return r;
}

/* NVIDIA's driver has no sriov_configure(): measured as "write error: No such file or directory" in
 * bigstack-oss/cubecos; nor has vfio-pci, as it is loaded. sriov-manage is the way. */
int write_numvfs(const struct ref *ref, const char *text)
{
    uint64_t n = 0;
    if (kstr_number(text, UINT16_MAX, &n) < 0) {
        return -EINVAL;
    }
    if (n > ref->fn.gpu->vfs_total) {
        return -ERANGE;
    }
    return n == ref->fn.gpu->n_vfs ? 0 : -ENOENT;
}

/* ---- a function's own ---- */

int write_flag(const struct ref *ref UNUSED, const char *text)
{
    bool on = false;
    return parse_flag(text, &on);
}

/* enable_store(): counts, unless a driver does. */
int write_enable(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r < 0) {
        return r;
    }
    if (function_driver(&ref->fn)[0] != '\0') {
        return -EBUSY;
    }
    uint32_t *enabled = &function_knobs(&ref->fn)->enabled;
    if (!on && *enabled == 0) {
        return -EIO;
    }
    *enabled = on ? *enabled + 1 : *enabled - 1;
    return 0;
}

/* Only a node that is there; the machine's other nodes are those of the other GPUs. */
int write_numa_node(const struct ref *ref, const char *text)
{
    int32_t node = 0;
    bool online = false;
    if (kstr_signed(text, &node) < 0) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < ref->host->n_gpus; i++) {
        online = online || ref->host->gpus[i].numa_node == node;
    }
    if (node < -1 || (node > 0 && !online)) {
        return -EINVAL;
    }
    if (function_is_gpu(&ref->fn)) {
        ref->fn.gpu->numa_node = node;
    }
    return 0;
}

int write_parity(const struct ref *ref, const char *text)
{
    return parse_flag(text, &function_knobs(&ref->fn)->broken_parity);
}

int write_d3cold(const struct ref *ref, const char *text)
{
    return parse_flag(text, &function_knobs(&ref->fn)->d3cold);
}

int write_power_control(const struct ref *ref, const char *text)
{
    if (!str_eq(text, "on") && !str_eq(text, "auto")) {
        return -EINVAL;
    }
    function_knobs(&ref->fn)->power_auto = str_eq(text, "auto");
    return 0;
}

/* kobject_action_type(): the action's name, and perhaps a UUID with what to add to the event, of
 * which there is none here. */
int write_uevent(const struct ref *ref UNUSED, const char *text)
{
    static const char *const actions[] = {"add",    "remove",  "change", "move",
                                          "online", "offline", "bind",   "unbind"};
    size_t len = strcspn(text, " ");
    CLEANUP_FREE char *uuid = text[len] == '\0' ? NULL : xstrndup(text + len + 1, UUID_SIZE - 1);
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (strlen(actions[i]) == len && strncmp(text, actions[i], len) == 0) {
            return uuid == NULL || parse_uuid(uuid) ? 0 : -EINVAL;
        }
    }
    return -EINVAL;
}

/* The kernel does not ask whether a VM has it, either: only its guest notices. */
static int reset_gpu(const struct ref *ref)
{
    bool done = function_is_held(&ref->fn) || sim_function_reset(ref->host, ref->fn.gpu) == 0;
    return done ? 0 : -EBUSY;
}

int write_reset(const struct ref *ref, const char *text)
{
    uint64_t value = 0;
    if (kstr_number(text, UINT64_MAX, &value) < 0 || value != 1) {
        return -EINVAL;
    }
    if (function_knobs(&ref->fn)->no_reset || ref->fn.gpu->lost) {
        return -ENOTTY; /* lost: each way was tried, and it never became ready (pci_dev_wait()) */
    }
    if (ref->fn.vf != NULL) {
        return ref->fn.vf->vgpu.opener != 0 ? -EBUSY : 0;
    }
    return reset_gpu(ref);
}

/* A list of the methods that there are, in the order in which they are to be tried; none: no reset
 * any more. */
int write_reset_method(const struct ref *ref, const char *text)
{
    struct sim_knobs *knobs = function_knobs(&ref->fn);
    CLEANUP_STRBUF struct strbuf methods = {0};
    bool is_default = str_eq(text, "default");
    for (const char *p = text; *p != '\0' && !is_default;) {
        size_t len = strcspn(p, " \n");
        bool bus = len == 3 && strncmp(p, "bus", len) == 0 && ref->fn.vf == NULL;
        bool flr = len == 3 && strncmp(p, "flr", len) == 0;
        if (len > 0 && !bus && !flr) {
            return -EINVAL;
        }
        strbuf_addf(&methods, "%s%s", methods.len > 0 && len > 0 ? " " : "",
                    bus   ? "bus"
                    : flr ? "flr"
                          : "");
        p += len + (p[len] == '\0' ? 0 : 1);
    }
    if (!STR_SET(knobs->reset_methods, strbuf_str(&methods))) {
        return -EINVAL;
    }
    knobs->no_reset = !is_default && methods.len == 0;
    return 0;
}

/* Reading it back tells whether it was granted. */
int write_unbind_lock(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r < 0) {
        return r;
    }
    sim_set_unbind_lock(ref->host, ref->fn.gpu, on);
    return 0;
}

/* iommu_group_store_type(): not while a driver has a function of the group. There is no other kind
 * here, so a change is refused for that reason always. */
int write_group_type(const struct ref *ref UNUSED, const char *text)
{
    static const char *const types[] = {"identity", "DMA", "DMA-FQ", "auto"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (str_eq(types[i], text)) {
            return -EPERM;
        }
    }
    return -EINVAL;
}
