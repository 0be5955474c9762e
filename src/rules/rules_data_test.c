/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of data/rules against the cases of test/rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "rules/cases.h"
#include "rules/rules.h"
#include "rules/rules_json.h"
#include "test.h"

struct fixture {
    struct rules *rules;
    struct case_results results;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct error err = {0};
    *state = f;
    if (rules_load_default(&f->rules, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    CLEANUP_FREE char *dir = xasprintf("%s/test/rules", getenv("CLEAVE_SOURCE"));
    CLEANUP_STRLIST struct strlist names = {0};
    assert_int_equal(fs_list(dir, &names), 0);
    for (size_t i = 0; i < names.n; i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, names.items[i]);
        if (str_ends(path, ".yaml") && cases_run(f->rules, path, &f->results, &err) != 0) {
            fail_msg("%s: %s", err.subject, err.message);
        }
    }
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    vec_done(&f->results);
    rules_free(f->rules);
    free(f);
    return 0;
}

static void each_case_comes_out_as_it_says(void **state)
{
    const struct fixture *f = *state;
    assert_true(f->results.n > 0);
    for (vec_each(&f->results, result)) {
        if (result->expected != result->found) {
            print_error("%s: %s: %s: expected %s, found %s\n", result->file, result->name,
                        result->rule, case_answer_name(result->expected),
                        case_answer_name(result->found));
        }
    }
    assert_int_equal(case_results_failed(&f->results), 0);
}

static void each_rule_has_a_case_that_breaks_it_and_one_that_keeps_it(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_JSON json_t *list = NULL;
    struct error err = {0};
    size_t missing = 0;
    assert_int_equal(rules_to_json(f->rules, NULL, &list, &err), 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
        if (!case_results_cover(&f->results, id)) {
            print_error("%s: test/rules has no case that breaks it, or none that keeps it\n", id);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static bool is_arch(const char *word)
{
    for (uint32_t arch = 0; arch < ARCH_UNKNOWN; arch++) {
        if (str_eq(cat_arch_key((enum cat_arch)arch), word)) {
            return true;
        }
    }
    return false;
}

static bool is_of(const struct words *words, const char *word)
{
    for (uint32_t i = 0; i < words->n; i++) {
        if (str_eq(words_name(words, i), word)) {
            return true;
        }
    }
    return false;
}

/* Facts whose values are words of a list: another word would never be true. */
static void check_word(const char *fact, const char *word)
{
    static const struct {
        const char *fact;
        const struct words *words; /* NULL: architectures */
    } lists[] = {
        {"claim.mode", &claim_mode_words},
        {"source.mode", &claim_mode_words},
        {"claim.guest", &guest_os_words},
        {"source.guest", &guest_os_words},
        {"gpu.vgpu-interface", &vgpu_interface_words},
        {"source.interface", &vgpu_interface_words},
        {"model.arch", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        if (str_eq(lists[i].fact, fact) &&
            !(lists[i].words == NULL ? is_arch(word) : is_of(lists[i].words, word))) {
            fail_msg("%s is never \"%s\"", fact, word);
        }
    }
}

static void check_condition(const json_t *condition)
{
    const char *fact = json_string_value(json_object_get(condition, "fact"));
    static const char *const operators[] = {"is", "is-not", "in", "not-in", "unless"};
    for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
        const json_t *value = json_object_get(condition, operators[i]);
        if (json_is_string(value)) {
            check_word(fact, json_string_value(value));
        }
        for (size_t k = 0; k < json_array_size(value); k++) {
            check_word(fact, json_string_value(json_array_get(value, k)));
        }
    }
}

static void conditions_compare_with_words_that_facts_have(void **state)
{
    (void)state;
    CLEANUP_FREE char *dir = xasprintf("%s/rules", getenv("CLEAVE_DATADIR"));
    CLEANUP_STRLIST struct strlist names = {0};
    size_t n = 0;
    assert_int_equal(fs_list(dir, &names), 0);
    for (vec_each(&names, name)) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, *name);
        CLEANUP_JSON json_t *tree = NULL;
        if (!str_ends(path, ".yaml")) {
            continue;
        }
        assert_int_equal(json_read_file(path, &tree, NULL), 0);
        const json_t *list = json_object_get(tree, "rules");
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *when = json_object_get(json_array_get(list, i), "when");
            for (size_t k = 0; k < json_array_size(when); k++, n++) {
                check_condition(json_array_get(when, k));
            }
        }
    }
    assert_true(n > 0);
}

/* ---- docs/reference/rules.md ---- */

static const char head[] =
    "# Rules\n\n"
    "The documented limits that cleave knows, by what they apply to. `cleave rule show ID` shows "
    "one "
    "with\nits conditions; `docs/howto/rules.md` says how to override one, and how to write your "
    "own. This page is\nwritten from `data/rules` (`CLEAVE_GOLDEN=write "
    "build/src/rules/rules_data_test`).\n";

static const struct {
    const char *applies, *title;
} sections[] = {
    {"claim", "Claims: admission, advice, plans"},
    {"migrated-vm", "Live migration of a VM"},
    {"migrated-device", "Live migration of a VM's device"},
    {"definition", "A VM's definition"},
    {"host", "A host and its GPUs"},
};

/* A bar would end the cell. */
static void add_cell(struct strbuf *out, const char *text)
{
    strbuf_add(out, " ");
    for (const char *p = text; *p != '\0'; p++) {
        strbuf_addf(out, "%s%c", *p == '|' ? "\\" : "", *p);
    }
    strbuf_add(out, " |");
}

static const char *text_of(const json_t *rule, const char *key)
{
    return json_string_value(json_object_get(rule, key));
}

static void add_rule(struct strbuf *out, const json_t *rule)
{
    char id[64];
    char weight[32];
    const char *versions = text_of(rule, "versions");
    bool soft = json_is_true(json_object_get(rule, "soft"));
    snprintf(id, sizeof(id), "`%s`", text_of(rule, "id"));
    snprintf(weight, sizeof(weight), "%s%s", text_of(rule, "weight"), soft ? ", soft" : "");
    strbuf_add(out, "|");
    add_cell(out, id);
    add_cell(out, weight);
    add_cell(out, versions[0] != '\0' ? versions : "all");
    add_cell(out, text_of(rule, "statement"));
    add_cell(out, text_of(rule, "source"));
    strbuf_add(out, "\n");
}

static void the_table_of_rules_is_in_step(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_FREE char *path = xasprintf("%s/docs/reference/rules.md", getenv("CLEAVE_SOURCE"));
    CLEANUP_STRBUF struct strbuf wanted = {0};
    CLEANUP_JSON json_t *list = NULL;
    CLEANUP_FREE char *found = NULL;
    struct error err = {0};
    size_t len = 0;
    size_t n = 0;
    assert_int_equal(rules_to_json(f->rules, NULL, &list, &err), 0);
    strbuf_add(&wanted, head);
    for (size_t k = 0; k < ARRAY_SIZE(sections); k++) {
        strbuf_addf(&wanted,
                    "\n## %s\n\n| rule | if broken | versions | limit | source |\n"
                    "|---|---|---|---|---|\n",
                    sections[k].title);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *rule = json_array_get(list, i);
            if (str_eq(text_of(rule, "applies"), sections[k].applies)) {
                add_rule(&wanted, rule);
                n++;
            }
        }
    }
    assert_int_equal(n, json_array_size(list));
    if (str_eq(getenv("CLEAVE_GOLDEN"), "write")) {
        assert_int_equal(fs_write_atomic(path, strbuf_str(&wanted), wanted.len), 0);
    }
    assert_int_equal(fs_read(path, INPUT_MAX_BYTES, &found, &len), 0);
    if (!str_eq(found, strbuf_str(&wanted))) {
        fail_msg("docs/reference/rules.md is not what data/rules says; CLEAVE_GOLDEN=write writes "
                 "it again");
    }
}

