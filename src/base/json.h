/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one checked reader for structured input. JSON and YAML text both become a json_t tree under
 * the same limits; a `struct reader` then takes an object apart strictly: wrong types, unknown keys
 * and out-of-range values are errors that name the path ("gpus[2].bdf").
 *
 * Only base and the *_json.c codecs see jansson; others pass json_t through.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/words.h"

#define INPUT_MAX_BYTES (1024 * 1024)
#define INPUT_MAX_DEPTH 32
#define INPUT_MAX_ITEMS 65536

#define CLEANUP_JSON CLEANUP(json_decrefp)

/* Parses JSON text. `origin` (a file name or "request body") starts the subject: "site.json:3:14".
 * Refuses > INPUT_MAX_BYTES, depth > INPUT_MAX_DEPTH, duplicate keys, trailing text. */
int json_read(const char *text, size_t len, const char *origin, json_t **ret_json,
              struct error *err);
/* The same for one YAML document: no anchors, aliases, tags or merge keys; plain scalars become
 * null, booleans (true/false), integers, reals or strings as in the YAML 1.2 core schema; quoted
 * scalars are strings. A non-string key is taken as its text. */
int yaml_read(const char *text, size_t len, const char *origin, json_t **ret_json,
              struct error *err);
/* The same for a text of any number of documents: a list of them. */
int yaml_read_all(const char *text, size_t len, const char *origin, json_t **ret_documents,
                  struct error *err);
/* Reads a file and picks the parser by its ending: .json, else YAML. "-" is standard input. */
int json_read_file(const char *path, json_t **ret_json, struct error *err);
/* The same for a file of any number of YAML documents, or one of JSON: a list of them. */
int json_read_file_all(const char *path, json_t **ret_documents, struct error *err);

/* Where a reader's path ("gpus[2].bdf") is in YAML or JSON text, or the part of it that is there.
 * False if the text can't be read. */
bool yaml_locate(const char *text, size_t len, const char *path, size_t *ret_line,
                 size_t *ret_column);

/* Compact text with sorted keys; caller frees. */
char *json_text(const json_t *json);
/* The same in lines, for people; caller frees. */
char *json_lines(const json_t *json);
/* YAML text of a tree, for `-o yaml`; caller frees. */
char *yaml_text(const json_t *json);

/* ---- strict reading ---- */

/* Reads one object. Errors stick: after the first, further reads return their fallback and
 * reader_end() returns the error. A reader lives on the stack; it borrows the tree. */
struct reader {
    const json_t *object;
    const char *origin; /* "site.yaml" */
    char path[160];     /* "gpus[2]"; "" at the top */
    struct error *err;
    const void *context;  /* what only its user knows; NULL at first */
    bool is_stored;       /* older versions wrote it, which allowed characters that can't be seen */
    int result;           /* 0 or -reason */
    const char *seen[64]; /* keys asked for: the known ones */
    size_t n_seen;
    size_t n_found; /* of them, those that are there */
};

/* `json` must be an object, else the error is set at once. `err` must not be NULL. */
void reader_init(struct reader *r, const json_t *json, const char *origin, const char *path,
                 struct error *err);
/* Present and not null? (Also marks the key as known.) */
bool reader_has(struct reader *r, const char *key);
/* Required forms: a missing key is an error. Strings are borrowed from the tree, are clean UTF-8
 * and at most max_len bytes. On error: NULL, 0, false. */
const char *reader_str(struct reader *r, const char *key, size_t max_len);
/* The same, and line breaks and tabs are allowed: for documents inside a document. */
const char *reader_text(struct reader *r, const char *key, size_t max_len);
int64_t reader_int(struct reader *r, const char *key, int64_t min, int64_t max);
double reader_real(struct reader *r, const char *key);
bool reader_bool(struct reader *r, const char *key);
json_t *reader_array(struct reader *r, const char *key, size_t max_items);
json_t *reader_object(struct reader *r, const char *key);
/* Optional forms: absent or null gives the fallback. */
const char *reader_str_or(struct reader *r, const char *key, size_t max_len, const char *fallback);
int64_t reader_int_or(struct reader *r, const char *key, int64_t min, int64_t max,
                      int64_t fallback);
bool reader_bool_or(struct reader *r, const char *key, bool fallback);
json_t *reader_array_or_null(struct reader *r, const char *key, size_t max_items);
json_t *reader_object_or_null(struct reader *r, const char *key);
/* One of the words: its value, or -1 (the error names the nearest). */
int reader_word(struct reader *r, const char *key, const struct words *words);
int reader_word_or(struct reader *r, const char *key, const struct words *words, int fallback);
/* Path of a member, for nested readers: "gpus[2].bdf" (key NULL: the element itself, index < 0:
 * no index). Writes into `out` and returns it. */
const char *reader_path(const struct reader *r, const char *key, int index, char *out, size_t size);
/* Records a semantic error at a key: "gpus[2].bdf: …". */
void reader_fail(struct reader *r, const char *key, const char *fmt, ...) PRINTF_ATTR(3, 4);
/* Records that a key is missing, in these words, and which unknown one may have been meant. */
void reader_fail_missing(struct reader *r, const char *key, const char *text);
/* Checks that no key was left unknown (nearest known key in the message); returns 0 or -reason. */
int reader_end(struct reader *r);

#endif
