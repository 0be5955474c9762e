/* SPDX-License-Identifier: Apache-2.0 */
#include "api/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "base/str.h"

/* Replaces %XX in place. A NUL, a control character and broken UTF-8 are no text. */
static int decode(char *text, struct error *err)
{
    char *out = text;
    for (const char *in = text; *in != '\0'; in++) {
        char c = *in;
        if (c == '%') {
            int high = parse_hex_digit(in[1]);
            int low = high < 0 ? -1 : parse_hex_digit(in[2]);
            if (low < 0 || (high == 0 && low == 0)) {
                return error_set(err, REASON_INVALID, "request target",
                                 "a %% in the request target is not followed by the two hex digits "
                                 "of a character");
            }
            c = (char)(high * 16 + low);
            in += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    if (!str_is_clean(text)) {
        char why[STR_WHY_SIZE];
        return error_set(err, REASON_INVALID, "request target", "the request target %s",
                         str_unclean_why(text, why));
    }
    return 0;
}

static int parse_path(char *path, struct target *target, struct error *err)
{
    if (path[0] != '/') {
        return error_set(err, REASON_INVALID, "request target",
                         "the request target does not start with a slash");
    }
    char *rest = path + 1;
    while (rest != NULL) {
        if (target->n_segments == TARGET_MAX_SEGMENTS) {
            return error_set(err, REASON_NOT_FOUND, "request target",
                             "no path of this API has more than %d parts", TARGET_MAX_SEGMENTS);
        }
        char *segment = strsep(&rest, "/");
        int result = decode(segment, err);
        if (result != 0) {
            return result;
        }
        target->segments[target->n_segments++] = segment;
    }
    return 0;
}

static int parse_query(char *query, struct target *target, struct error *err)
{
    char *rest = query;
    while (rest != NULL) {
        char *value = strsep(&rest, "&");
        char *key = strsep(&value, "=");
        if (key[0] == '\0' && value == NULL) {
            continue;
        }
        int result = decode(key, err);
        if (result == 0 && value != NULL) {
            result = decode(value, err);
        }
        if (result != 0) {
            return result;
        }
        if (target_query(target, key) != NULL) {
            return error_set(err, REASON_INVALID, "request target",
                             "query parameter \"%s\" is given twice", key);
        }
        if (target->n_query == TARGET_MAX_QUERY) {
            return error_set(err, REASON_INVALID, "request target", "more than %d query parameters",
                             TARGET_MAX_QUERY);
        }
        target->query[target->n_query++] =
            (struct target_param){.key = key, .value = value == NULL ? "" : value};
    }
    return 0;
}

int target_parse(const char *raw, struct target *ret_target, struct error *err)
{
    if (strlen(raw) > TARGET_MAX_BYTES) {
        return error_set(err, REASON_INVALID, "request target",
                         "the request target is longer than %d bytes", TARGET_MAX_BYTES);
    }
    struct target target = {.text = xstrdup(raw)};
    char *query = target.text;
    char *path = strsep(&query, "?");
    int result = parse_path(path, &target, err);
    if (result == 0 && query != NULL) {
        result = parse_query(query, &target, err);
    }
    if (result != 0) {
        target_done(&target);
        return result;
    }
    *ret_target = target;
    return 0;
}

void target_done(struct target *target)
{
    free(target->text);
    *target = (struct target){0};
}

const char *target_query(const struct target *target, const char *key)
{
    for (size_t i = 0; i < target->n_query; i++) {
        if (str_eq(target->query[i].key, key)) {
            return target->query[i].value;
        }
    }
    return NULL;
}
