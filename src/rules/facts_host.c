/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_host.h"

#include "base/str.h"
#include "rules/say.h"

static bool host_driver(const struct rule_facts *f, char *out)
{
    return say_text(out, f->driver);
}

static bool host_driver_major(const struct rule_facts *f, char *out)
{
    return say_major(out, f->driver);
}

static bool host_libvirt(const struct rule_facts *f, char *out)
{
    return say_text(out, f->libvirt);
}

static bool host_libvirt_major(const struct rule_facts *f, char *out)
{
    return say_major(out, f->libvirt);
}

static const struct fact host_rows[] = {
    {"host.driver", host_driver},
    {"host.driver-major", host_driver_major},
    {"host.libvirt", host_libvirt},
    {"host.libvirt-major", host_libvirt_major},
};
const struct fact_table host_facts = FACT_TABLE(host_rows);
