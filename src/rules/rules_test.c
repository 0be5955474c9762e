/* SPDX-License-Identifier: Apache-2.0 */
/* The rules engine over hand-made models and small rule files. */
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "rules/facts.h"
#include "rules/rules_json.h"
#include "test.h"

static const struct gpu_model board = {.key = "test-board",
                                       .name = "Test Board",
                                       .arch = ARCH_HOPPER,
                                       .mig_backed = CAT_YES,
                                       .mig_timesliced = CAT_NO,
                                       .time_sliced = CAT_YES,
                                       .mixed_size = CAT_MAYBE};

/* Loads rules from text; the subject of an error is the file. */
static int load(const char *text, struct rules **ret_rules, struct error *err)
{
    char path[] = "/tmp/rules-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int result = rules_load(path, ret_rules, err);
    unlink(path);
    return result;
}

#define HEAD                                                                                       \
    "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n"                       \
    "  message: \"{model.name} says {claim.mode} to {gpu.address}\"\n  instead: nothing\n  "       \
    "when:\n"

static int check(const char *conditions, struct error *err)
{
    CLEANUP(rules_freep) struct rules *rules = NULL;
    char text[1024];
    snprintf(text, sizeof(text), HEAD "%s", conditions);
    if (load(text, &rules, err) != 0) {
        fail_msg("%s: %s", err->subject, err->message);
    }
    struct claim_spec spec = {.mode = CLAIM_MIG_BACKED, .guest = GUEST_WINDOWS};
    struct rule_facts facts = {.spec = &spec, .model = &board};
    return rules_check(rules, &facts, err);
}

static void every_condition_must_hold(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(check("  - {fact: claim.guest, is: windows}\n"
                           "  - {fact: model.key, starts: test}\n",
                           &err),
                     -REASON_RULE);
    assert_string_equal(err.rule, "r");
    assert_string_equal(err.message, "Test Board says mig-backed to unknown");
    assert_string_equal(err.hint, "nothing");
    assert_int_equal(check("  - {fact: claim.guest, is: windows}\n"
                           "  - {fact: model.key, starts: h100}\n",
                           &err),
                     0);
}

static void operators_compare_as_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool broken;
    } rows[] = {
        {"  - {fact: claim.mode, in: [passthrough, mig-backed]}\n", true},
        {"  - {fact: claim.mode, not-in: [passthrough, mig-backed]}\n", false},
        {"  - {fact: claim.mode, is-not: passthrough}\n", true},
        {"  - {fact: gpu.mig-time-slicing-supported, is: false}\n", true},
        {"  - {fact: claim.mixed, is: true}\n", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct error err = {0};
        if ((check(rows[i].condition, &err) == -REASON_RULE) != rows[i].broken) {
            fail_msg("row %zu: %s", i, rows[i].condition);
        }
    }
}

static void an_unknown_fact_breaks_no_rule_but_unless(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(check("  - {fact: model.mixed-sizes, is: false}\n", &err), 0);
    assert_int_equal(check("  - {fact: model.mixed-sizes, is-not: true}\n", &err), 0);
    assert_int_equal(check("  - {fact: model.mixed-sizes, unless: true}\n", &err), -REASON_RULE);
}

static void mistakes_in_a_rule_file_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        HEAD "  - {fact: no.such, is: 1}\n",
        HEAD "  - {fact: claim.mode}\n",
        HEAD "  - {fact: claim.mode, is: a, in: [b]}\n",
        "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n"
        "  message: \"{no.such}\"\n  instead: i\n  when: []\n",
        "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n"
        "  message: \"m {claim.mode\"\n  instead: i\n  when: []\n",
        "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: rumour\n"
        "  message: m\n  instead: i\n  when: []\n",
        "rules: []\nextra: 1\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(rules_freep) struct rules *rules = NULL;
        struct error err = {0};
        if (load(bad[i], &rules, &err) == 0 || err.message[0] == '\0') {
            fail_msg("row %zu was accepted", i);
        }
    }
}

