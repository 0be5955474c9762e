/* SPDX-License-Identifier: Apache-2.0 */
/* Advice over all boards of the catalog against what published documents say (test/advice). */
#include "advise/advise.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "advise/choice.h"
#include "base/json.h"
#include "base/str.h"
#include "test.h"

struct fixture {
    struct catalog *catalog;
    struct rules *rules;
    json_t *cases; /* of all files */
};

static const char *const case_files[] = {"cases.yaml", "more_cases.yaml", "document_cases.yaml"};

static void read_cases(struct fixture *f)
{
    f->cases = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(case_files); i++) {
        json_t *file = NULL;
        char path[PATH_MAX];
        struct error err = {0};
        str_print(path, sizeof(path), ADVICE_CASES "/%s", case_files[i]);
        if (json_read_file(path, &file, &err) != 0) {
            fail_msg("%s: %s", err.subject, err.message);
        }
        json_array_extend(f->cases, json_object_get(file, "cases"));
        json_decref(file);
    }
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    struct error err = {0};
    *state = f;
    if (catalog_load_default(&f->catalog, &err) != 0 || rules_load_default(&f->rules, &err) != 0) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    read_cases(f);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    catalog_free(f->catalog);
    rules_free(f->rules);
    json_decref(f->cases);
    free(f);
    return 0;
}

/* ---- one case ---- */

static uint32_t number(const json_t *json, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(json, key));
}

static bool is_true(const json_t *json, const char *key)
{
    return json_is_true(json_object_get(json, key));
}

static uint32_t word(const json_t *json, const char *key, const struct words *words,
                     uint32_t fallback)
{
    uint32_t value = fallback;
    const char *text = json_string_value(json_object_get(json, key));
    assert_true(text == NULL || words_find(words, text, &value));
    return value;
}

static struct need need_of(const json_t *json)
{
    struct need need = {
        .memory_mib = number(json, "memoryMib"),
        .usable_memory = is_true(json, "usableMemory"),
        .compute = number(json, "compute"),
        .isolation = (enum isolation)word(json, "isolation", &isolation_words, ISOLATION_NONE),
        .boundary = (enum boundary)word(json, "boundary", &boundary_words, BOUNDARY_VM),
        .predictable = is_true(json, "predictable"),
        .consumer = (enum consumer)word(json, "consumer", &consumer_words, CONSUMER_VM),
        .guest = (enum guest_os)word(json, "guest", &guest_os_words, GUEST_LINUX),
        .graphics = is_true(json, "graphics"),
        .live_migration = is_true(json, "liveMigration"),
        .unified_memory = is_true(json, "unifiedMemory"),
        .gpus = number(json, "gpus"),
        .peer_traffic = is_true(json, "peerTraffic"),
        .count = number(json, "count"),
        .mixed = is_true(json, "mixed"),
        .scheduler = (enum scheduler_policy)word(json, "scheduler", &scheduler_policy_words,
                                                 SCHEDULER_UNKNOWN),
    };
    const json_t *params = json_object_get(json, "params");
    for (size_t i = 0; i < VGPU_PARAM_COUNT; i++) {
        const json_t *on = json_object_get(params, vgpu_param_table[i].name);
        if (on != NULL) {
            vgpu_param_set(&need.params, &vgpu_param_table[i], json_is_true(on));
        }
    }
    const json_t *licences = json_object_get(json, "licences");
    need.any_licence = json_is_string(licences);
    for (size_t i = 0; i < json_array_size(licences); i++) {
        enum licence licence = LICENCE_COUNT;
        assert_true(licence_parse(json_string_value(json_array_get(licences, i)), &licence));
        need.licences |= LICENCE_SET(licence);
    }
    return need;
}

static const struct advice *find_mode(const struct advices *advices, const char *mode)
{
    for (vec_each(advices, advice)) {
        if (str_eq(claim_mode_name(advice->mode), mode)) {
            return advice;
        }
    }
    return NULL;
}

static bool is_among(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (str_eq(json_string_value(json_array_get(list, i)), text)) {
            return true;
        }
    }
    return false;
}

static bool has_rule(const struct checks *checks, const char *rule)
{
    for (vec_each(checks, check)) {
        if (str_eq(check->rule, rule)) {
            return true;
        }
    }
    return false;
}

static const char *name_of(const struct advice *advice)
{
    return advice->type != NULL      ? advice->type->name
           : advice->profile != NULL ? advice->profile->name
                                     : "-";
}

