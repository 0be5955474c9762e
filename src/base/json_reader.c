/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char *type_word(const json_t *json)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_NULL:
        return "null";
    }
    return "something else";
}

void reader_init(struct reader *r, const json_t *json, const char *origin, const char *path,
                 struct error *err)
{
    *r = (struct reader){.origin = origin, .err = err};
    STR_SET(r->path, path);
    if (!json_is_object(json)) {
        r->result =
            error_set(err, REASON_INVALID, origin, "%s%smust be an object, not %s", path,
                      path[0] != '\0' ? ": " : "", json != NULL ? type_word(json) : "missing");
        return;
    }
    r->object = json;
}

const char *reader_path(const struct reader *r, const char *key, int index, char *out, size_t size)
{
    char subscript[16] = "";
    if (index >= 0) {
        (void)snprintf(subscript, sizeof(subscript), "[%d]", index);
    }
    const char *dot = r->path[0] != '\0' && key != NULL ? "." : "";
    (void)snprintf(out, size, "%s%s%s%s", r->path, dot, key != NULL ? key : "", subscript);
    return out;
}

void reader_fail(struct reader *r, const char *key, const char *fmt, ...)
{
    if (r->result != 0) {
        return;
    }
    char where[sizeof(r->path)];
    reader_path(r, key, -1, where, sizeof(where));
    char *what = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&what, fmt, args);
    va_end(args);
    r->result = error_set(r->err, REASON_INVALID, r->origin, "%s%s%s", where,
                          where[0] != '\0' ? ": " : "", len >= 0 ? what : fmt);
    free(what);
}

/* Asked for each key of each object: most keys differ in their first bytes. */
static bool is_known(const struct reader *r, const char *key)
{
    for (size_t i = 0; i < r->n_seen; i++) {
        if (r->seen[i][0] == key[0] && str_eq(r->seen[i], key)) {
            return true;
        }
    }
    return false;
}

/* The value at `key`, NULL if absent or null, or after an error. Marks the key as known. */
static json_t *find(struct reader *r, const char *key)
{
    json_t *value = r->result == 0 ? json_object_get(r->object, key) : NULL;
    if (!is_known(r, key)) {
        assert(r->n_seen < ARRAY_SIZE(r->seen));
        r->seen[r->n_seen++] = key;
        r->n_found += value != NULL;
    }
    return json_is_null(value) ? NULL : value;
}

/* A key that is there, isn't known, and is nearly this one: "migenabled" of "mig-enabled". */
static const char *misspelt(const struct reader *r, const char *wanted)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)r->object, key, value)
    {
        if (!is_known(r, key) && str_is_clean(key) && str_nearest(wanted, &key, 1) != NULL) {
            return key;
        }
    }
    return NULL;
}

/* The same, but absence is an error. */
static json_t *require(struct reader *r, const char *key)
{
    json_t *value = find(r, key);
    if (value != NULL || r->result != 0) {
        return value;
    }
    if (json_object_get(r->object, key) != NULL) {
        reader_fail(r, key, "must not be null");
        return NULL;
    }
    reader_fail_missing(r, key, "is missing");
    return NULL;
}

void reader_fail_missing(struct reader *r, const char *key, const char *text)
{
    const char *instead = misspelt(r, key);
    reader_fail(r, key, "%s%s%s%s", text, instead != NULL ? "; is \"" : "",
                instead != NULL ? instead : "", instead != NULL ? "\" meant to be it?" : "");
}

static bool expect(struct reader *r, const char *key, const json_t *value, bool fits,
                   const char *wanted)
{
    if (fits || r->result != 0) {
        return fits;
    }
    reader_fail(r, key, "must be %s, not %s", wanted, type_word(value));
    bool bare = json_is_number(value) || json_is_boolean(value);
    if (bare && str_eq(wanted, "a string")) {
        CLEANUP_FREE char *text = json_dumps(value, JSON_ENCODE_ANY);
        error_hint(r->err, "write it in quotes: %s: \"%s\"", key != NULL ? key : "",
                   text != NULL ? text : "");
    }
    return fits;
}

bool reader_has(struct reader *r, const char *key)
{
    return find(r, key) != NULL;
}

/* Line breaks and tabs are all the control characters that a text of several lines may have. */
static bool is_clean_document(const char *text)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\n' || *c == '\r' || *c == '\t' ? ' ' : *c;
    }
    return str_is_text(copy);
}

static const char *check_str(struct reader *r, const char *key, const json_t *value, size_t max_len,
                             bool (*is_clean)(const char *text))
{
    if (!expect(r, key, value, json_is_string(value), "a string")) {
        return NULL;
    }
    size_t len = json_string_length(value);
    if (len > max_len) {
        reader_fail(r, key, "has %zu bytes, at most %zu are allowed", len, max_len);
        return NULL;
    }
    const char *text = json_string_value(value);
    if (strlen(text) != len || !is_clean(text)) {
        char why[STR_WHY_SIZE];
        reader_fail(r, key, "%s",
                    strlen(text) != len ? "contains control characters"
                                        : str_unclean_why(text, why));
        return NULL;
    }
    return text;
}

static const char *check_line(struct reader *r, const char *key, const json_t *value,
                              size_t max_len)
{
    return check_str(r, key, value, max_len, r->is_stored ? str_is_text : str_is_clean);
}

const char *reader_str(struct reader *r, const char *key, size_t max_len)
{
    json_t *value = require(r, key);
    return value != NULL ? check_line(r, key, value, max_len) : NULL;
}

