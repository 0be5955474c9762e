/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/facts.h"

#include <string.h>

#include "base/str.h"
#include "rules/facts_claim.h"
#include "rules/facts_definition.h"
#include "rules/facts_fault.h"
#include "rules/facts_gpu.h"
#include "rules/facts_host.h"
#include "rules/facts_model.h"
#include "rules/facts_need.h"
#include "rules/facts_type.h"
#include "rules/facts_vm.h"
#include "rules/say.h"

static const struct fact_table *const tables[] = {
    &claim_facts, &definition_facts, &device_facts,  &fault_facts, &gpu_facts,
    &guest_facts, &host_facts,       &licence_facts, &mode_facts,  &model_facts,
    &need_facts,  &other_facts,      &profile_facts, &type_facts,  &vm_facts,
};

/* After the tables: what is known of a migration's source, then of its target. */
static const char *const sides[] = {
#define SOURCE_FACT(sym, name, text) "source." name,
    MIGRATION_FACT_MAP(SOURCE_FACT)
#undef SOURCE_FACT
#define TARGET_FACT(sym, name, text) "target." name,
        MIGRATION_FACT_MAP(TARGET_FACT)
#undef TARGET_FACT
};

size_t fact_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        n += tables[i]->n;
    }
    return n;
}

bool fact_is_of_migration(size_t index)
{
    return index >= fact_count();
}

/* NULL: a migration's. */
static const struct fact *row_of(size_t index, const struct fact_table **ret_table)
{
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        if (index < tables[i]->n) {
            *ret_table = tables[i];
            return &tables[i]->rows[index];
        }
        index -= tables[i]->n;
    }
    return NULL;
}

const char *fact_name(size_t index)
{
    const struct fact_table *table = NULL;
    const struct fact *row = row_of(index, &table);
    return row != NULL ? row->name : sides[index - fact_count()];
}

/* Tables are in the order of names, and so are all of them (rules_test.c): each rule that is asked
 * finds the facts of its versions so. */
int fact_find(const char *name)
{
    size_t n = fact_count();
    size_t low = 0;
    size_t high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(fact_name(middle), name);
        if (order == 0) {
            return (int)middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
        if (str_eq(sides[i], name)) {
            return (int)(n + i);
        }
    }
    return -1;
}

static bool given_value(size_t index, const struct given_facts *given, char out[FACT_SIZE])
{
    for (vec_each(given, fact)) {
        if (fact->fact == index) {
            return say_text(out, fact->value);
        }
    }
    return false;
}

bool fact_value(size_t index, const struct rule_facts *facts, char out[FACT_SIZE])
{
    if (facts->given != NULL) {
        return given_value(index, facts->given, out);
    }
    const struct fact_table *table = NULL;
    const struct fact *row = row_of(index, &table);
    if (row != NULL) {
        return row->value(facts, out);
    }
    size_t i = index - fact_count();
    const struct migration_facts *side = i < MIGRATION_FACT_COUNT ? facts->source : facts->target;
    return side != NULL && say_text(out, side->values[i % MIGRATION_FACT_COUNT]);
}

const char *fact_text(size_t index, const struct rule_facts *facts, char out[FACT_SIZE])
{
    const struct fact_table *table = NULL;
    const struct fact *row = facts->given == NULL ? row_of(index, &table) : NULL;
    const char *text = row != NULL && table->text != NULL ? table->text(facts, row->name) : NULL;
    if (text != NULL) {
        return text;
    }
    return fact_value(index, facts, out) ? out : NULL;
}
