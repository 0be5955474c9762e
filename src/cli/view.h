/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the API's JSON for people: paths such as "mig.enabled", and "-" for what is null. */
#ifndef CLI_VIEW_H
#define CLI_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define VIEW_SIZE 96

/* NULL if any part of the path is missing or null. Borrowed. */
json_t *view_at(const json_t *json, const char *path);
/* The text of a string; `fallback` if it is absent or null. */
const char *view_text(const json_t *json, const char *path, const char *fallback);
int64_t view_int(const json_t *json, const char *path, int64_t fallback);
bool view_true(const json_t *json, const char *path);
/* A number, boolean ("yes", "no") or string, "-" for null. Writes into out, or returns the string.
 */
const char *view_value(const json_t *value, char out[VIEW_SIZE]);
/* The same of what is at the path. */
const char *view_any(const json_t *json, const char *path, char out[VIEW_SIZE]);
/* The word behind the last blank. Borrowed. */
const char *view_last_word(const char *text);
/* "24 GiB", "1.5 GiB", "512 MiB". Returns out. */
const char *view_mib(int64_t mib, char out[VIEW_SIZE]);
/* "6ef7fb75" of a UUID, "plan/6ef7fb75" of a subject that ends with one: a beginning is enough for
 * each command. Other texts stay as they are. Writes into out, or returns the text. */
const char *view_short_id(const char *text, char out[VIEW_SIZE]);
/* Adds a sentence, with the plans, operations and migrations that it names by UUID shortened so. */
void view_shorten_ids(const char *text, struct strbuf *out);
/* 2026-11-21T05:30:12.123456Z → "2026-11-21 06:30:12 CET", in this process's time zone; "-" for
 * what is no time. Returns out. */
const char *view_clock(const char *time, char out[VIEW_SIZE]);
/* The same of what is at the path. */
const char *view_time(const json_t *json, const char *path, char out[VIEW_SIZE]);

/* Adds "40 %"; nothing where the number is not known. */
void view_add_percent(const json_t *json, const char *path, struct strbuf *out);

#endif
