/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "rules/rule_set.h"

/* ---- loading ---- */

bool rules_is_file_name(const char *name)
{
    return rule_file_is_name(name);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int add_shipped(struct rules *rules, const char *path, struct error *err)
{
    return is_folder(path) ? rule_set_add_dir(rules, path, RULES_OF_CLEAVE, err)
                           : rule_set_add_file(rules, path, RULES_OF_CLEAVE, err);
}

/* A folder that does not exist has none. */
static int add_own(struct rules *rules, const char *dir, struct error *err)
{
    return fs_exists(dir) ? rule_set_add_dir(rules, dir, RULES_OF_SITE, err) : 0;
}

/* `own` NULL: none. */
static int load(const char *path, const char *own, struct rules **ret_rules, struct error *err)
{
    struct error local = {0};
    err = err != NULL ? err : &local;
    CLEANUP(rules_freep) struct rules *rules = xcalloc(1, sizeof(*rules));
    int result = add_shipped(rules, path, err);
    result = result == 0 && own != NULL ? add_own(rules, own, err) : result;
    if (result == 0) {
        *ret_rules = TAKE_PTR(rules);
    }
    return result;
}

int rules_load(const char *path, struct rules **ret_rules, struct error *err)
{
    return load(path, NULL, ret_rules, err);
}

int rules_load_with_own(const char *dir, struct rules **ret_rules, struct error *err)
{
    const char *data = getenv("CLEAVE_DATADIR");
    CLEANUP_FREE char *path = xasprintf("%s/rules", data != NULL ? data : CLEAVE_DATADIR);
    return load(path, dir, ret_rules, err);
}

int rules_load_default(struct rules **ret_rules, struct error *err)
{
    return rules_load_with_own(NULL, ret_rules, err);
}

int rules_read(const char *path, const char *text, size_t len, struct rules **ret_rules,
               struct error *err)
{
    CLEANUP(rules_freep) struct rules *rules = xcalloc(1, sizeof(*rules));
    int result = rule_set_add_text(rules, path, text, len, RULES_ON_TRIAL, err);
    if (result == 0) {
        *ret_rules = TAKE_PTR(rules);
    }
    return result;
}

int rules_read_own_again(const struct rules *rules, const char *dir, struct rules **ret_rules,
                         struct error *err)
{
    int result = 0;
    CLEANUP(rules_freep) struct rules *again = xcalloc(1, sizeof(*again));
    for (vec_each(&rules->files, file)) {
        if (result == 0 && file->owner == RULES_OF_CLEAVE) {
            result = rule_set_add_text(again, file->path, file->text, file->len, file->owner, err);
        }
    }
    result = result == 0 ? add_own(again, dir, err) : result;
    if (result == 0) {
        *ret_rules = TAKE_PTR(again);
    }
    return result;
}

/* The next own file from index i on; NULL after the last. */
static const struct rule_file *next_own(const struct rules *rules, size_t *i)
{
    while (*i < rules->files.n) {
        const struct rule_file *file = &rules->files.items[(*i)++];
        if (file->owner != RULES_OF_CLEAVE) {
            return file;
        }
    }
    return NULL;
}

bool rules_have_same_own(const struct rules *a, const struct rules *b)
{
    size_t i = 0;
    size_t k = 0;
    for (;;) {
        const struct rule_file *one = next_own(a, &i);
        const struct rule_file *other = next_own(b, &k);
        if (one == NULL || other == NULL) {
            return one == other;
        }
        if (!str_eq(one->path, other->path) || one->len != other->len ||
            memcmp(one->text, other->text, one->len) != 0) {
            return false;
        }
    }
}

size_t rules_count_own(const struct rules *rules, size_t *ret_files)
{
    size_t n = 0;
    size_t i = 0;
    *ret_files = 0;
    while (next_own(rules, &i) != NULL) {
        (*ret_files)++;
    }
    for (vec_each(&rules->rules, rule)) {
        n += rule->own;
    }
    return n;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x;
    struct stat y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int rules_add(struct rules *rules, const char *path, struct error *err)
{
    for (vec_each(&rules->files, file)) {
        if (is_same_file(file->path, path)) {
            return 0;
        }
    }
    return rule_set_add_file(rules, path, RULES_ON_TRIAL, err);
}

void rules_free(struct rules *rules)
{
    if (rules != NULL) {
        rule_set_done(rules);
        free(rules);
    }
}

/* ---- claims ---- */

static int refuse(const struct rule *rule, const struct rule_facts *facts, struct error *err)
{
    char message[ERROR_TEXT_SIZE];
    char instead[ERROR_TEXT_SIZE];
    rule_fill(rule->message, facts, message, sizeof(message));
    rule_fill(rule->instead, facts, instead, sizeof(instead));
    error_set(err, REASON_RULE, NULL, "%s%s", message,
              rule_versions(rule, (char[RULE_VERSIONS_SIZE]){0}));
    error_hint(err, "%s%s", instead,
               rule->soft ? "; or add --override RULE=REASON for this claim" : "");
    if (err != NULL) {
        STR_SET(err->rule, rule->id);
    }
    return -REASON_RULE;
}

static bool is_overridden(const struct rule *rule, const struct rule_facts *facts)
{
    return rule->soft && rule_overrides_find(facts->overrides, rule->id) != NULL;
}

int rules_check(const struct rules *rules, const struct rule_facts *facts, struct error *err)
{
    for (vec_each(&rules->rules, rule)) {
        if (rule->scope == RULE_OF_CLAIM && rule->weight == RULE_REFUSES &&
            !is_overridden(rule, facts) && rule_broken(rule, facts) == TRI_YES) {
            return refuse(rule, facts, err);
        }
    }
    return 0;
}

static const struct rule *find_rule(const struct rules *rules, const char *id)
{
    const struct rule *found = NULL;
    for (vec_each(&rules->rules, rule)) {
        if (str_eq(rule->id, id) && (found == NULL || rule->soft)) {
            found = rule;
        }
    }
    return found;
}

int rules_check_overrides(const struct rules *rules, const struct rule_overrides *overrides,
                          struct error *err)
{
    for (size_t i = 0; i < overrides->n; i++) {
        const char *id = overrides->items[i].rule;
        const struct rule *rule = find_rule(rules, id);
        if (rule == NULL) {
            error_set(err, REASON_NOT_FOUND, SUBJECT("rule", id), "no rule is called \"%s\"", id);
            error_hint(err, "`cleave rule list` lists the rules");
            return -REASON_NOT_FOUND;
        }
        if (!rule->soft) {
            error_set(err, REASON_RULE, SUBJECT("rule", id),
                      "rule \"%s\" can't be overridden: it is a limit of the hardware or of its "
                      "drivers",
                      id);
            error_hint(err, "%s; `cleave rule show %s` shows the rule and its source",
                       "leave the override out", id);
            if (err != NULL) {
                STR_SET(err->rule, id);
            }
            return -REASON_RULE;
        }
    }
    return 0;
}

/* ---- checks ---- */

static enum check_result result_of(const struct rule *rule, enum tristate broken)
{
    if (broken == TRI_YES) {
        return rule->weight != RULE_REFUSES ? CHECK_WARNING : CHECK_FAILED;
    }
    return broken == TRI_UNKNOWN ? CHECK_UNKNOWN : CHECK_OK;
}

static void add_versions(const struct rule *rule, char *text, size_t size)
{
    size_t len = strlen(text);
    (void)str_copy(text + len, size - len, rule_versions(rule, (char[RULE_VERSIONS_SIZE]){0}));
}

static void check_rule(const struct rule *rule, const char *claim, const struct rule_facts *facts,
                       struct check *check)
{
    STR_SET(check->rule, rule->id);
    STR_SET(check->claim, claim == NULL ? "" : claim);
    STR_SET(check->document, rule->source);
    check->result = result_of(rule, rule_broken(rule, facts));
    if (rule->compares >= 0) {
        size_t source = (size_t)rule->compares;
        char value[FACT_SIZE];
        STR_SET(check->source, fact_value(source, facts, value) ? value : "");
        STR_SET(check->target,
                fact_value(source + MIGRATION_FACT_COUNT, facts, value) ? value : "");
    }
    if (check->result == CHECK_UNKNOWN) {
        rule_name_unknown(rule, facts, check->message, sizeof(check->message));
    } else if (check->result != CHECK_OK) {
        rule_fill(rule->message, facts, check->message, sizeof(check->message));
        add_versions(rule, check->message, sizeof(check->message));
        rule_fill(rule->instead, facts, check->hint, sizeof(check->hint));
    }
}

static void judge(const struct rules *rules, enum rule_scope scope, enum rule_weight weight,
                  const struct rule_facts *facts, struct checks *ret_broken)
{
    for (vec_each(&rules->rules, rule)) {
        if (rule->scope == scope && rule->weight == weight && rule_broken(rule, facts) == TRI_YES) {
            check_rule(rule, facts->claim, facts, vec_push(ret_broken));
        }
    }
}

void rules_judge(const struct rules *rules, const struct rule_facts *facts,
                 struct checks *ret_broken)
{
    judge(rules, RULE_OF_CLAIM, RULE_REFUSES, facts, ret_broken);
}

void rules_warn(const struct rules *rules, enum rule_scope scope, const struct rule_facts *facts,
                struct checks *ret_broken)
{
    judge(rules, scope, RULE_WARNS, facts, ret_broken);
}

void rules_find_broken(const struct rules *rules, enum rule_scope scope,
                       const struct rule_facts *facts, broken_rule_fn *found, void *data)
{
    for (vec_each(&rules->rules, rule)) {
        if (rule->scope == scope && rule_broken(rule, facts) == TRI_YES) {
            struct broken_rule broken = {.id = rule->id,
                                         .statement = rule->statement,
                                         .source = rule->source,
                                         .order = (size_t)(rule - rules->rules.items),
                                         .element = rule->element,
                                         .of_fault = rule_is_about(rule, "fault"),
                                         .weight = rule->weight};
            rule_fill(rule->message, facts, broken.message, sizeof(broken.message));
            rule_fill(rule->instead, facts, broken.instead, sizeof(broken.instead));
            found(data, &broken);
        }
    }
}

void rules_check_migration(const struct rules *rules, enum migration_scope scope, const char *claim,
                           const struct migration_facts *source,
                           const struct migration_facts *target, struct checks *ret_checks)
{
    const struct rule_facts facts = {.source = source, .target = target};
    enum rule_scope of = scope == MIGRATION_OF_VM ? RULE_OF_MIGRATED_VM : RULE_OF_MIGRATED_DEVICE;
    for (vec_each(&rules->rules, rule)) {
        if (rule->scope == of && version_range_holds(&rule->range, true, &facts) != TRI_NO) {
            check_rule(rule, claim, &facts, vec_push(ret_checks));
        }
    }
}
