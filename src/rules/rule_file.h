/* SPDX-License-Identifier: Apache-2.0 */
/* A file of rules and cases, as a tree, with its text for the lines. Private to src/rules. */
#ifndef RULES_RULE_FILE_H
#define RULES_RULE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/json.h"

#define FILE_RULES_MAX 256
#define FILE_CASES_MAX 1024

/* The owner of a file's rules. */
enum rule_owner {
    RULES_OF_CLEAVE,
    RULES_OF_SITE, /* in use: a file that others can change is refused */
    RULES_ON_TRIAL /* a site's, not in use */
};

struct rule_file {
    enum rule_owner owner;
    char *path;
    char *text;
    size_t len;
    json_t *tree; /* {"rules": […], "cases": […]} */
};

/* "gpus.yaml", and neither ".gpus.yaml.swp" nor "gpus.yaml~", which editors leave. */
bool rule_file_is_name(const char *name);
/* Only of a regular file, and at most INPUT_MAX_BYTES of it. -PERMISSION if others can change it.
 */
int rule_file_read(const char *path, enum rule_owner owner, struct rule_file *ret_file,
                   struct error *err);
/* The same of a text that is called `path`. */
int rule_file_parse(const char *path, const char *text, size_t len, struct rule_file *ret_file,
                    struct error *err);
/* Refuses what users other than root and the process's own can change: `what` is its word. */
int rule_file_check_owner(const char *path, const struct stat *st, const char *what,
                          struct error *err);
/* Makes the subject of a reader's error "FILE:LINE:COLUMN", by the path that its message begins
 * with. */
void rule_file_add_line(const struct rule_file *file, struct error *err);
void rule_file_done(struct rule_file *file);

#endif