/* Prints a line for each answer that is wrong; returns how many are. */
static size_t compare(const json_t *expected, const struct advices *advices, const char *id)
{
    size_t wrong = 0;
    size_t i = 0;
    const char *key = NULL;
    json_t *value = NULL;
    char text[64];
#define CHECK_THAT(holds, ...)                                                                     \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            print_message("%s: ", id);                                                             \
            print_message(__VA_ARGS__);                                                            \
            print_message("\n");                                                                   \
            wrong++;                                                                               \
        }                                                                                          \
    } while (0)
    const json_t *best = json_object_get(expected, "best");
    const struct advice *first = &advices->items[0];
    if (best != NULL) {
        const char *mode = first->verdict == VERDICT_NO ? "none" : claim_mode_name(first->mode);
        CHECK_THAT(json_array_size(best) == 0 ? first->verdict == VERDICT_NO : is_among(best, mode),
                   "best is %s (%s)", mode, name_of(first));
    }
    json_object_foreach(json_object_get(expected, "refused"), key, value)
    {
        const struct advice *advice = find_mode(advices, key);
        CHECK_THAT(advice->verdict == VERDICT_NO &&
                       has_rule(&advice->reasons, json_string_value(value)),
                   "%s is %s by %s, not by %s", key, verdict_name(advice->verdict),
                   advice->reasons.n > 0 ? advice->reasons.items[0].rule : name_of(advice),
                   json_string_value(value));
    }
    json_object_foreach(json_object_get(expected, "smallest"), key, value)
    {
        const struct advice *advice = find_mode(advices, key);
        CHECK_THAT(str_eq(name_of(advice), json_string_value(value)), "%s by %s, not %s", key,
                   name_of(advice), json_string_value(value));
    }
    json_object_foreach(json_object_get(expected, "perGpu"), key, value)
    {
        const struct advice *advice = find_mode(advices, key);
        CHECK_THAT(advice->per_gpu == json_integer_value(value), "%s: %u per GPU", key,
                   advice->per_gpu);
    }
    json_object_foreach(json_object_get(expected, "licence"), key, value)
    {
        const struct advice *advice = find_mode(advices, key);
        licence_describe(advice->licences, text, sizeof(text));
        CHECK_THAT(str_eq(text, json_string_value(value)), "%s: licence %s", key, text);
    }
    json_object_foreach(json_object_get(expected, "warned"), key, value)
    {
        const struct advice *advice = find_mode(advices, key);
        CHECK_THAT(has_rule(&advice->warnings, json_string_value(value)), "%s: no warning %s", key,
                   json_string_value(value));
    }
    json_object_foreach(json_object_get(expected, "unused"), key, value)
    {
        const struct advice *advice = find_mode(advices, key);
        CHECK_THAT(advice->wasted_mib == json_integer_value(value), "%s: %u MiB unused", key,
                   advice->wasted_mib);
    }
    json_array_foreach(json_object_get(expected, "change"), i, value)
    {
        const struct advice *advice = find_mode(advices, json_string_value(value));
        CHECK_THAT(advice->verdict == VERDICT_WITH_CHANGE, "%s is %s, without a change",
                   json_string_value(value), verdict_name(advice->verdict));
    }
#undef CHECK_THAT
    return wrong;
}

/* The first choice of each mode that serves is what stands for the mode, and no other mode has
 * any; they come in the order of the ranks. */
static void expect_choices(struct fixture *f, const struct gpu_model *model,
                           const struct need *need, const struct advices *advices)
{
    struct choices choices = {0};
    size_t i = 0;
    choices_list(f->rules, model, need, &choices);
    for (vec_each(advices, advice)) {
        bool first = true;
        for (; i < choices.n && choices.items[i].mode == advice->mode; i++) {
            assert_true(advice->verdict != VERDICT_NO);
            assert_true(!first || (choices.items[i].type == advice->type &&
                                   choices.items[i].profile == advice->profile));
            first = false;
        }
        assert_true(advice->verdict == VERDICT_NO || !first);
    }
    assert_int_equal(i, choices.n);
    vec_done(&choices);
}

static void advice_is_what_the_documents_say(void **state)
{
    struct fixture *f = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < json_array_size(f->cases); i++) {
        const json_t *row = json_array_get(f->cases, i);
        const struct gpu_model *model = NULL;
        struct error err = {0};
        const char *board = json_string_value(json_object_get(row, "board"));
        if (catalog_find(f->catalog, board, &model, &err) != 0) {
            fail_msg("%s", err.message);
        }
        const struct need need = need_of(json_object_get(row, "need"));
        struct advices advices = {0};
        advise_board(f->rules, model, &need, &advices);
        expect_choices(f, model, &need, &advices);
        wrong += compare(row, &advices, json_string_value(json_object_get(row, "id")));
        advices_done(&advices);
    }
    assert_true(json_array_size(f->cases) >= 96 + 40 + 100);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(advice_is_what_the_documents_say, setup, teardown),
    };
    return cmocka_run_group_tests_name("advise", tests, NULL, NULL);
}
