/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

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

const char *view_clock(const char *time, char out[VIEW_SIZE])
{
    const char *clock = strchr(time, 'T');
    if (clock == NULL || strlen(clock) < 9) {
        return "-";
    }
    snprintf(out, VIEW_SIZE, "%.10s %.8s", time, clock + 1);
    return out;
}

const char *view_time(const json_t *json, const char *path, char out[VIEW_SIZE])
{
    return view_clock(view_text(json, path, ""), out);
}
