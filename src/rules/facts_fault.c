/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts_fault.h"

#include "base/str.h"
#include "rules/say.h"

static const char *whole_text(const struct rule_facts *f, const char *name)
{
    if (f->fault == NULL || str_eq(name, "fault.kind")) {
        return NULL;
    }
    return str_eq(name, "fault.text") ? f->fault->text : f->fault->advice;
}

static bool fault_advice(const struct rule_facts *f, char *out)
{
    return f->fault != NULL && say_text(out, f->fault->advice);
}

static bool fault_kind(const struct rule_facts *f, char *out)
{
    return f->fault != NULL && say_text(out, f->fault->kind);
}

static bool fault_text(const struct rule_facts *f, char *out)
{
    return f->fault != NULL && say_text(out, f->fault->text);
}

static const struct fact fault_rows[] = {
    {"fault.advice", fault_advice},
    {"fault.kind", fault_kind},
    {"fault.text", fault_text},
};
const struct fact_table fault_facts = {
    .rows = fault_rows, .n = ARRAY_SIZE(fault_rows), .text = whole_text};