const char *reader_text(struct reader *r, const char *key, size_t max_len)
{
    json_t *value = require(r, key);
    return value != NULL ? check_str(r, key, value, max_len, is_clean_document) : NULL;
}

const char *reader_str_or(struct reader *r, const char *key, size_t max_len, const char *fallback)
{
    json_t *value = find(r, key);
    if (value == NULL) {
        return fallback;
    }
    const char *text = check_line(r, key, value, max_len);
    return text != NULL ? text : fallback;
}

static int64_t check_int(struct reader *r, const char *key, const json_t *value, int64_t min,
                         int64_t max)
{
    if (!expect(r, key, value, json_is_integer(value), "an integer")) {
        return 0;
    }
    int64_t number = json_integer_value(value);
    if (number < min || number > max) {
        reader_fail(r, key, "is %lld, must be from %lld to %lld", (long long)number, (long long)min,
                    (long long)max);
        return 0;
    }
    return number;
}

int64_t reader_int(struct reader *r, const char *key, int64_t min, int64_t max)
{
    json_t *value = require(r, key);
    return value != NULL ? check_int(r, key, value, min, max) : 0;
}

int64_t reader_int_or(struct reader *r, const char *key, int64_t min, int64_t max, int64_t fallback)
{
    json_t *value = find(r, key);
    if (value == NULL) {
        return fallback;
    }
    int64_t number = check_int(r, key, value, min, max);
    return r->result == 0 ? number : fallback;
}

double reader_real(struct reader *r, const char *key)
{
    json_t *value = require(r, key);
    if (value == NULL || !expect(r, key, value, json_is_number(value), "a number")) {
        return 0;
    }
    return json_number_value(value);
}

bool reader_bool(struct reader *r, const char *key)
{
    json_t *value = require(r, key);
    if (value == NULL || !expect(r, key, value, json_is_boolean(value), "true or false")) {
        return false;
    }
    return json_is_true(value);
}

bool reader_bool_or(struct reader *r, const char *key, bool fallback)
{
    json_t *value = find(r, key);
    if (value == NULL || !expect(r, key, value, json_is_boolean(value), "true or false")) {
        return fallback;
    }
    return json_is_true(value);
}

static json_t *check_array(struct reader *r, const char *key, json_t *value, size_t max_items)
{
    if (!expect(r, key, value, json_is_array(value), "a list")) {
        return NULL;
    }
    if (json_array_size(value) > max_items) {
        reader_fail(r, key, "has %zu items, at most %zu are allowed", json_array_size(value),
                    max_items);
        return NULL;
    }
    return value;
}

json_t *reader_array(struct reader *r, const char *key, size_t max_items)
{
    json_t *value = require(r, key);
    return value != NULL ? check_array(r, key, value, max_items) : NULL;
}

json_t *reader_array_or_null(struct reader *r, const char *key, size_t max_items)
{
    json_t *value = find(r, key);
    return value != NULL ? check_array(r, key, value, max_items) : NULL;
}

json_t *reader_object(struct reader *r, const char *key)
{
    json_t *value = require(r, key);
    bool fits = value != NULL && expect(r, key, value, json_is_object(value), "an object");
    return fits ? value : NULL;
}

json_t *reader_object_or_null(struct reader *r, const char *key)
{
    json_t *value = find(r, key);
    bool fits = value != NULL && expect(r, key, value, json_is_object(value), "an object");
    return fits ? value : NULL;
}

static void add_words(struct strbuf *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(text, "%s\"%s\"", i == 0 ? "" : ", ", words[i]);
    }
}

static int check_word(struct reader *r, const char *key, const json_t *value,
                      const struct words *words)
{
    if (!expect(r, key, value, json_is_string(value), "a string")) {
        return -1;
    }
    const char *text = json_string_value(value);
    uint32_t found = 0;
    if (words_find(words, text, &found)) {
        return (int)found;
    }
    const char *names[WORDS_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < words->n; i++) {
        if (words->rows[i].name != NULL) {
            names[n++] = words->rows[i].name;
        }
    }
    const char *nearest = str_nearest(text, names, n);
    CLEANUP_STRBUF struct strbuf all = {0};
    add_words(&all, names, n);
    if (nearest != NULL) {
        reader_fail(r, key, "\"%s\" is not a known value; did you mean \"%s\"?", text, nearest);
    } else {
        reader_fail(r, key, "\"%s\" is not a known value", text);
    }
    error_hint(r->err, "use one of %s", strbuf_str(&all));
    return -1;
}

int reader_word(struct reader *r, const char *key, const struct words *words)
{
    json_t *value = require(r, key);
    return value != NULL ? check_word(r, key, value, words) : -1;
}

int reader_word_or(struct reader *r, const char *key, const struct words *words, int fallback)
{
    json_t *value = find(r, key);
    return value != NULL ? check_word(r, key, value, words) : fallback;
}

int reader_end(struct reader *r)
{
    if (r->result != 0 || r->n_found == json_object_size(r->object)) {
        return r->result;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)r->object, key, value)
    {
        if (is_known(r, key)) {
            continue;
        }
        const char *shown = str_is_clean(key) ? key : "?";
        const char *nearest = str_nearest(key, r->seen, r->n_seen);
        if (nearest != NULL) {
            reader_fail(r, NULL, "unknown key \"%s\"; did you mean \"%s\"?", shown, nearest);
        } else {
            reader_fail(r, NULL, "unknown key \"%s\"", shown);
        }
        CLEANUP_STRBUF struct strbuf all = {0};
        add_words(&all, r->seen, r->n_seen);
        error_hint(r->err, "known keys are %s", strbuf_str(&all));
        return r->result;
    }
    return 0;
}
