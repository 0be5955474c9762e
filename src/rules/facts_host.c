/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_host.h"

#include "base/str.h"
#include "rules/say.h"
#include "rules/vgpu_release.h"

static bool host_driver(const struct rule_facts *f, char *out)
{
    return say_text(out, f->driver);
}

static bool host_libvirt(const struct rule_facts *f, char *out)
{
    return say_text(out, f->libvirt);
}

static bool host_kernel(const struct rule_facts *f, char *out)
{
    return say_text(out, f->kernel);
}

static bool host_qemu(const struct rule_facts *f, char *out)
{
    return say_text(out, f->qemu);
}

static bool host_vgpu(const struct rule_facts *f, char *out)
{
    return say_text(out, vgpu_release_of(f->driver));
}

static bool guest_driver(const struct rule_facts *f, char *out)
{
    return say_text(out, f->guest_driver);
}

static const struct fact guest_rows[] = {
    {"guest.driver", guest_driver},
};
const struct fact_table guest_facts = FACT_TABLE(guest_rows);

static const struct fact host_rows[] = {
    {"host.driver", host_driver}, {"host.kernel", host_kernel}, {"host.libvirt", host_libvirt},
    {"host.qemu", host_qemu},     {"host.vgpu", host_vgpu},
};
const struct fact_table host_facts = FACT_TABLE(host_rows);
