/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases that test rules: values of facts, and which rules they break, which they keep, and which
 * stay unanswered. `cleave rule test` reads them from files, of a site or of test/rules:
 *
 *     cases:
 *       - name: a Windows guest on H100
 *         facts: {claim.mode: mig-backed, claim.guest: windows, model.key: h100-pcie-80gb}
 *         breaks: [mig-vgpu-not-for-windows-on-h100]
 *         keeps: [vgpu-needs-gfx-instance]
 *         unknown: []
 */
#ifndef RULES_CASES_H
#define RULES_CASES_H

#include <jansson.h>

#include "base/error.h"
#include "base/vec.h"
#include "rules/rules.h"

/* One thing that a case says of one rule, and what came of it. */
struct case_result {
    char file[256];
    char name[128]; /* the case's */
    char rule[48];
    enum tristate expected; /* YES: broken, NO: kept, UNKNOWN: unanswered */
    enum tristate found;
    char message[ERROR_TEXT_SIZE]; /* what the rule would say; "" unless it is broken */
};
struct case_results {
    struct case_result *items;
    size_t n;
    size_t cap;
};

/* Runs the cases of a file. An error is one of the file: a case that fails is a result. The subject
 * of an error is "FILE:LINE:COLUMN". */
int cases_run(const struct rules *rules, const char *path, struct case_results *ret_results,
              struct error *err);
/* The same of a text that is called `path`. */
int cases_run_text(const struct rules *rules, const char *path, const char *text, size_t len,
                   struct case_results *ret_results, struct error *err);
/* "breaks", "keeps", "unknown": the key of a file. */
const char *case_answer_name(enum tristate broken);
size_t case_results_failed(const struct case_results *results);
/* Is there a result of each kind, broken and kept, for the rule? */
bool case_results_cover(const struct case_results *results, const char *rule);

#endif
