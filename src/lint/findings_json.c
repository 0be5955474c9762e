/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "lint/lint.h"
#include "lint/lint_rule.h"

static json_t *finding_to_json(const struct finding *it)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s}", "rule", it->rule, "severity",
                     severity_name(it->severity), "line",
                     it->line == 0 ? json_null() : json_integer(it->line), "element", it->element,
                     "message", it->message, "why", it->why, "source", it->source, "advice",
                     it->advice);
}

json_t *findings_to_json(const char *vm, const struct findings *findings)
{
    json_int_t counts[SEVERITY_COUNT] = {0};
    json_t *list = json_array();
    for (vec_each(findings, finding)) {
        counts[finding->severity]++;
        json_array_append_new(list, finding_to_json(finding));
    }
    return json_pack("{s:s, s:o, s:I, s:I, s:I}", "vm", vm, "findings", list, "errors",
                     counts[SEVERITY_ERROR], "warnings", counts[SEVERITY_WARNING], "notes",
                     counts[SEVERITY_NOTE]);
}
