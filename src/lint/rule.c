/* SPDX-License-Identifier: Apache-2.0 */
#include "lint/rule.h"

#include <stdarg.h>

#include "base/str.h"

#define MAX_FINDINGS 256

struct finding *lint_find(struct lint *lint, uint32_t line, const char *element, const char *fmt,
                          ...)
{
    if (lint->findings->n == MAX_FINDINGS) {
        lint->findings->n--; /* a definition that bad is distinguished by its first 255 */
    }
    struct finding *finding = vec_push(lint->findings);
    finding->rule = lint->rule;
    finding->severity = lint->rule->severity;
    finding->line = line;
    STR_SET(finding->element, element);
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(finding->message, sizeof(finding->message), fmt, args);
    va_end(args);
    return finding;
}

void lint_advise(struct finding *finding, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)str_vprint(finding->advice, sizeof(finding->advice), fmt, args);
    va_end(args);
}

bool lint_is_ours(const struct lint *lint, const struct claim *claim)
{
    return claim_is_of(claim, lint->facts->name, lint->facts->uuid);
}

bool lint_must_migrate(const struct lint *lint)
{
    for (vec_each(lint->claims, claim)) {
        if (claim->spec.migratable && lint_is_ours(lint, claim)) {
            return true;
        }
    }
    return false;
}

const char *lint_element(const struct seen *seen)
{
    return seen->device->is_interface ? "interface" : "hostdev";
}
