/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_definition.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "rules/say.h"

#define DEFINITION_NUMBER(name, value)                                                             \
    static bool definition_##name(const struct rule_facts *f, char *out)                           \
    {                                                                                              \
        return f->definition != NULL && say_number(out, (uint32_t)(f->definition->value));         \
    }
DEFINITION_NUMBER(host_devices, facts->devices.n)
DEFINITION_NUMBER(gpus, gpus)
DEFINITION_NUMBER(whole_gpus, whole_gpus)
DEFINITION_NUMBER(vgpus, vgpus)

#define DEFINITION_BOOL(name)                                                                      \
    static bool definition_##name(const struct rule_facts *f, char *out)                           \
    {                                                                                              \
        return f->definition != NULL && say_bool(out, f->definition->facts->name);                 \
    }
DEFINITION_BOOL(secure_boot)
DEFINITION_BOOL(transient)
DEFINITION_BOOL(suspend)
DEFINITION_BOOL(iommufd)

static bool definition_uefi(const struct rule_facts *f, char *out)
{
    return f->definition != NULL && say_bool(out, f->definition->facts->efi);
}

/* ---- the 64-bit PCI window ---- */

#define KIB_PER_GIB (1024ULL * 1024)

/* The next whole number of GiB. */
static bool say_gib(char *out, uint64_t kib)
{
    return say_number(out, (uint32_t)((kib + KIB_PER_GIB - 1) / KIB_PER_GIB));
}

static bool is_too_small(const struct rule_definition *it)
{
    return it->window_needed_kib > it->window_kib;
}

static uint64_t window_used_kib(const struct rule_definition *it)
{
    return is_too_small(it) ? it->window_needed_kib : it->window_kib;
}

static uint32_t address_bits(const struct domain_facts *facts)
{
    return domain_address_bits(facts->cpu_mode, facts->phys_bits, facts->phys_bits_host);
}

#define DEFINITION_GIB(name, kib)                                                                  \
    static bool definition_##name(const struct rule_facts *f, char *out)                           \
    {                                                                                              \
        return f->definition != NULL && say_gib(out, kib);                                         \
    }
DEFINITION_GIB(bars_gib, f->definition->bars_kib)
DEFINITION_GIB(memory_gib, f->definition->facts->mem_kib)
DEFINITION_GIB(window_gib, f->definition->window_kib)
DEFINITION_GIB(window_needed_gib, f->definition->window_needed_kib)
DEFINITION_GIB(window_used_gib, window_used_kib(f->definition))

static bool definition_window_too_small(const struct rule_facts *f, char *out)
{
    return f->definition != NULL && say_bool(out, is_too_small(f->definition));
}

/* Unknown: as many as the host's CPU has. */
static bool definition_address_bits(const struct rule_facts *f, char *out)
{
    uint32_t bits = f->definition != NULL ? address_bits(f->definition->facts) : 0;
    return bits != 0 && say_number(out, bits);
}

/* Without a whole GPU the window does not matter. */
static bool definition_beyond_bits(const struct rule_facts *f, char *out)
{
    const struct rule_definition *it = f->definition;
    return it != NULL &&
           say_bool(out, it->bars_kib != 0 &&
                             !domain_window_fits(it->facts->mem_kib, window_used_kib(it),
                                                 address_bits(it->facts)));
}

/* ---- others ---- */

static bool definition_saved(const struct rule_facts *f, char *out)
{
    return f->definition != NULL && say_tristate(out, f->definition->saved);
}

static bool definition_security(const struct rule_facts *f, char *out)
{
    return f->definition != NULL &&
           say_text(out, f->definition->facts->security[0] != '\0' ? f->definition->facts->security
                                                                   : "none");
}

static bool definition_viommu(const struct rule_facts *f, char *out)
{
    return f->definition != NULL &&
           say_text(out, f->definition->facts->iommu.line != 0 ? f->definition->facts->iommu.what
                                                               : "none");
}

static bool definition_viommu_caching(const struct rule_facts *f, char *out)
{
    return f->definition != NULL && say_bool(out, f->definition->facts->iommu_caching);
}

