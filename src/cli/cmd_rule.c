/* SPDX-License-Identifier: Apache-2.0 */
/* rule list, show, test. */
#include <stdio.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/prose.h"
#include "cli/rule_files.h"
#include "cli/view.h"
#include "rules/cases.h"
#include "rules/rules.h"

#define INDENT 4

enum { LIST_CHANGED_SINCE, LIST_OFFLINE };
enum { SHOW_OFFLINE };
enum { RULE_RULES };

/* Without cleaved the files say the same, but for what cleaved has not read or could not use. */
static bool may_read_files(const struct cli *cli, int result)
{
    if (result != -REASON_UNAVAILABLE || cli->watch) {
        return false;
    }
    prose_report("note: cleaved does not answer; these are the rules in the files of this machine");
    return true;
}

/* ---- list ---- */

static const struct column rule_columns[] = {
    {"RULE", .path = "id"},
    {"STATEMENT", .path = "statement", .align = TABLE_WRAP},
    {"VERSIONS", .path = "versions", .align = TABLE_WRAP, .drop = 2, .none = "all"},
    {"SOURCE", .path = "source", .align = TABLE_WRAP, .drop = 1},
};
static void print_problem(const json_t *answer, size_t width)
{
    const char *problem = view_text(answer, "problem", NULL);
    if (problem != NULL) {
        printf("\n");
        prose_print(width,
                    "Of the site's own rules those of before are listed, because they can't be "
                    "used as they are now: %s",
                    problem);
    }
}

static const struct listing rule_listing = {.arrays = {"rules"},
                                            .name = "id",
                                            LISTING_COLUMNS(rule_columns),
                                            .empty = "no rules",
                                            .after = print_problem};

static const struct column change_columns[] = {
    {"RULE", .path = "id"},
    {"CHANGE", .path = "change", .align = TABLE_WRAP},
    {"STATEMENT", .path = "statement", .align = TABLE_WRAP},
    {"SOURCE", .path = "source", .align = TABLE_WRAP, .drop = 1},
};
static const struct listing change_listing = {.arrays = {"rules"},
                                              .name = "id",
                                              LISTING_COLUMNS(change_columns),
                                              .empty = "no rule begins or ends since",
                                              .after = print_problem};

static int show_list(struct cli *cli, const json_t *answer, const struct listing *listing,
                     struct error *err)
{
    return cli_print_raw(cli, answer) ? 0 : listing_show_answer(cli, answer, listing, err);
}

static int cmd_rule_list(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *since = arguments->values[LIST_CHANGED_SINCE];
    const struct listing *listing = since == NULL ? &rule_listing : &change_listing;
    CLEANUP_FREE char *url =
        since == NULL ? xstrdup("/v1/rules") : client_path("/v1/rules?changedSince=", since, "");
    CLEANUP_JSON json_t *answer = NULL;
    bool offline = arguments->values[LIST_OFFLINE] != NULL;
    if (offline && cli->watch) {
        error_set(err, REASON_INVALID, "", "--watch needs cleaved, and --offline asks for none");
        error_hint(err, "leave out one of them");
        return -REASON_INVALID;
    }
    int r = offline ? 0 : listing_show(cli, url, listing, err);
    if (!offline && !may_read_files(cli, r)) {
        return r;
    }
    r = rule_files_list(since, &answer, err);
    return r != 0 ? r : show_list(cli, answer, listing, err);
}

/* ---- show ---- */

/* "claim.mode in mig-backed, time-sliced". */
static void add_conditions(const json_t *rule, struct strbuf *out)
{
    const json_t *when = view_at(rule, "when");
    for (size_t i = 0; i < json_array_size(when); i++) {
        const json_t *condition = json_array_get(when, i);
        const json_t *values = view_at(condition, "values");
        strbuf_addf(out, "%s%s %s ", i > 0 ? "; " : "", view_text(condition, "fact", "-"),
                    view_text(condition, "operator", "-"));
        for (size_t k = 0; k < json_array_size(values); k++) {
            strbuf_addf(out, "%s%s", k > 0 ? ", " : "",
                        json_string_value(json_array_get(values, k)));
        }
    }
}

static void add_override(const json_t *rule, struct strbuf *out)
{
    strbuf_add(out, view_true(rule, "soft") ? "a claim may, with a reason" : "no");
}

static const struct column rule_fields[] = {
    {"Rule", .path = "id"},
    {"Statement", .path = "statement", .align = TABLE_WRAP},
    {"Source", .path = "source", .align = TABLE_WRAP},
    {"Confidence", .path = "confidence"},
    {"Applies to", .path = "applies"},
    {"If broken", .path = "weight"},
    {"Versions", .path = "versions", .none = "all", .align = TABLE_WRAP},
    {"When", .cell = add_conditions, .align = TABLE_WRAP, .none = "the program decides"},
    {"Message", .path = "message", .align = TABLE_WRAP},
    {"Instead", .path = "instead", .align = TABLE_WRAP},
    {"Override", .cell = add_override},
    {"File", .path = "file", .align = TABLE_WRAP},
};

