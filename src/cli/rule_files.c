/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rule_files.h"

#include <string.h>

#include "base/str.h"
#include "rules/rules_json.h"

/* *ret_problem: a new reference, or null. */
static int load(struct rules **ret_rules, json_t **ret_problem, struct error *err)
{
    struct error own = {0};
    *ret_problem = json_null();
    if (rules_load_with_own(OWN_RULES_DIR, ret_rules, &own) == 0) {
        return 0;
    }
    char text[ERROR_SUBJECT_SIZE + ERROR_TEXT_SIZE];
    bool named = strstr(own.message, own.subject) != NULL;
    (void)str_print(text, sizeof(text), "%s%s%s", named ? "" : own.subject, named ? "" : ": ",
                    own.message);
    int r = rules_load_default(ret_rules, err);
    if (r == 0) {
        *ret_problem = json_string(text);
    }
    return r;
}

static int answer(json_t *list, json_t *problem, json_t **ret_answer)
{
    *ret_answer = json_pack("{s:o, s:o}", "rules", list, "problem", problem);
    return 0;
}

int rule_files_list(const char *since, json_t **ret_answer, struct error *err)
{
    CLEANUP(rules_freep) struct rules *rules = NULL;
    json_t *problem = NULL;
    json_t *list = NULL;
    int r = load(&rules, &problem, err);
    r = r != 0 ? r : rules_to_json(rules, since, &list, err);
    if (r != 0) {
        json_decref(problem);
        return r;
    }
    return answer(list, problem, ret_answer);
}

int rule_files_find(const char *id, json_t **ret_answer, struct error *err)
{
    CLEANUP(rules_freep) struct rules *rules = NULL;
    json_t *problem = NULL;
    int r = load(&rules, &problem, err);
    if (r != 0) {
        return r;
    }
    json_t *list = rules_find_json(rules, id);
    if (json_array_size(list) > 0) {
        return answer(list, problem, ret_answer);
    }
    json_decref(list);
    json_decref(problem);
    error_set(err, REASON_NOT_FOUND, SUBJECT("rule", id), "no rule is called \"%s\"", id);
    error_hint(err, "`cleave rule list` lists the rules");
    return -REASON_NOT_FOUND;
}
