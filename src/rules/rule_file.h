/* SPDX-License-Identifier: Apache-2.0 */
/* A file of rules and cases, as a tree, with its text for the lines. Private to src/rules. */
#ifndef RULES_RULE_FILE_H
#define RULES_RULE_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

#define FILE_RULES_MAX 256
#define FILE_CASES_MAX 1024

struct rule_file {
    char *path;
    char *text;
    size_t len;
    json_t *tree; /* {"rules": […], "cases": […]} */
};

/* Only of a regular file, and at most INPUT_MAX_BYTES of it. */
int rule_file_read(const char *path, struct rule_file *ret_file, struct error *err);
/* The same of a text that is called `path`. */
int rule_file_parse(const char *path, const char *text, size_t len, struct rule_file *ret_file,
                    struct error *err);
/* Makes the subject of a reader's error "FILE:LINE:COLUMN", by the path that its message begins
 * with. */
void rule_file_add_line(const struct rule_file *file, struct error *err);
void rule_file_done(struct rule_file *file);

#endif