static int cmd_rule_show(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    CLEANUP_FREE char *path = client_path("/v1/rules/", arguments->args[0], "");
    CLEANUP_JSON json_t *json = NULL;
    bool offline = arguments->values[SHOW_OFFLINE] != NULL;
    int r = offline ? 0 : cli_get(cli, path, &json, err);
    if (offline || may_read_files(cli, r)) {
        r = rule_files_find(arguments->args[0], &json, err);
    }
    if (r != 0 || cli_print_raw(cli, json)) {
        return r;
    }
    const json_t *list = view_at(json, "rules");
    for (size_t i = 0; i < json_array_size(list); i++) {
        printf("%s", i > 0 ? "\n" : "");
        fflush(stdout);
        listing_print_fields(rule_fields, ARRAY_SIZE(rule_fields), json_array_get(list, i),
                             cli_width(cli));
    }
    return 0;
}

/* ---- test ---- */

static json_t *results_to_json(const char *file, const struct case_results *results)
{
    json_t *list = json_array();
    for (vec_each(results, result)) {
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "case", result->name, "rule", result->rule,
                            "expected", case_answer_name(result->expected), "found",
                            case_answer_name(result->found), "message", result->message));
    }
    return json_pack("{s:s, s:o, s:I}", "file", file, "answers", list, "failed",
                     (json_int_t)case_results_failed(results));
}

static void print_failed(const struct case_results *results, size_t width)
{
    for (vec_each(results, result)) {
        if (result->expected != result->found) {
            prose_print(width, "%s", result->name);
            prose_print_indented(width, INDENT, "%s: expected %s, found %s%s%s", result->rule,
                                 case_answer_name(result->expected),
                                 case_answer_name(result->found),
                                 result->message[0] != '\0' ? ": " : "", result->message);
        }
    }
}

static int run_cases(const char *own, const char *file, struct case_results *ret_results,
                     struct error *err)
{
    CLEANUP(rules_freep) struct rules *rules = NULL;
    int r = rules_load_with_own(own, &rules, err);
    r = r != 0 ? r : rules_add(rules, file, err);
    return r != 0 ? r : cases_run(rules, file, ret_results, err);
}

/* Without cleaved: a site tries its rules before it puts them to use. */
static int cmd_rule_test(struct cli *cli, const struct arguments *arguments, struct error *err)
{
    const char *own = arguments->values[RULE_RULES];
    const char *file = arguments->args[0];
    struct case_results results = {0};
    int r = run_cases(own != NULL ? own : OWN_RULES_DIR, file, &results, err);
    size_t failed = case_results_failed(&results);
    CLEANUP_JSON json_t *json = r == 0 ? results_to_json(file, &results) : NULL;
    if (r == 0 && !cli_print_raw(cli, json)) {
        print_failed(&results, cli_width(cli));
        prose_print(0, "%s: %zu answers, %zu as the cases say", file, results.n,
                    results.n - failed);
        fflush(stdout);
    }
    if (r == 0 && failed > 0) {
        r = error_set(err, REASON_RULE, file,
                      "%zu of %zu answers are not as the cases of \"%s\" say", failed, results.n,
                      file);
        error_hint(err, "mend the case or the rule; docs/howto/rules.md describes both");
    } else if (r == 0 && results.n == 0) {
        r = error_set(err, REASON_INVALID, file, "\"%s\" has no cases", file);
        error_hint(err, "write them under the key \"cases\"");
    }
    vec_done(&results);
    return r;
}

/* ---- the table ---- */

static const struct command_option list_options[] = {
    [LIST_CHANGED_SINCE] = {"changed-since", 0, "RELEASE",
                            "only rules that begin or end with that release or a later one: of "
                            "vGPU software (19, 19.1), its driver (580, 580.82.07), or another "
                            "(libvirt=9.7)"},
    [LIST_OFFLINE] = {"offline", 0, NULL, "read the files of this machine, and ask no cleaved"},
};

static const struct command_option show_options[] = {
    [SHOW_OFFLINE] = {"offline", 0, NULL, "read the files of this machine, and ask no cleaved"},
};

static const struct command_option test_options[] = {
    [RULE_RULES] = {"rules", 0, "DIR", "the folder of the site's own rules; else " OWN_RULES_DIR},
};

static const struct command commands[] = {
    {.object = "rule",
     .name = "list",
     .help = "list the documented limits that claims and VMs are checked against",
     .examples = {"rule list", "rule list --changed-since 19"},
     OPTIONS(list_options),
     .lists = true,
     .listing = &rule_listing,
     .run = cmd_rule_list},
    {.object = "rule",
     .name = "show",
     .args = "ID",
     .n_args = 1,
     .help = "show a rule: conditions, versions, source",
     .examples = {"rule show mixed-sizes-need-driver"},
     OPTIONS(show_options),
     .run = cmd_rule_show},
    {.object = "rule",
     .name = "test",
     .args = "FILE",
     .n_args = 1,
     .each = true,
     .help = "check rules against the cases of a file, without cleaved",
     .examples = {"rule test site-rules.yaml"},
     STATUSES({9, "an answer is not as a case of the file says"}),
     OPTIONS(test_options),
     .run = cmd_rule_test},
};
const struct command_table rule_commands = COMMAND_TABLE(commands);
