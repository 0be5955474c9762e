/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_vm.h"

#include "base/str.h"
#include "rules/board_type.h"
#include "rules/say.h"

static bool other_claim(const struct rule_facts *f, char *out)
{
    return f->other != NULL && say_text(out, f->other->claim);
}

static bool other_type(const struct rule_facts *f, char *out)
{
    return f->other != NULL && say_text(out, f->other->type);
}

static bool other_same_type(const struct rule_facts *f, char *out)
{
    return f->other != NULL && f->type != NULL &&
           say_bool(out, str_eq(f->type->name, f->other->type));
}

/* Board and series of both: L40S and Q. */
static bool other_same_family(const struct rule_facts *f, char *out)
{
    const struct rule_other *other = f->other;
    if (other == NULL || f->type == NULL || f->model == NULL || other->of == NULL ||
        other->model == NULL) {
        return false;
    }
    return say_bool(out, str_eq(f->model->key, other->model->key) &&
                             f->type->series == other->of->series);
}

static bool other_same_size(const struct rule_facts *f, char *out)
{
    return f->other != NULL && f->other->of != NULL && f->type != NULL &&
           f->type->framebuffer_mib != CAT_UNKNOWN &&
           f->other->of->framebuffer_mib != CAT_UNKNOWN &&
           say_bool(out, f->type->framebuffer_mib == f->other->of->framebuffer_mib);
}

static bool other_same_gpu(const struct rule_facts *f, char *out)
{
    return f->other != NULL && f->other->gpu != NULL && f->gpu != NULL &&
           say_bool(out, pci_addr_cmp(&f->gpu->addr, &f->other->gpu->addr) == 0);
}

static bool vm_same_type(const struct rule_facts *f, char *out)
{
    return f->other != NULL && say_number(out, f->other->n_same);
}

static bool vm_within_limit(const struct rule_facts *f, char *out)
{
    const struct board_type *type = board_type_of(f);
    return f->other != NULL && type != NULL && type->max_per_vm != BOARD_UNKNOWN &&
           say_bool(out, f->other->n_same <= type->max_per_vm);
}

static const struct fact other_rows[] = {
    {"other.claim", other_claim},         {"other.same-board-and-series", other_same_family},
    {"other.same-gpu", other_same_gpu},   {"other.same-size", other_same_size},
    {"other.same-type", other_same_type}, {"other.type", other_type},
};
const struct fact_table other_facts = FACT_TABLE(other_rows);

static const struct fact vm_rows[] = {
    {"vm.same-type", vm_same_type},
    {"vm.within-limit", vm_within_limit},
};
const struct fact_table vm_facts = FACT_TABLE(vm_rows);
