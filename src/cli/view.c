/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

#define USECS_PER_S 1000000U

json_t *view_at(const json_t *json, const char *path)
{
    char copy[64];
    if (!STR_SET(copy, path)) {
        return NULL;
    }
    char *rest = copy;
    const json_t *found = json;
    while (rest != NULL && found != NULL) {
        found = json_object_get(found, strsep(&rest, "."));
    }
    return json_is_null(found) ? NULL : (json_t *)(uintptr_t)found;
}

const char *view_text(const json_t *json, const char *path, const char *fallback)
{
    const char *text = json_string_value(view_at(json, path));
    return text == NULL ? fallback : text;
}

int64_t view_int(const json_t *json, const char *path, int64_t fallback)
{
    const json_t *value = view_at(json, path);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool view_true(const json_t *json, const char *path)
{
    return json_is_true(view_at(json, path));
}

const char *view_value(const json_t *value, char out[VIEW_SIZE])
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_integer(value)) {
        snprintf(out, VIEW_SIZE, "%" PRId64, (int64_t)json_integer_value(value));
        return out;
    }
    if (json_is_boolean(value)) {
        return json_is_true(value) ? "yes" : "no";
    }
    return "-";
}

const char *view_any(const json_t *json, const char *path, char out[VIEW_SIZE])
{
    return view_value(view_at(json, path), out);
}

const char *view_last_word(const char *text)
{
    const char *blank = strrchr(text, ' ');
    return blank == NULL ? text : blank + 1;
}

const char *view_mib(int64_t mib, char out[VIEW_SIZE])
{
    if (mib % 1024 == 0) {
        snprintf(out, VIEW_SIZE, "%" PRId64 " GiB", mib / 1024);
    } else if (mib > 1024) {
        snprintf(out, VIEW_SIZE, "%.1f GiB", (double)mib / 1024);
    } else {
        snprintf(out, VIEW_SIZE, "%" PRId64 " MiB", mib);
    }
    return out;
}

#define SHORT_ID 8

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

#define UUID_LEN 36

static bool begins_with_uuid(const char *text)
{
    static const char shape[] = "........-....-....-....-............";
    for (size_t i = 0; i < UUID_LEN; i++) {
        if (shape[i] == '-' ? text[i] != '-' : !is_hex(text[i])) {
            return false;
        }
    }
    return true;
}

static bool is_uuid(const char *text)
{
    return begins_with_uuid(text) && text[UUID_LEN] == '\0';
}

const char *view_short_id(const char *text, char out[VIEW_SIZE])
{
    const char *slash = strrchr(text, '/');
    const char *id = slash == NULL ? text : slash + 1;
    int len = is_uuid(id) ? (int)(id - text) + SHORT_ID : (int)strlen(text);
    str_print(out, VIEW_SIZE, "%.*s", len, text);
    return is_uuid(id) ? out : text;
}

void view_shorten_ids(const char *text, struct strbuf *out)
{
    static const char *const kinds[] = {"plan ", "operation ", "migration "};
    for (const char *at = text; *at != '\0';) {
        size_t len = 0;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
            size_t kind = strlen(kinds[i]);
            bool named = str_starts(at, kinds[i]) && begins_with_uuid(at + kind);
            len = named ? kind : len;
        }
        strbuf_addn(out, at, len > 0 ? len + SHORT_ID : 1);
        at += len > 0 ? len + UUID_LEN : 1;
    }
}

const char *view_clock(const char *time, char out[VIEW_SIZE])
{
    uint64_t us = 0;
    struct tm local = {0};
    if (!clock_parse(time, &us)) {
        return "-";
    }
    const time_t seconds = (time_t)(us / USECS_PER_S);
    if (localtime_r(&seconds, &local) == NULL ||
        strftime(out, VIEW_SIZE, "%Y-%m-%d %H:%M:%S %Z", &local) == 0) {
        return "-";
    }
    return out;
}

const char *view_time(const json_t *json, const char *path, char out[VIEW_SIZE])
{
    return view_clock(view_text(json, path, ""), out);
}

void view_add_percent(const json_t *json, const char *path, struct strbuf *out)
{
    if (view_at(json, path) != NULL) {
        strbuf_addf(out, "%d %%", (int)view_int(json, path, 0));
    }
}
