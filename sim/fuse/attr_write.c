/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to the PCI core's files; each is one call of the engine. */
#include <errno.h>
#include <stdio.h>

#include "base/parse.h"
#include "sim/fuse/attr.h"

/* kstrtobool() and kstrtoul() of these files accept any number; 0 asks for nothing. */
static int parse_flag(const char *text, bool *ret_on)
{
    uint32_t value = 0;
    if (!parse_u32(text, &value)) {
        return -EINVAL;
    }
    *ret_on = value != 0;
    return 0;
}

int write_flag(const struct ref *ref UNUSED, const char *text)
{
    bool on = false;
    return parse_flag(text, &on);
}

int write_bind(const struct ref *ref, const char *text)
{
    struct pci_addr addr;
    if (!pci_addr_parse(text, &addr)) {
        return -ENODEV;
    }
    return sim_bind(ref->host, &addr, ref->driver);
}

int write_unbind(const struct ref *ref, const char *text)
{
    struct pci_addr addr;
    if (!pci_addr_parse(text, &addr)) {
        return -ENODEV;
    }
    return sim_unbind(ref->host, &addr, ref->driver);
}

int write_drivers_probe(const struct ref *ref, const char *text)
{
    struct pci_addr addr;
    if (!pci_addr_parse(text, &addr)) {
        return -ENODEV;
    }
    return sim_drivers_probe(ref->host, &addr);
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

int write_remove(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r < 0 || !on) {
        return r;
    }
    const struct pci_addr addr = *function_addr(&ref->fn);
    return sim_remove(ref->host, &addr);
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

int write_autoprobe(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r == 0) {
        sim_set_autoprobe(ref->host, NULL, on);
    }
    return r;
}

int write_sriov_autoprobe(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r == 0) {
        sim_set_autoprobe(ref->host, ref->fn.gpu, on);
    }
    return r;
}

int write_driver_override(const struct ref *ref, const char *text)
{
    return sim_set_driver_override(ref->host, function_addr(&ref->fn), text);
}

int write_reset(const struct ref *ref, const char *text)
{
    bool on = false;
    int r = parse_flag(text, &on);
    if (r < 0) {
        return r;
    }
    if (!on) {
        return -EINVAL;
    }
    if (ref->fn.gpu->lost) {
        return -ENOTTY; /* each way was tried, and the function never became ready (pci_dev_wait())
                         */
    }
    if (ref->fn.vf != NULL) {
        return ref->fn.vf->vgpu.opener != 0 ? -EBUSY : 0;
    }
    return sim_function_reset(ref->host, ref->fn.gpu) == 0 ? 0 : -EBUSY;
}

/* NVIDIA's driver has no sriov_configure(): measured as "write error: No such file or directory" in
 * bigstack-oss/cubecos. sriov-manage is the way. */
int write_numvfs(const struct ref *ref UNUSED, const char *text)
{
    uint32_t n = 0;
    return parse_u32(text, &n) ? -ENOENT : -EINVAL;
}

int write_power_control(const struct ref *ref UNUSED, const char *text)
{
    return str_eq(text, "on") || str_eq(text, "auto") ? 0 : -EINVAL;
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
