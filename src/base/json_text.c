/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as text. Lists are long and made on the loop, and json_dumps() takes five times as long: it
 * looks at one character after another. What it writes is written here, too, byte for byte. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define MAX_KEYS 64  /* of an object, sorted here */
#define MAX_DEPTH 64 /* deeper than any answer; the rest is left to jansson */

struct entry {
    const char *key;
    size_t len;
    const json_t *value;
};

static bool write_value(const json_t *json, unsigned depth, struct strbuf *out);

static void write_escaped(unsigned char c, struct strbuf *out)
{
    static const char shorts[][2] = {{'"', '"'},  {'\\', '\\'}, {'\b', 'b'}, {'\f', 'f'},
                                     {'\n', 'n'}, {'\r', 'r'},  {'\t', 't'}};
    for (size_t i = 0; i < ARRAY_SIZE(shorts); i++) {
        if ((unsigned char)shorts[i][0] == c) {
            strbuf_addn(out, (const char[]){'\\', shorts[i][1]}, 2);
            return;
        }
    }
    strbuf_addf(out, "\\u%04X", c);
}

/* jansson takes valid UTF-8 only, so nothing but these is looked for. */
static void write_string(const char *text, size_t len, struct strbuf *out)
{
    size_t from = 0;
    strbuf_addn(out, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            strbuf_addn(out, text + from, i - from);
            write_escaped(c, out);
            from = i + 1;
        }
    }
    strbuf_addn(out, text + from, len - from);
    strbuf_addn(out, "\"", 1);
}

static bool write_array(const json_t *json, unsigned depth, struct strbuf *out)
{
    size_t n = json_array_size(json);
    bool whole = true;
    strbuf_addn(out, "[", 1);
    for (size_t i = 0; i < n && whole; i++) {
        if (i > 0) {
            strbuf_addn(out, ",", 1);
        }
        whole = write_value(json_array_get(json, i), depth, out);
    }
    strbuf_addn(out, "]", 1);
    return whole;
}

/* Most have few keys, made in nearly the order of the alphabet or not at all. */
static void insert(struct entry *entries, size_t n, struct entry entry)
{
    size_t at = n;
    while (at > 0 && strcmp(entries[at - 1].key, entry.key) > 0) {
        entries[at] = entries[at - 1];
        at--;
    }
    entries[at] = entry;
}

static bool write_object(const json_t *json, unsigned depth, struct strbuf *out)
{
    struct entry entries[MAX_KEYS];
    size_t n = 0;
    const char *key = NULL;
    json_t *value = NULL;
    bool whole = json_object_size(json) <= MAX_KEYS;
    if (!whole) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        insert(entries, n++, (struct entry){.key = key, .len = strlen(key), .value = value});
    }
    strbuf_addn(out, "{", 1);
    for (size_t i = 0; i < n && whole; i++) {
        if (i > 0) {
            strbuf_addn(out, ",", 1);
        }
        write_string(entries[i].key, entries[i].len, out);
        strbuf_addn(out, ":", 1);
        whole = write_value(entries[i].value, depth, out);
    }
    strbuf_addn(out, "}", 1);
    return whole;
}

/* The rare rest: numbers with a fraction, big objects. */
static bool write_by_jansson(const json_t *json, struct strbuf *out)
{
    CLEANUP_FREE char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (text != NULL) {
        strbuf_add(out, text);
    }
    return text != NULL;
}

static bool write_value(const json_t *json, unsigned depth, struct strbuf *out)
{
    if (json == NULL || depth == MAX_DEPTH) {
        return json != NULL && write_by_jansson(json, out);
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return json_object_size(json) > MAX_KEYS ? write_by_jansson(json, out)
                                                 : write_object(json, depth + 1, out);
    case JSON_ARRAY:
        return write_array(json, depth + 1, out);
    case JSON_STRING:
        write_string(json_string_value(json), json_string_length(json), out);
        return true;
    case JSON_INTEGER:
        strbuf_addf(out, "%lld", (long long)json_integer_value(json));
        return true;
    case JSON_REAL:
        return write_by_jansson(json, out);
    case JSON_TRUE:
        strbuf_addn(out, "true", 4);
        return true;
    case JSON_FALSE:
        strbuf_addn(out, "false", 5);
        return true;
    case JSON_NULL:
        strbuf_addn(out, "null", 4);
        return true;
    }
    return false;
}

char *json_text(const json_t *json)
{
    struct strbuf out = {0};
    if (!write_value(json, 0, &out)) {
        strbuf_done(&out);
        return xstrdup("null");
    }
    return strbuf_take(&out);
}

char *json_lines(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    return text != NULL ? text : xstrdup("null");
}
