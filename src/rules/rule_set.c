/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_set.h"

#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "rules/rule_reader.h"

/* One limit may have a rule for each occasion on which it is met: of one id, and of two scopes. */
static const struct rule *find_same(const struct rules *rules, const struct rule *rule)
{
    for (vec_each(&rules->rules, other)) {
        if (other != rule && str_eq(other->id, rule->id) && other->scope == rule->scope) {
            return other;
        }
    }
    return NULL;
}

static int add_rule(struct rules *rules, const json_t *json, const struct rule_file *file,
                    size_t index, struct error *err)
{
    const char *path = file->path;
    if (rules->rules.n == RULES_MAX) {
        return error_set(err, REASON_INVALID, path, "rules[%zu]: more than %d rules in all files",
                         index, RULES_MAX);
    }
    struct rule *rule = vec_push(&rules->rules);
    rule->own = file->owner != RULES_OF_CLEAVE;
    int result = rule_reader_read(json, path, index, rule, err);
    const struct rule *same = result == 0 ? find_same(rules, rule) : NULL;
    if (same != NULL) {
        result = error_set(err, REASON_INVALID, path,
                           "rules[%zu].id: two rules are called \"%s\", the other is in %s", index,
                           rule->id, str_eq(same->file, path) ? "this file" : same->file);
        error_hint(err, "give it another id");
    }
    return result;
}

static int add_rules(struct rules *rules, const struct rule_file *file, struct error *err)
{
    struct reader r;
    reader_init(&r, file->tree, file->path, "", err);
    json_t *list = reader_array_or_null(&r, "rules", FILE_RULES_MAX);
    /* Cases, which rules/cases.h reads, may stand in the file of the rules that they are about. */
    (void)reader_array_or_null(&r, "cases", FILE_CASES_MAX);
    int result = reader_end(&r);
    for (size_t i = 0; result == 0 && i < json_array_size(list); i++) {
        result = add_rule(rules, json_array_get(list, i), file, i, err);
    }
    return result;
}

/* Takes the file. */
static int add_file(struct rules *rules, const struct rule_file *read, struct error *err)
{
    struct rule_file *file = vec_push(&rules->files);
    *file = *read;
    int result = add_rules(rules, file, err);
    if (result != 0) {
        rule_file_add_line(file, err);
    }
    return result;
}

int rule_set_add_text(struct rules *rules, const char *path, const char *text, size_t len,
                      enum rule_owner owner, struct error *err)
{
    struct rule_file file = {0};
    int result = rule_file_parse(path, text, len, &file, err);
    file.owner = owner;
    return result != 0 ? result : add_file(rules, &file, err);
}

int rule_set_add_file(struct rules *rules, const char *path, enum rule_owner owner,
                      struct error *err)
{
    struct rule_file file = {0};
    if (rules->files.n == RULE_FILES_MAX) {
        return error_set(err, REASON_INVALID, path, "more than %d files of rules", RULE_FILES_MAX);
    }
    int result = rule_file_read(path, owner, &file, err);
    return result != 0 ? result : add_file(rules, &file, err);
}

static int check_dir(const char *dir, enum rule_owner owner, struct error *err)
{
    struct stat st = {0};
    if (owner != RULES_OF_SITE || stat(dir, &st) != 0) {
        return 0; /* listing it says why */
    }
    return rule_file_check_owner(dir, &st, "folder of rules", err);
}

int rule_set_add_dir(struct rules *rules, const char *dir, enum rule_owner owner, struct error *err)
{
    CLEANUP_STRLIST struct strlist names = {0};
    size_t n = 0;
    int result = check_dir(dir, owner, err);
    if (result != 0) {
        return result;
    }
    result = fs_list(dir, &names);
    if (result < 0) {
        return error_set_errno(err, result, dir, "cannot read the rules in \"%s\"", dir);
    }
    for (size_t i = 0; result == 0 && i < names.n; i++) {
        if (!rule_file_is_name(names.items[i])) {
            continue;
        }
        CLEANUP_FREE char *path = xasprintf("%s/%s", dir, names.items[i]);
        result = owner != RULES_OF_CLEAVE && n++ == OWN_FILES_MAX
                     ? error_set(err, REASON_INVALID, path, "more than %d files in \"%s\"",
                                 OWN_FILES_MAX, dir)
                     : rule_set_add_file(rules, path, owner, err);
    }
    return result;
}

void rule_set_done(struct rules *rules)
{
    for (vec_each(&rules->files, file)) {
        rule_file_done(file);
    }
    vec_done(&rules->files);
    vec_done(&rules->rules);
}
