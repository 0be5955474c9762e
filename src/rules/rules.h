/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documented limits as data (data/rules): id, statement, source, confidence, versions, when it
 * applies, message, what to do instead. One engine answers for admission, advice and plans alike.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "base/error.h"
#include "model/check.h"
#include "rules/rule_facts.h"
#include "rules/rule_scope.h"

#define OWN_RULES_DIR "/etc/cleave/rules.d" /* a site's own rules */

struct rules;

/* Is it the name of a file that is read of a folder? "gpus.yaml" is, and neither ".gpus.yaml.swp"
 * nor "gpus.yaml~", which editors leave. */
bool rules_is_file_name(const char *name);
/* Of one file, or of each *.yaml of a folder. The subject of an error is "FILE:LINE:COLUMN". */
int rules_load(const char *path, struct rules **ret_rules, struct error *err);
/* Rules that come with cleave. */
int rules_load_default(struct rules **ret_rules, struct error *err);
/* Those, and a site's own from the folder `dir`, which need not exist. -PERMISSION where other
 * users can change the folder or a file. */
int rules_load_with_own(const char *dir, struct rules **ret_rules, struct error *err);
/* The rules of cleave as `rules` has them, and a site's own as they are now. Any thread. */
int rules_read_own_again(const struct rules *rules, const char *dir, struct rules **ret_rules,
                         struct error *err);
/* Are the texts of both sites' rules the same? */
bool rules_have_same_own(const struct rules *a, const struct rules *b);
/* How many rules are a site's own, and in how many files. */
size_t rules_count_own(const struct rules *rules, size_t *ret_files);
/* Adds the rules of a file to a site's own, unless they are there from the same file. After an
 * error nothing of the set may be used. */
int rules_add(struct rules *rules, const char *path, struct error *err);
/* A site's own rules in a text that is called `path`, alone. */
int rules_read(const char *path, const char *text, size_t len, struct rules **ret_rules,
               struct error *err);
void rules_free(struct rules *rules);
DEFINE_FREEP(struct rules *, rules_free)

/* 0, or -RULE with err->rule = the first broken rule's id, its message and its hint. Rules that
 * only warn refuse nothing. */
int rules_check(const struct rules *rules, const struct rule_facts *facts, struct error *err);

/* May a claim override these rules? -NOT_FOUND if one does not exist, -RULE if one is not soft. */
int rules_check_overrides(const struct rules *rules, const struct rule_overrides *overrides,
                          struct error *err);

/* Appends a check for each broken rule of claims that refuses, in the order of the files. */
void rules_judge(const struct rules *rules, const struct rule_facts *facts,
                 struct checks *ret_broken);
/* The same for those of any scope that warn. */
void rules_warn(const struct rules *rules, enum rule_scope scope, const struct rule_facts *facts,
                struct checks *ret_broken);

/* A broken rule: what it is, borrowed from `rules`, and what it says. */
struct broken_rule {
    const char *id, *statement, *source;
    size_t order; /* its place among all rules */
    enum rule_weight weight;
    enum rule_element element;
    bool of_fault; /* it is about what a walk of a definition found */
    char message[ERROR_TEXT_SIZE], instead[ERROR_TEXT_SIZE];
};
typedef void broken_rule_fn(void *data, const struct broken_rule *broken);
/* Calls `found` for each broken rule of that scope, in the order of the files. */
void rules_find_broken(const struct rules *rules, enum rule_scope scope,
                       const struct rule_facts *facts, broken_rule_fn *found, void *data);

/* What a rule of migrations is about. */
enum migration_scope { MIGRATION_OF_DEVICE, MIGRATION_OF_VM };

/* Asks every rule of that scope whose versions the hosts may have, and appends a check for each. A
 * rule that needs a fact which is unknown is CHECK_UNKNOWN, unless what is known settles it.
 * `target` NULL: nothing is known. */
void rules_check_migration(const struct rules *rules, enum migration_scope scope, const char *claim,
                           const struct migration_facts *source,
                           const struct migration_facts *target, struct checks *ret_checks);

#endif
