/* SPDX-License-Identifier: Apache-2.0 */
/* Rules as they were loaded. Private to src/rules. */
#ifndef RULES_RULE_SET_H
#define RULES_RULE_SET_H

#include "base/vec.h"
#include "rules/rule.h"
#include "rules/rule_file.h"

#define RULES_MAX 1024 /* in all files */
#define RULE_FILES_MAX 64
#define OWN_FILES_MAX 32 /* of these, a site's own */

struct rules {
    VEC(struct rule_file) files;
    VEC(struct rule) rules;
};

/* Adds the rules of a file. The subject of an error is "FILE:LINE:COLUMN", and nothing of the set
 * may be used after one. */
int rule_set_add_file(struct rules *rules, const char *path, enum rule_owner owner,
                      struct error *err);
/* The same of a text that is called `path`. */
int rule_set_add_text(struct rules *rules, const char *path, const char *text, size_t len,
                      enum rule_owner owner, struct error *err);
/* The same of each *.yaml of a folder. */
int rule_set_add_dir(struct rules *rules, const char *dir, enum rule_owner owner,
                     struct error *err);
void rule_set_done(struct rules *rules);

#endif
