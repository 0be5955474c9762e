/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: rules that are broken when a fact is known, which show what is known where they are
 * asked. A probe's id is "f" and the number of its fact. */
#ifndef TEST_LIB_RULE_PROBE_H
#define TEST_LIB_RULE_PROBE_H

#include <string.h>

#include "base/str.h"
#include "rules/facts.h"
#include "rules/rules.h"
#include "test.h"

/* Those of a migration's sides come after the others. */
static inline size_t probe_fact_count(void)
{
    return fact_count() + 2 * (size_t)MIGRATION_FACT_COUNT;
}

static inline void probe_add(struct strbuf *text, size_t fact, const char *applies,
                             const char *weight)
{
    strbuf_addf(text,
                "- {id: f%zu, applies: %s, %s statement: s, source: s, confidence: inferred, "
                "message: m, instead: i, when: [{fact: %s, known: true}]}\n",
                fact, applies, weight, fact_name(fact));
}

/* NULL: rules of that kind may not speak of the fact. */
static inline struct rules *probe_new(size_t fact, const char *applies, const char *weight)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    struct rules *rules = NULL;
    struct error err = {0};
    strbuf_add(&text, "rules:\n");
    probe_add(&text, fact, applies, weight);
    if (rules_read("probe.yaml", strbuf_str(&text), text.len, &rules, &err) != 0) {
        if (strstr(err.message, "does not exist for what the rule applies to") == NULL) {
            fail_msg("%s: %s", err.subject, err.message);
        }
    }
    return rules;
}

/* Of all facts that such rules may speak of. */
static inline struct rules *probe_all(const char *applies, const char *weight)
{
    CLEANUP_STRBUF struct strbuf text = {0};
    struct rules *rules = NULL;
    struct error err = {0};
    strbuf_add(&text, "rules:\n");
    for (size_t i = 0; i < probe_fact_count(); i++) {
        CLEANUP(rules_freep) struct rules *one = probe_new(i, applies, weight);
        if (one != NULL) {
            probe_add(&text, i, applies, weight);
        }
    }
    if (rules_read("probes.yaml", strbuf_str(&text), text.len, &rules, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    return rules;
}

#endif
