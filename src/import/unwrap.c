/* SPDX-License-Identifier: Apache-2.0 */
#include "import/unwrap.h"

#include <ctype.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"

#define MAX_TEXTS 4 /* texts in texts: helm values in a ConfigMap hold a ConfigMap's text */

static const char *const config_keys[] = {"mig-configs", "vgpu-configs"};

struct search {
    struct wrapped_configs *found;
    const char *origin;
    struct error *err;
};

static int search_node(struct search *search, const json_t *json, const char *path, unsigned texts);

static bool is_config_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(config_keys); i++) {
        if (str_eq(key, config_keys[i])) {
            return true;
        }
    }
    return false;
}

static bool is_config(const json_t *json)
{
    for (size_t i = 0; i < ARRAY_SIZE(config_keys); i++) {
        if (json_object_get(json, config_keys[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* "mig-config", "migConfigs", "VGPU_configs": the key without its dash, its s or its case. */
static const char *nearly_config_key(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(config_keys); i++) {
        const char *a = key;
        const char *b = config_keys[i];
        while (*b != '\0' && *a != '\0') {
            a += *a == '-' || *a == '_';
            b += *b == '-';
            if (tolower((unsigned char)*a) != *b) {
                break;
            }
            a++;
            b++;
        }
        bool same = *a == '\0' && (*b == '\0' || str_eq(b, "s"));
        if (same && !str_eq(key, config_keys[i])) {
            return config_keys[i];
        }
    }
    return NULL;
}

/* Labels are lists, and a config has nothing else. */
static bool has_lists_only(const json_t *object)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!json_is_array(value)) {
            return false;
        }
    }
    return json_object_size(object) > 0;
}

/* Does a line of the text begin with one of the keys, as in YAML, or is it there as JSON has it? */
static bool is_config_text(const char *text)
{
    if (strstr(text, "\"mig-configs\"") != NULL || strstr(text, "\"vgpu-configs\"") != NULL) {
        return true;
    }
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n'\xef\xbb\xbf");
        char key[16] = "";
        size_t len = strcspn(line, ":'\n");
        if (line[len] != '\0' && line[len] != '\n' && len < sizeof(key)) {
            memcpy(key, line, len);
            key[len] = '\0';
        }
        if (is_config_key(key) || nearly_config_key(key) != NULL) {
            return true;
        }
    }
    return false;
}

static const char *sub_path(const char *path, const char *key, char out[UNWRAP_PATH_SIZE])
{
    (void)str_print(out, UNWRAP_PATH_SIZE, "%s%s%s", path, path[0] != '\0' ? "." : "", key);
    return out;
}

static int search_text(struct search *search, const char *text, const char *path, unsigned texts)
{
    if (texts == MAX_TEXTS) {
        return error_set(search->err, REASON_INVALID, search->origin,
                         "%s: a text in more than %d texts", path, MAX_TEXTS);
    }
    CLEANUP_FREE char *origin = xasprintf("%s, %s", search->origin, path);
    CLEANUP_JSON json_t *json = NULL;
    int r = yaml_read(text, strlen(text), origin, &json, search->err);
    return r != 0 ? r : search_node(search, json, path, texts + 1);
}

static int search_list(struct search *search, const json_t *list, const char *path, unsigned texts)
{
    int r = 0;
    for (size_t i = 0; i < json_array_size(list) && r == 0; i++) {
        char at[UNWRAP_PATH_SIZE];
        (void)str_print(at, sizeof(at), "%s[%zu]", path, i);
        r = search_node(search, json_array_get(list, i), at, texts);
    }
    return r;
}

static int search_object(struct search *search, const json_t *object, const char *path,
                         unsigned texts)
{
    const char *key = NULL;
    json_t *value = NULL;
    int r = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        char at[UNWRAP_PATH_SIZE];
        const char *meant = has_lists_only(value) ? nearly_config_key(key) : NULL;
        if (meant != NULL) {
            return error_set(search->err, REASON_INVALID, search->origin,
                             "%s: unknown key; did you mean \"%s\"?", sub_path(path, key, at),
                             meant);
        }
        r = r != 0 ? r : search_node(search, value, sub_path(path, key, at), texts);
    }
    return r;
}

static int search_node(struct search *search, const json_t *json, const char *path, unsigned texts)
{
    if (json_is_string(json)) {
        const char *text = json_string_value(json);
        return is_config_text(text) ? search_text(search, text, path, texts) : 0;
    }
    if (json_is_array(json)) {
        return search_list(search, json, path, texts);
    }
    if (!is_config(json)) {
        return search_object(search, json, path, texts);
    }
    struct wrapped_configs *found = search->found;
    if (found->n == UNWRAP_MAX_CONFIGS) {
        return error_set(search->err, REASON_INVALID, search->origin, "more than %d configs",
                         UNWRAP_MAX_CONFIGS);
    }
    struct wrapped_config *config = &found->items[found->n++];
    STR_SET(config->path, path);
    config->json = json_incref((json_t *)(uintptr_t)json);
    return 0;
}

int unwrap_configs(const json_t *documents, const char *origin, struct wrapped_configs *ret_configs,
                   struct error *err)
{
    ret_configs->n = 0;
    struct search search = {.found = ret_configs, .origin = origin, .err = err};
    size_t n = json_array_size(documents);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        char path[32] = "";
        if (n > 1) {
            (void)snprintf(path, sizeof(path), "document %zu", i + 1);
        }
        r = search_node(&search, json_array_get(documents, i), path, 0);
    }
    if (r != 0) {
        unwrap_done(ret_configs);
    }
    return r;
}

void unwrap_done(struct wrapped_configs *configs)
{
    for (size_t i = 0; i < configs->n; i++) {
        json_decref(configs->items[i].json);
    }
    configs->n = 0;
}

const char *unwrap_kind(const json_t *document)
{
    const char *kind = json_string_value(json_object_get(document, "kind"));
    bool kubernetes = json_object_get(document, "apiVersion") != NULL;
    return kubernetes && kind != NULL && str_is_clean(kind) ? kind : NULL;
}
