/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/mem.h"

struct position {
    size_t line;
    size_t column;
};

/* Where nesting first exceeds the limit, before a parser builds anything; line 0: nowhere. */
static struct position find_too_deep(const char *text, size_t len)
{
    struct position at = {.line = 1, .column = 0};
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        at.column++;
        char c = text[i];
        if (c == '\n') {
            at = (struct position){.line = at.line + 1, .column = 0};
        } else if (in_string) {
            if (c == '\\' && i + 1 < len && text[i + 1] != '\n') {
                i++;
                at.column++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (depth > INPUT_MAX_DEPTH) {
            return at;
        }
    }
    return (struct position){0};
}

static size_t count_items(const json_t *json)
{
    size_t n = 1;
    if (json_is_object(json)) {
        const char *key = NULL;
        json_t *value = NULL;
        json_object_foreach((json_t *)(uintptr_t)json, key, value)
        {
            n += count_items(value);
        }
    } else if (json_is_array(json)) {
        for (size_t i = 0; i < json_array_size(json); i++) {
            n += count_items(json_array_get(json, i));
        }
    }
    return n;
}

int json_read(const char *text, size_t len, const char *origin, json_t **ret_json,
              struct error *err)
{
    if (len > INPUT_MAX_BYTES) {
        return error_set(err, REASON_INVALID, origin, "the text has %zu bytes, more than %d", len,
                         INPUT_MAX_BYTES);
    }
    struct position deep = find_too_deep(text, len);
    if (deep.line != 0) {
        return error_set_at(err, origin, deep.line, deep.column, "nested deeper than %d levels",
                            INPUT_MAX_DEPTH);
    }
    json_error_t problem;
    CLEANUP_JSON json_t *json =
        json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (json == NULL) {
        size_t line = problem.line > 0 ? (size_t)problem.line : 1;
        size_t column = problem.column > 0 ? (size_t)problem.column : 1;
        return error_set_at(err, origin, line, column, "not valid JSON: %s", problem.text);
    }
    if (count_items(json) > INPUT_MAX_ITEMS) {
        return error_set(err, REASON_INVALID, origin, "more than %d values", INPUT_MAX_ITEMS);
    }
    *ret_json = TAKE_PTR(json);
    return 0;
}
