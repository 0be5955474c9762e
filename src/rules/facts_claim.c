/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_claim.h"

#include "base/str.h"
#include "rules/say.h"

static bool claim_mode(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_text(out, claim_mode_name(f->spec->mode));
}

static bool claim_type(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_text(out, f->type != NULL ? f->type->name : f->spec->type);
}

static bool claim_guest(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_text(out, guest_os_name(f->spec->guest));
}

static bool claim_mixed(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_bool(out, f->spec->mixed);
}

static bool claim_migratable(const struct rule_facts *f, char *out)
{
    return f->spec != NULL && say_bool(out, f->spec->migratable);
}

static bool claim_has_vm(const struct rule_facts *f, char *out)
{
    return say_bool(out, f->has_vm);
}

static bool claim_name(const struct rule_facts *f, char *out)
{
    return say_text(out, f->claim);
}

static const struct fact claim_rows[] = {
    {"claim.guest", claim_guest},
    {"claim.has-vm", claim_has_vm},
    {"claim.migratable", claim_migratable},
    {"claim.mixed", claim_mixed},
    {"claim.mode", claim_mode},
    {"claim.name", claim_name},
    {"claim.type", claim_type},
};
const struct fact_table claim_facts = FACT_TABLE(claim_rows);
