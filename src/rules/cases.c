/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/cases.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "rules/rule_file.h"
#include "rules/rule_reader.h"
#include "rules/rule_set.h"

#define CASE_FACTS_MAX 64
#define CASE_RULES_MAX 64

/* A case as it is read. */
struct rule_case {
    const char *name;
    struct given_facts given;
};

/* ---- reading ---- */

static int read_fact(const char *name, const json_t *value, const char *origin, const char *path,
                     struct rule_case *ret_case, struct error *err)
{
    int fact = fact_find(name);
    struct given_fact given = {.fact = fact < 0 ? 0 : (size_t)fact};
    if (fact < 0) {
        return error_set(err, REASON_INVALID, origin, "%s: unknown fact \"%s\"", path, name);
    }
    if (!rule_reader_value(value, given.value)) {
        return error_set(err, REASON_INVALID, origin,
                         "%s.%s: expected text, a whole number or a boolean", path, name);
    }
    if (given.value[0] == '\0') {
        return error_set(err, REASON_INVALID, origin,
                         "%s.%s: is empty: a fact that is unknown is left out", path, name);
    }
    *vec_push(&ret_case->given) = given;
    return 0;
}

static int read_facts(struct reader *r, struct rule_case *ret_case)
{
    json_t *object = reader_object(r, "facts");
    char path[160];
    reader_path(r, "facts", -1, path, sizeof(path));
    if (object != NULL && json_object_size(object) > CASE_FACTS_MAX) {
        reader_fail(r, "facts", "at most %d facts are allowed", CASE_FACTS_MAX);
    }
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(object, name, value)
    {
        if (r->result == 0) {
            r->result = read_fact(name, value, r->origin, path, ret_case, r->err);
        }
    }
    return r->result;
}

/* ---- asking ---- */

/* Does the case state a fact that the rule looks at? */
static bool is_about(const struct rule *rule, const struct given_facts *given)
{
    for (size_t i = 0; i < rule->n_when; i++) {
        for (vec_each(given, fact)) {
            if (fact->fact == rule->when[i].fact) {
                return true;
            }
        }
    }
    return false;
}

/* The rules of one id, of which each occasion may have one: those that the case states facts of, or
 * all if it states none. */
static bool is_asked(const struct rules *rules, const struct rule *rule,
                     const struct given_facts *given)
{
    for (vec_each(&rules->rules, other)) {
        if (str_eq(other->id, rule->id) && is_about(other, given)) {
            return is_about(rule, given);
        }
    }
    return true;
}

/* Broken if one of them is, else unanswered if one of them is. False: no rule has that id. */
static bool ask(const struct rules *rules, const char *id, const struct rule_facts *facts,
                struct case_result *result)
{
    bool exists = false;
    result->found = TRI_NO;
    for (vec_each(&rules->rules, rule)) {
        if (!str_eq(rule->id, id)) {
            continue;
        }
        exists = true;
        enum tristate broken =
            is_asked(rules, rule, facts->given) ? rule_broken(rule, facts) : TRI_NO;
        if (broken == TRI_YES && result->message[0] == '\0') {
            rule_fill(rule->message, facts, result->message, sizeof(result->message));
        }
        bool counts = broken == TRI_YES || (broken == TRI_UNKNOWN && result->found == TRI_NO);
        result->found = counts ? broken : result->found;
    }
    return exists;
}

struct run {
    const struct rules *rules;
    const struct rule_case *test;
    struct case_results *results;
};

static void ask_list(struct run *run, struct reader *r, enum tristate expected)
{
    const char *key = case_answer_name(expected);
    json_t *list = reader_array_or_null(r, key, CASE_RULES_MAX);
    const struct rule_facts facts = {.given = &run->test->given};
    for (size_t i = 0; r->result == 0 && i < json_array_size(list); i++) {
        const char *id = json_string_value(json_array_get(list, i));
        struct case_result result = {.expected = expected};
        if (id == NULL || !ask(run->rules, id, &facts, &result)) {
            reader_fail(r, key, "no rule is called \"%s\"", id != NULL ? id : "");
            return;
        }
        STR_SET(result.file, r->origin);
        STR_SET(result.name, run->test->name);
        STR_SET(result.rule, id);
        *vec_push(run->results) = result;
    }
}

static int run_case(struct run *run, const json_t *json, const char *origin, size_t index,
                    struct error *err)
{
    char path[32];
    struct reader r;
    struct rule_case test = {0};
    snprintf(path, sizeof(path), "cases[%zu]", index);
    reader_init(&r, json, origin, path, err);
    test.name = reader_str(&r, "name", sizeof(((struct case_result *)0)->name) - 1);
    run->test = &test;
    if (read_facts(&r, &test) == 0 && test.name != NULL) {
        size_t before = run->results->n;
        ask_list(run, &r, TRI_YES);
        ask_list(run, &r, TRI_NO);
        ask_list(run, &r, TRI_UNKNOWN);
        if (run->results->n == before) {
            reader_fail(&r, NULL, "it names no rule under breaks, keeps or unknown");
        }
    }
    vec_done(&test.given);
    return reader_end(&r);
}

static int run_tree(struct run *run, const json_t *tree, const char *path, struct error *err)
{
    struct reader r;
    reader_init(&r, tree, path, "", err);
    (void)reader_array_or_null(&r, "rules", FILE_RULES_MAX);
    json_t *list = reader_array_or_null(&r, "cases", FILE_CASES_MAX);
    int result = reader_end(&r);
    for (size_t i = 0; result == 0 && i < json_array_size(list); i++) {
        result = run_case(run, json_array_get(list, i), path, i, err);
    }
    return result;
}

static int run_file(const struct rules *rules, const struct rule_file *file,
                    struct case_results *ret_results, struct error *err)
{
    struct run run = {.rules = rules, .results = ret_results};
    int result = run_tree(&run, file->tree, file->path, err);
    if (result != 0) {
        rule_file_add_line(file, err);
    }
    return result;
}

int cases_run(const struct rules *rules, const char *path, struct case_results *ret_results,
              struct error *err)
{
    CLEANUP(rule_file_done) struct rule_file file = {0};
    int result = rule_file_read(path, RULES_ON_TRIAL, &file, err);
    return result != 0 ? result : run_file(rules, &file, ret_results, err);
}

int cases_run_text(const struct rules *rules, const char *path, const char *text, size_t len,
                   struct case_results *ret_results, struct error *err)
{
    CLEANUP(rule_file_done) struct rule_file file = {0};
    int result = rule_file_parse(path, text, len, &file, err);
    return result != 0 ? result : run_file(rules, &file, ret_results, err);
}

const char *case_answer_name(enum tristate broken)
{
    return broken == TRI_YES ? "breaks" : broken == TRI_NO ? "keeps" : "unknown";
}

size_t case_results_failed(const struct case_results *results)
{
    size_t n = 0;
    for (vec_each(results, result)) {
        n += result->expected != result->found;
    }
    return n;
}

bool case_results_cover(const struct case_results *results, const char *rule)
{
    bool broken = false;
    bool kept = false;
    for (vec_each(results, result)) {
        if (str_eq(result->rule, rule)) {
            broken = broken || result->expected == TRI_YES;
            kept = kept || result->expected == TRI_NO;
        }
    }
    return broken && kept;
}
