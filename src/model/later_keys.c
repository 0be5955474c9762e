/* SPDX-License-Identifier: Apache-2.0 */
#include "model/later_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/parse.h"

/* ---- out of a document ---- */

static bool is_known(const struct schema *schema, const char *key)
{
    for (size_t i = 0; i < schema->n; i++) {
        if (str_eq(schema->fields[i].key, key) && (schema->fields[i].faces & FACE_STORE) != 0) {
            return true;
        }
    }
    return false;
}

/* `path`: of the object, "" or with the dot behind it. */
static void take_of_object(json_t *object, const struct schema *schema, const char *path,
                           json_t *later)
{
    const char *key = NULL;
    json_t *value = NULL;
    void *next = NULL;
    json_object_foreach_safe(object, next, key, value)
    {
        if (!is_known(schema, key)) {
            CLEANUP_FREE char *whole = xasprintf("%s%s", path, key);
            json_object_set(later, whole, value);
            json_object_del(object, key);
        }
    }
}

static void take_of_place(json_t *document, const struct later_place *place, json_t *later)
{
    json_t *value = place->key == NULL ? document : json_object_get(document, place->key);
    char path[64] = "";
    if (json_is_object(value)) {
        (void)str_print(path, sizeof(path), "%s%s", place->key != NULL ? place->key : "",
                        place->key != NULL ? "." : "");
        take_of_object(value, place->schema, path, later);
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)str_print(path, sizeof(path), "%s[%zu].", place->key, i);
        take_of_object(json_array_get(value, i), place->schema, path, later);
    }
}

bool later_keys_take(json_t *document, const struct later_place *places, size_t n_places,
                     char out[LATER_KEYS_SIZE])
{
    CLEANUP_JSON json_t *later = json_object();
    for (size_t i = 0; i < n_places; i++) {
        take_of_place(document, &places[i], later);
    }
    out[0] = '\0';
    if (json_object_size(later) == 0) {
        return true;
    }
    CLEANUP_FREE char *text = json_text(later);
    return str_copy(out, LATER_KEYS_SIZE, text);
}

/* ---- into a document ---- */

/* The object that the path is in, and the key behind its last dot; NULL: it is gone. */
static json_t *find_object(json_t *document, const char *path, const char **ret_key)
{
    const char *dot = strchr(path, '.');
    const char *bracket = strchr(path, '[');
    if (dot == NULL) {
        *ret_key = path;
        return document;
    }
    *ret_key = dot + 1;
    bool in_list = bracket != NULL && bracket < dot;
    CLEANUP_FREE char *place = xstrndup(path, (size_t)((in_list ? bracket : dot) - path));
    json_t *value = json_object_get(document, place);
    uint32_t index = 0;
    if (in_list) {
        CLEANUP_FREE char *number = xstrndup(bracket + 1, strcspn(bracket + 1, "]"));
        value = parse_u32(number, &index) ? json_array_get(value, index) : NULL;
    }
    return json_is_object(value) ? value : NULL;
}

static json_t *parse(const char *later)
{
    return later[0] == '\0' ? NULL : json_loads(later, 0, NULL);
}

void later_keys_put(json_t *document, const char *later)
{
    CLEANUP_JSON json_t *keys = parse(later);
    const char *path = NULL;
    json_t *value = NULL;
    json_object_foreach(keys, path, value)
    {
        const char *key = NULL;
        json_t *object = find_object(document, path, &key);
        if (object != NULL && json_object_get(object, key) == NULL) {
            json_object_set(object, key, value);
        }
    }
}

void later_keys_name(const char *later, struct strbuf *out)
{
    CLEANUP_JSON json_t *keys = parse(later);
    const char *path = NULL;
    json_t *value = NULL;
    json_object_foreach(keys, path, value)
    {
        strbuf_addf(out, "%s%s", out->len > 0 ? ", " : "", str_is_clean(path) ? path : "?");
    }
}
