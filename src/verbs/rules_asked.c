/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the rules: they look at no hardware. */
#include "verbs/rules_asked.h"

#include "model/encode.h"
#include "rules/rules_json.h"
#include "state/site_rules.h"
#include "state/state.h"

void verb_list_rules(struct manager *m, const struct request *request)
{
    struct error err = {0};
    json_t *list = NULL;
    if (rules_to_json(m->rules, request->changed, &list, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    request_answer(request, json_pack("{s:o, s:o}", "rules", list, "problem",
                                      encode_text(site_rules_problem(m))));
}

/* One limit may have a rule for each occasion on which it is met. */
void verb_get_rule(struct manager *m, const struct request *request)
{
    struct error err = {0};
    json_t *list = rules_find_json(m->rules, request->target);
    if (json_array_size(list) == 0) {
        json_decref(list);
        error_set(&err, REASON_NOT_FOUND, SUBJECT("rule", request->target),
                  "no rule is called \"%s\"", request->target);
        error_hint(&err, "`cleave rule list` lists the rules");
        request_refuse(request, &err);
        return;
    }
    request_answer(request, json_pack("{s:o, s:o}", "rules", list, "problem",
                                      encode_text(site_rules_problem(m))));
}