static void the_shipped_rules_load_and_list_themselves(void **state)
{
    (void)state;
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    if (rules_load_default(&rules, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    CLEANUP_JSON json_t *list = NULL;
    assert_int_equal(rules_to_json(rules, NULL, &list, &err), 0);
    assert_true(json_array_size(list) >= 10);
}

/* vGPU 16, whose drivers are 535, knows equal sizes only. */
static void mixed_sizes_need_a_driver_of_branch_550(void **state)
{
    (void)state;
    static const struct {
        const char *driver;
        bool broken;
    } rows[] = {{"535.183.04", true},  {"470.82", true}, {"550.54.10", false},
                {"580.105.08", false}, {"", false},      {NULL, false}};
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    assert_int_equal(rules_load_default(&rules, &err), 0);
    struct gpu_model able = board;
    able.mixed_size = CAT_YES;
    struct claim_spec spec = {.mode = CLAIM_TIME_SLICED, .mixed = true};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rule_facts facts = {.spec = &spec, .model = &able, .driver = rows[i].driver};
        err = (struct error){0};
        int result = rules_check(rules, &facts, &err);
        if (result != (rows[i].broken ? -REASON_RULE : 0)) {
            fail_msg("row %zu: %d %s", i, result, err.message);
        }
        if (rows[i].broken) {
            assert_string_equal(err.rule, "mixed-sizes-need-driver");
        }
    }
    spec.mixed = false;
    struct rule_facts facts = {.spec = &spec, .model = &able, .driver = "535.183.04"};
    assert_int_equal(rules_check(rules, &facts, &err), 0);
}

/* ---- versions ---- */

#define VERSIONED                                                                                  \
    "rules:\n- id: r\n  statement: s\n  source: x\n  confidence: inferred\n  message: m\n"         \
    "  instead: i\n  %s\n  when: [{fact: claim.mixed, is: true}]\n"

static void a_rule_holds_for_its_versions_only(void **state)
{
    (void)state;
    static const struct {
        const char *range;
        struct rule_facts facts;
        bool broken;
    } rows[] = {
        {"to: {libvirt: \"9.7\"}", {.libvirt = "9.6.0"}, true},
        {"to: {libvirt: \"9.7\"}", {.libvirt = "9.7.0"}, false},
        {"to: {libvirt: \"9.7\"}", {.libvirt = "9.10.0"}, false},
        {"to: {libvirt: \"9.7\"}", {.libvirt = ""}, false}, /* unknown: not asked */
        {"from: {vgpu: 17}", {.driver = "535.309.01"}, false},
        {"from: {vgpu: 17}", {.driver = "550.54.10"}, true},
        {"from: {vgpu: 17}", {.driver = "615.10"}, true}, /* of no release that is known */
        {"from: {vgpu: \"17.2\"}", {.driver = "550.54.10"}, false},
        {"from: {vgpu: 16}\n  to: {vgpu: 18}", {.driver = "550.90.05"}, true},
        {"from: {driver: 550}\n  to: {libvirt: 10}", {.driver = "580.1", .libvirt = "9"}, true},
        {"from: {driver: 550}\n  to: {libvirt: 10}", {.driver = "580.1", .libvirt = "10"}, false},
        {"from: {driver: 550}\n  to: {libvirt: 10}", {.driver = "580.1"}, false},
        {"from: {kernel: \"6.8\"}", {.kernel = "6.8.0-60-generic"}, true},
        {"from: {kernel: \"6.8\"}", {.kernel = "6.1.0-25-amd64"}, false},
        {"from: {qemu: \"9.1\"}", {.qemu = "10.0.2"}, true},
        {"from: {guest-driver: 580}", {.guest_driver = "570.5"}, false},
    };
    const struct claim_spec spec = {.mixed = true};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP(rules_freep) struct rules *rules = NULL;
        char text[512];
        struct error err = {0};
        snprintf(text, sizeof(text), VERSIONED, rows[i].range);
        if (load(text, &rules, &err) != 0) {
            fail_msg("row %zu: %s: %s", i, err.subject, err.message);
        }
        struct rule_facts facts = rows[i].facts;
        facts.spec = &spec;
        if ((rules_check(rules, &facts, &err) == -REASON_RULE) != rows[i].broken) {
            fail_msg("row %zu: %s", i, rows[i].range);
        }
        if (rows[i].broken) { /* a refusal says which versions have the limit */
            assert_non_null(strstr(err.message, "versions with this limit: "));
        }
    }
}

