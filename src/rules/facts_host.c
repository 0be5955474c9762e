/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_host.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"
#include "rules/say.h"
#include "rules/vgpu_release.h"

/* What the caller says goes before what the host says of itself. */
#define VERSION(said, member)                                                                      \
    (f->said != NULL && f->said[0] != '\0' ? f->said : f->host != NULL ? f->host->member : NULL)

static const char *driver_of(const struct rule_facts *f)
{
    return VERSION(driver, driver_version);
}

static bool host_driver(const struct rule_facts *f, char *out)
{
    return say_text(out, driver_of(f));
}

/* "580" of "580.105.06". */
static bool host_driver_branch(const struct rule_facts *f, char *out)
{
    const char *driver = driver_of(f);
    char branch[16] = "";
    if (driver == NULL || !STR_SET(branch, driver)) {
        return false;
    }
    branch[strcspn(branch, ".")] = '\0';
    return say_text(out, branch);
}

static bool host_libvirt(const struct rule_facts *f, char *out)
{
    return say_text(out, VERSION(libvirt, libvirt_version));
}

static bool host_kernel(const struct rule_facts *f, char *out)
{
    return say_text(out, VERSION(kernel, kernel));
}

static bool host_qemu(const struct rule_facts *f, char *out)
{
    return say_text(out, VERSION(qemu, qemu_version));
}

static bool host_vgpu(const struct rule_facts *f, char *out)
{
    return say_text(out, vgpu_release_of(driver_of(f)));
}

static bool host_os(const struct rule_facts *f, char *out)
{
    return f->host != NULL && say_text(out, f->host->os);
}

static bool host_nvswitches(const struct rule_facts *f, char *out)
{
    return f->host != NULL && f->host->functions_known && say_number(out, f->host->nvswitches);
}

#define HOST_ANSWER(name)                                                                          \
    static bool host_##name(const struct rule_facts *f, char *out)                                 \
    {                                                                                              \
        return f->host != NULL && say_tristate(out, f->host->name);                                \
    }
HOST_ANSWER(open_modules)
HOST_ANSWER(nvgrace_vfio)
HOST_ANSWER(confidential)

/* ---- the guest ---- */

static bool guest_driver(const struct rule_facts *f, char *out)
{
    return say_text(out, f->guest_driver);
}

static bool guest_vgpu(const struct rule_facts *f, char *out)
{
    return say_text(out, vgpu_release_of_guest(f->guest_driver));
}

static bool guest_vm(const struct rule_facts *f, char *out)
{
    return say_text(out, f->guest);
}

/* Both releases as whole numbers; false if one is unknown. */
static bool releases(const struct rule_facts *f, uint32_t *ret_guest, uint32_t *ret_host)
{
    const char *guest = vgpu_release_of_guest(f->guest_driver);
    const char *host = vgpu_release_of(driver_of(f));
    return guest != NULL && host != NULL && parse_u32(guest, ret_guest) &&
           parse_u32(host, ret_host);
}

/* How many releases of vGPU software the guest is behind its host; of a later one, none. */
static bool guest_behind(const struct rule_facts *f, char *out)
{
    uint32_t guest = 0;
    uint32_t host = 0;
    return releases(f, &guest, &host) && say_number(out, host > guest ? host - guest : 0);
}

static bool guest_pair(const struct rule_facts *f, char *out)
{
    uint32_t guest = 0;
    uint32_t host = 0;
    if (!releases(f, &guest, &host)) {
        return false;
    }
    snprintf(out, FACT_SIZE, "%u on %u", guest, host);
    return true;
}

static const struct fact guest_rows[] = {
    {"guest.driver", guest_driver},
    {"guest.pair", guest_pair},
    {"guest.releases-behind", guest_behind},
    {"guest.vgpu", guest_vgpu},
    {"guest.vm", guest_vm},
};
const struct fact_table guest_facts = FACT_TABLE(guest_rows);

static const struct fact host_rows[] = {
    {"host.confidential", host_confidential},
    {"host.driver", host_driver},
    {"host.driver-branch", host_driver_branch},
    {"host.kernel", host_kernel},
    {"host.libvirt", host_libvirt},
    {"host.nvgrace", host_nvgrace_vfio},
    {"host.nvswitches", host_nvswitches},
    {"host.open-modules", host_open_modules},
    {"host.os", host_os},
    {"host.qemu", host_qemu},
    {"host.vgpu", host_vgpu},
};
const struct fact_table host_facts = FACT_TABLE(host_rows);