static bool definition_name(const struct rule_facts *f, char *out)
{
    return f->definition != NULL && say_text(out, f->definition->facts->name);
}

static bool definition_machine(const struct rule_facts *f, char *out)
{
    return f->definition != NULL && say_text(out, f->definition->facts->machine);
}

/* QEMU's releases in their order, 4.0 being 0: three a year from there on, two of 3, 13 of 2. */
static bool release_number(const char *text, int32_t *ret_number)
{
    unsigned major = 0;
    unsigned minor = 0;
    if (sscanf(text, "%3u.%3u", &major, &minor) != 2 || major < 2 || major > 99 || minor > 12) {
        return false;
    }
    static const int32_t first[] = {-15, -2};
    *ret_number = (major < 4 ? first[major - 2] : ((int32_t)major - 4) * 3) + (int32_t)minor;
    return true;
}

/* Only QEMU's own types say their release: "pc-q35-7.2". Those of a distribution
 * ("pc-q35-rhel9.4.0") have other numbers. */
static bool machine_release(const char *machine, int32_t *ret_number)
{
    static const char *const kinds[] = {"pc-q35-", "pc-i440fx-"};
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (str_starts(machine, kinds[i])) {
            return release_number(machine + strlen(kinds[i]), ret_number);
        }
    }
    return false;
}

/* How many releases of QEMU the machine type is behind the host's. */
static bool definition_machine_age(const struct rule_facts *f, char *out)
{
    int32_t machine = 0;
    int32_t host = 0;
    const char *qemu = f->qemu != NULL ? f->qemu : f->host != NULL ? f->host->qemu_version : "";
    return f->definition != NULL && machine_release(f->definition->facts->machine, &machine) &&
           release_number(qemu, &host) &&
           say_number(out, host > machine ? (uint32_t)(host - machine) : 0);
}

static const struct fact definition_rows[] = {
    {"definition.address-bits", definition_address_bits},
    {"definition.bars-gib", definition_bars_gib},
    {"definition.beyond-address-bits", definition_beyond_bits},
    {"definition.gpus", definition_gpus},
    {"definition.host-devices", definition_host_devices},
    {"definition.iommufd", definition_iommufd},
    {"definition.machine", definition_machine},
    {"definition.machine-age", definition_machine_age},
    {"definition.memory-gib", definition_memory_gib},
    {"definition.name", definition_name},
    {"definition.saved", definition_saved},
    {"definition.secure-boot", definition_secure_boot},
    {"definition.security", definition_security},
    {"definition.suspend", definition_suspend},
    {"definition.transient", definition_transient},
    {"definition.uefi", definition_uefi},
    {"definition.vgpus", definition_vgpus},
    {"definition.viommu", definition_viommu},
    {"definition.viommu-caching", definition_viommu_caching},
    {"definition.whole-gpus", definition_whole_gpus},
    {"definition.window-gib", definition_window_gib},
    {"definition.window-needed-gib", definition_window_needed_gib},
    {"definition.window-too-small", definition_window_too_small},
    {"definition.window-used-gib", definition_window_used_gib},
};
const struct fact_table definition_facts = FACT_TABLE(definition_rows);

/* ---- one device ---- */

static bool device_name_(const struct rule_facts *f, char *out)
{
    char bdf[BDF_SIZE];
    const struct domain_device *device = f->device;
    return device != NULL &&
           say_text(out, device_name(device->is_mdev ? device->mdev_uuid : "", &device->addr, bdf));
}

static bool device_mdev(const struct rule_facts *f, char *out)
{
    return f->device != NULL && say_bool(out, f->device->is_mdev);
}

/* An attribute that is not written means no. */
static bool device_managed(const struct rule_facts *f, char *out)
{
    return f->device != NULL && say_bool(out, f->device->managed == TRI_YES);
}

static const struct fact device_rows[] = {
    {"device.managed", device_managed},
    {"device.mdev", device_mdev},
    {"device.name", device_name_},
};
const struct fact_table device_facts = FACT_TABLE(device_rows);
