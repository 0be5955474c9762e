/* SPDX-License-Identifier: Apache-2.0 */
/* A json_t tree as YAML text, through libyaml's emitter. */
#include <yaml.h>

#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "base/yaml_scalar.h"

static int append(void *data, unsigned char *bytes, size_t len)
{
    strbuf_addn(data, (const char *)bytes, len);
    return 1;
}

static void put_scalar(yaml_emitter_t *out, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    size_t len = strlen(text);
    yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text, (int)len, 1, 1,
                                 style);
    yaml_emitter_emit(out, &event);
}

/* Quotes what would be read back as something else than this string. */
static void put_string(yaml_emitter_t *out, const char *text)
{
    bool plain = yaml_scalar_kind(text) == YAML_SCALAR_STRING && !str_eq(text, "<<");
    put_scalar(out, text, plain ? YAML_ANY_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

static void put_real(yaml_emitter_t *out, double number)
{
    char text[40];
    int len = snprintf(text, sizeof(text) - 2, "%.17g", number);
    if (strpbrk(text, ".e") == NULL) { /* stays a real when it is read back */
        (void)snprintf(text + len, sizeof(text) - (size_t)len, ".0");
    }
    put_scalar(out, text, YAML_PLAIN_SCALAR_STYLE);
}

static void put_node(yaml_emitter_t *out, const json_t *json);

static void put_array(yaml_emitter_t *out, const json_t *json)
{
    yaml_event_t event;
    yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE);
    yaml_emitter_emit(out, &event);
    for (size_t i = 0; i < json_array_size(json); i++) {
        put_node(out, json_array_get(json, i));
    }
    yaml_sequence_end_event_initialize(&event);
    yaml_emitter_emit(out, &event);
}

static void put_object(yaml_emitter_t *out, const json_t *json)
{
    yaml_event_t event;
    yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE);
    yaml_emitter_emit(out, &event);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        put_string(out, key);
        put_node(out, value);
    }
    yaml_mapping_end_event_initialize(&event);
    yaml_emitter_emit(out, &event);
}

static void put_node(yaml_emitter_t *out, const json_t *json)
{
    char number[32];
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        put_object(out, json);
        break;
    case JSON_ARRAY:
        put_array(out, json);
        break;
    case JSON_STRING:
        put_string(out, json_string_value(json));
        break;
    case JSON_INTEGER:
        (void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(json));
        put_scalar(out, number, YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_REAL:
        put_real(out, json_real_value(json));
        break;
    case JSON_TRUE:
        put_scalar(out, "true", YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_FALSE:
        put_scalar(out, "false", YAML_PLAIN_SCALAR_STYLE);
        break;
    case JSON_NULL:
        put_scalar(out, "null", YAML_PLAIN_SCALAR_STYLE);
        break;
    }
}

char *yaml_text(const json_t *json)
{
    struct strbuf text = {0};
    yaml_emitter_t out;
    if (yaml_emitter_initialize(&out) == 0) {
        return strbuf_take(&text);
    }
    yaml_emitter_set_output(&out, append, &text);
    yaml_emitter_set_unicode(&out, 1);
    yaml_emitter_set_width(&out, -1);

    yaml_event_t event;
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    yaml_emitter_emit(&out, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    yaml_emitter_emit(&out, &event);
    put_node(&out, json);
    yaml_document_end_event_initialize(&event, 1);
    yaml_emitter_emit(&out, &event);
    yaml_stream_end_event_initialize(&event);
    yaml_emitter_emit(&out, &event);
    yaml_emitter_delete(&out);
    return strbuf_take(&text);
}