static void a_range_that_says_nothing_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "from: {libvirt: soon}",
        "from: {libvirt: 9.7}",
        "from: {}",
        "from: {nvml: 12}",
        "from: {vgpu: 99}",
        "from: {vgpu: 18}\n  to: {vgpu: 17}",
        "from: {driver: \"1..2\"}",
        "from: {driver: \"1.\"}",
        "from: 17",
        "to: {libvirt: -1}",
        "soft: true\n  warns: true",
        "warns: true\n  notes: true",
        "soft: yes, please",
        "applies: host",
        "applies: moon",
        "compares: board",
        "applies: migrated-vm",
        "applies: definition\n  soft: true",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP(rules_freep) struct rules *rules = NULL;
        char text[512];
        struct error err = {0};
        snprintf(text, sizeof(text), VERSIONED, bad[i]);
        if (load(text, &rules, &err) == 0) {
            fail_msg("row %zu was accepted: %s", i, bad[i]);
        }
        assert_non_null(strstr(err.subject, ".yaml:")); /* with its line */
    }
}

static void changes_since_a_release_are_those_of_it_and_later(void **state)
{
    (void)state;
    static const struct {
        const char *since;
        size_t n;
    } rows[] = {{"16", 3},         {"17", 3},          {"18", 2},         {"19", 1},
                {"driver=571", 1}, {"libvirt=9.7", 1}, {"libvirt=10", 0}, {"v16", 3},
                {"19.1", 0},       {"v19.1", 0},       {"V17.2", 2},      {"550", 3},
                {"R570", 2},       {"570.10", 2},      {"570.10.1", 1},   {"580.82.07", 0},
                {"vgpu=v19", 1}};
    static const char text[] =
        "rules:\n"
        "- {id: a, statement: s, source: x, confidence: inferred, message: m, instead: i, when: [],"
        " to: {vgpu: 17}}\n"
        "- {id: b, statement: s, source: x, confidence: inferred, message: m, instead: i, when: [],"
        " from: {driver: \"570.10\"}}\n"
        "- {id: c, statement: s, source: x, confidence: inferred, message: m, instead: i, when: [],"
        " from: {libvirt: \"9.7\"}, to: {vgpu: 19}}\n"
        "- {id: d, statement: s, source: x, confidence: inferred, message: m, instead: i, when: "
        "[]}\n";
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    assert_int_equal(load(text, &rules, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *list = NULL;
        assert_int_equal(rules_to_json(rules, rows[i].since, &list, &err), 0);
        if (json_array_size(list) != rows[i].n) {
            fail_msg("since %s: %zu", rows[i].since, json_array_size(list));
        }
    }
    static const char *const bad[] = {"",     "soon", "99",   "libvirt=", "moon=1", "=19",  "v",
                                      "vv19", "19.",  "580.", "580..1",   "v19.x",  "19=19"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        json_t *list = NULL;
        assert_int_equal(rules_to_json(rules, bad[i], &list, &err), -REASON_INVALID);
        assert_null(list);
    }
}

static void a_change_says_what_begins_and_ends(void **state)
{
    (void)state;
    static const char text[] =
        "rules:\n"
        "- {id: a, statement: s, source: x, confidence: inferred, message: m, instead: i, when: [],"
        " from: {vgpu: 18}, to: {driver: \"580.82\"}}\n";
    static const struct {
        const char *since, *change;
    } rows[] = {{NULL, NULL},
                {"17", "begins with vGPU 18, ends with driver 580.82"},
                {"580", "ends with driver 580.82"}};
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    assert_int_equal(load(text, &rules, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_JSON json_t *list = NULL;
        assert_int_equal(rules_to_json(rules, rows[i].since, &list, &err), 0);
        const json_t *change = json_object_get(json_array_get(list, 0), "change");
        assert_true(str_eq(json_string_value(change), rows[i].change));
    }
}

/* ---- overrides ---- */

static void a_soft_rule_is_overridden_and_a_hard_one_is_not(void **state)
{
    (void)state;
    static const char text[] = "rules:\n"
                               "- {id: hard, statement: s, source: x, confidence: inferred, "
                               "message: h, instead: i, when: [{fact: claim.mixed, is: true}]}\n"
                               "- {id: soft, statement: s, source: x, confidence: inferred, soft: "
                               "true, message: s, instead: i, when: [{fact: claim.migratable, is: "
                               "true}]}\n";
    CLEANUP(rules_freep) struct rules *rules = NULL;
    struct error err = {0};
    assert_int_equal(load(text, &rules, &err), 0);
    const struct rule_overrides soft = {.items = {{"soft", "tried"}}, .n = 1};
    const struct rule_overrides hard = {.items = {{"soft", "tried"}, {"hard", "tried"}}, .n = 2};
    const struct rule_overrides none = {.items = {{"no-such", "tried"}}, .n = 1};
    assert_int_equal(rules_check_overrides(rules, &soft, &err), 0);
    assert_int_equal(rules_check_overrides(rules, &hard, &err), -REASON_RULE);
    assert_string_equal(err.rule, "hard");
    assert_int_equal(rules_check_overrides(rules, &none, &err), -REASON_NOT_FOUND);
    const struct claim_spec spec = {.migratable = true};
    struct rule_facts facts = {.spec = &spec};
    assert_int_equal(rules_check(rules, &facts, &err), -REASON_RULE);
    assert_non_null(strstr(err.hint, "--override"));
    facts.overrides = &soft;
    assert_int_equal(rules_check(rules, &facts, &err), 0);
    const struct claim_spec both = {.migratable = true, .mixed = true};
    facts.spec = &both;
    facts.overrides = &hard;
    assert_int_equal(rules_check(rules, &facts, &err), -REASON_RULE);
    assert_string_equal(err.rule, "hard");
}

/* ---- a site's own ---- */

#define SITE_RULE(id)                                                                              \
    "rules:\n- id: " id "\n  statement: s\n  source: x\n  confidence: inferred\n"                  \
    "  message: m\n  instead: n\n  when:\n  - {fact: claim.guest, is: windows}\n"

struct own_dir {
    char path[32];
    struct rules *rules; /* of cleave */
};

static int own_dir_make(void **state)
{
    struct own_dir *dir = xcalloc(1, sizeof(*dir));
    STR_SET(dir->path, "/tmp/own-rules-XXXXXX");
    *state = dir;
    return mkdtemp(dir->path) == NULL ? -1 : rules_load_default(&dir->rules, NULL);
}

static int own_dir_remove(void **state)
{
    struct own_dir *dir = *state;
    rules_free(dir->rules);
    int r = fs_remove_tree(dir->path);
    free(dir);
    return r;
}

/* Puts the folder's path in the place of "%s". */
static void replace(const char *text, const char *path, char out[ERROR_TEXT_SIZE])
{
    const char *at = strstr(text, "%s");
    (void)str_print(out, ERROR_TEXT_SIZE, "%.*s%s%s", at == NULL ? 0 : (int)(at - text), text,
                    at == NULL ? "" : path, at == NULL ? text : at + 2);
}

static void put(const struct own_dir *dir, const char *name, const char *text)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", dir->path, name);
    assert_int_equal(fs_write_atomic(path, text, strlen(text)), 0);
    assert_int_equal(chmod(path, 0644), 0);
}

static void own_rules_are_read_again_on_top_of_cleaves(void **state)
{
    struct own_dir *dir = *state;
    CLEANUP(rules_freep) struct rules *first = NULL;
    CLEANUP(rules_freep) struct rules *second = NULL;
    CLEANUP_JSON json_t *all = NULL;
    CLEANUP_JSON json_t *before = NULL;
    struct error err = {0};
    size_t n_files = 0;
    put(dir, "a.yaml", SITE_RULE("site-a"));
    put(dir, ".b.yaml", "no rules");
    put(dir, "c.yaml~", "no rules");
    put(dir, ".d.yaml.swp", "no rules");
    assert_int_equal(rules_read_own_again(dir->rules, dir->path, &first, &err), 0);
    assert_int_equal(rules_count_own(first, &n_files), 1);
    assert_int_equal(n_files, 1);
    assert_false(rules_have_same_own(dir->rules, first));
    put(dir, "b.yaml", SITE_RULE("site-b"));
    assert_int_equal(rules_read_own_again(first, dir->path, &second, &err), 0);
    assert_int_equal(rules_count_own(second, &n_files), 2);
    assert_false(rules_have_same_own(first, second));
    assert_int_equal(rules_to_json(dir->rules, NULL, &before, &err), 0);
    assert_int_equal(rules_to_json(second, NULL, &all, &err), 0);
    assert_int_equal(json_array_size(all), json_array_size(before) + 2);
    rules_freep(&second);
    assert_int_equal(rules_read_own_again(first, dir->path, &second, &err), 0);
    assert_false(rules_have_same_own(first, second));
    rules_freep(&first);
    assert_int_equal(rules_read_own_again(second, dir->path, &first, &err), 0);
    assert_true(rules_have_same_own(first, second));
}

static void a_folder_that_is_not_there_has_no_rules(void **state)
{
    struct own_dir *dir = *state;
    CLEANUP(rules_freep) struct rules *again = NULL;
    size_t n_files = 0;
    assert_int_equal(rules_read_own_again(dir->rules, "/tmp/no/such/dir", &again, NULL), 0);
    assert_int_equal(rules_count_own(again, &n_files), 0);
    assert_true(rules_have_same_own(dir->rules, again));
}

/* Faults of one file; "%s" stands for the folder. */
static void own_rules_that_can_not_be_used_say_why(void **state)
{
    struct own_dir *dir = *state;
    static const struct {
        const char *text;
        mode_t folder, file;
        const char *subject, *message;
    } rows[] = {
        {SITE_RULE("site-a"), 0757, 0644, "%s", "other users can change the folder of rules %s"},
        {SITE_RULE("site-a"), 0775, 0644, "%s", "other users can change the folder of rules %s"},
        {SITE_RULE("site-a"), 0755, 0646, "%s/a.yaml",
         "other users can change the file of rules %s/a.yaml"},
        {SITE_RULE("site-a"), 0755, 0664, "%s/a.yaml",
         "other users can change the file of rules %s/a.yaml"},
        {"rules:\n- id: A\n", 0755, 0644, "%s/a.yaml:2:3",
         "rules[0].id: an id has small letters, digits and hyphens"},
        {"rules: [\n", 0755, 0644, "%s/a.yaml:2:1", NULL},
        {SITE_RULE("mixed-sizes-need-driver"), 0755, 0644, "%s/a.yaml:2:3", NULL},
        {"", 0755, 0644, "%s/a.yaml", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rules *again = NULL;
        struct error err = {0};
        CLEANUP_FREE char *path = xasprintf("%s/a.yaml", dir->path);
        put(dir, "a.yaml", rows[i].text);
        assert_int_equal(chmod(dir->path, rows[i].folder), 0);
        assert_int_equal(chmod(path, rows[i].file), 0);
        assert_int_not_equal(rules_read_own_again(dir->rules, dir->path, &again, &err), 0);
        assert_null(again);
        char expected[ERROR_TEXT_SIZE];
        replace(rows[i].subject, dir->path, expected);
        assert_string_equal(err.subject, expected);
        assert_string_not_equal(err.message, "");
        if (rows[i].message != NULL) {
            replace(rows[i].message, dir->path, expected);
            assert_string_equal(err.message, expected);
        }
    }
    assert_int_equal(chmod(dir->path, 0755), 0);
}

/* Bytes of 0 end no text of UTF-16: the line is looked for in all of it. */
static void a_fault_of_a_file_in_utf_16_has_its_line(void **state)
{
    struct own_dir *dir = *state;
    static const char text[] = "rules:\n- id: A\n";
    char bytes[2 * sizeof(text)] = "\xff\xfe";
    struct rules *again = NULL;
    struct error err = {0};
    CLEANUP_FREE char *path = xasprintf("%s/a.yaml", dir->path);
    CLEANUP_FREE char *place = xasprintf("%s:2:3", path);
    for (size_t i = 0; i + 1 < sizeof(text); i++) {
        bytes[2 + 2 * i] = text[i];
    }
    assert_int_equal(fs_write_atomic(path, bytes, sizeof(bytes)), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_not_equal(rules_read_own_again(dir->rules, dir->path, &again, &err), 0);
    assert_string_equal(err.subject, place);
}

static void more_files_than_a_site_may_have_are_refused(void **state)
{
    struct own_dir *dir = *state;
    struct rules *again = NULL;
    struct error err = {0};
    for (size_t i = 0; i <= 32; i++) {
        CLEANUP_FREE char *name = xasprintf("%02zu.yaml", i);
        CLEANUP_FREE char *text = xasprintf("rules: [] # %zu\n", i);
        put(dir, name, text);
    }
    assert_int_equal(rules_read_own_again(dir->rules, dir->path, &again, &err), -REASON_INVALID);
    assert_non_null(strstr(err.message, "more than 32 files"));
}

static void facts_are_sorted_by_name(void **state)
{
    (void)state;
    for (size_t i = 1; i < fact_count(); i++) {
        assert_true(strcmp(fact_name(i - 1), fact_name(i)) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_condition_must_hold),
        cmocka_unit_test(operators_compare_as_they_say),
        cmocka_unit_test(an_unknown_fact_breaks_no_rule_but_unless),
        cmocka_unit_test(mistakes_in_a_rule_file_are_refused),
        cmocka_unit_test(the_shipped_rules_load_and_list_themselves),
        cmocka_unit_test(mixed_sizes_need_a_driver_of_branch_550),
        cmocka_unit_test(a_rule_holds_for_its_versions_only),
        cmocka_unit_test(a_range_that_says_nothing_is_refused),
        cmocka_unit_test(changes_since_a_release_are_those_of_it_and_later),
        cmocka_unit_test(a_change_says_what_begins_and_ends),
        cmocka_unit_test(a_soft_rule_is_overridden_and_a_hard_one_is_not),
        cmocka_unit_test_setup_teardown(own_rules_are_read_again_on_top_of_cleaves, own_dir_make,
                                        own_dir_remove),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_has_no_rules, own_dir_make,
                                        own_dir_remove),
        cmocka_unit_test_setup_teardown(own_rules_that_can_not_be_used_say_why, own_dir_make,
                                        own_dir_remove),
        cmocka_unit_test_setup_teardown(a_fault_of_a_file_in_utf_16_has_its_line, own_dir_make,
                                        own_dir_remove),
        cmocka_unit_test_setup_teardown(more_files_than_a_site_may_have_are_refused, own_dir_make,
                                        own_dir_remove),
        cmocka_unit_test(facts_are_sorted_by_name),
    };
    return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