/* ---- commands ---- */

/* What a text may tell people to type, word by word; "*": any word. Options of nvidia-smi(1),
 * commands of virsh(1). Those of cleave are read by src/cli/hints_test.c. */
static const char *const commands[] = {
    "nvidia-smi -i * -e 1",
    "nvidia-smi -i * -mig 1",
    "nvidia-smi -i * -c 0",
    "nvidia-smi -e 1",
    "nvidia-smi -dm 1",
    "nvidia-smi nvlink -s",
    "virsh define *",
    "virsh managedsave-remove *",
    "modprobe nvgrace-gpu-vfio-pci",
    "systemctl start nvidia-fabricmanager",
};

static bool matches(const char *command, const char *known)
{
    while (*command != '\0' && *known != '\0') {
        size_t len = strcspn(command, " ");
        size_t len_known = strcspn(known, " ");
        bool any = len_known == 1 && known[0] == '*';
        if (!any && (len != len_known || strncmp(command, known, len) != 0)) {
            return false;
        }
        command += len + (command[len] == ' ');
        known += len_known + (known[len_known] == ' ');
    }
    return *command == '\0' && *known == '\0';
}

static bool is_command(const char *text)
{
    static const char *const programs[] = {"nvidia-smi ", "virsh ", "modprobe ", "systemctl "};
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        if (strstr(text, programs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* The odd parts between backquotes are to be typed. */
static size_t check_text(const char *id, const char *text)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    char *rest = copy;
    bool code = false;
    size_t n = 0;
    for (char *part = strsep(&rest, "`"); part != NULL; part = strsep(&rest, "`"), code = !code) {
        bool known = !is_command(part);
        for (size_t i = 0; code && !known && i < ARRAY_SIZE(commands); i++) {
            known = matches(part, commands[i]);
        }
        if (!known) {
            fail_msg("%s: \"%s\" is no command that can be typed, or not in backquotes", id, part);
        }
        n += code;
    }
    return n;
}

static void commands_in_texts_can_be_typed(void **state)
{
    const struct fixture *f = *state;
    CLEANUP_JSON json_t *list = NULL;
    size_t n = 0;
    assert_int_equal(rules_to_json(f->rules, NULL, &list, NULL), 0);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *rule = json_array_get(list, i);
        static const char *const keys[] = {"statement", "message", "instead"};
        for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
            n += check_text(json_string_value(json_object_get(rule, "id")),
                            json_string_value(json_object_get(rule, keys[k])));
        }
    }
    assert_true(n > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_comes_out_as_it_says),
        cmocka_unit_test(conditions_compare_with_words_that_facts_have),
        cmocka_unit_test(each_rule_has_a_case_that_breaks_it_and_one_that_keeps_it),
        cmocka_unit_test(commands_in_texts_can_be_typed),
        cmocka_unit_test(the_table_of_rules_is_in_step),
    };
    return cmocka_run_group_tests_name("rules of data", tests, set_up, tear_down);
}
