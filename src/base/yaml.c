/* SPDX-License-Identifier: Apache-2.0 */
/* YAML text to a json_t tree: one pass over libyaml's events. */
#include <yaml.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/yaml_scalar.h"

struct yaml_input {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; deleted by next() */
    const char *text;
    size_t len;
    const char *origin;
    struct error *err;
    size_t n_items;
};

static int fail_at(struct yaml_input *in, yaml_mark_t mark, const char *what)
{
    return error_set_at(in->err, in->origin, mark.line + 1, mark.column + 1, "%s", what);
}

/* libyaml tells only the byte of what is no text. */
static yaml_mark_t mark_of_byte(const struct yaml_input *in, size_t byte)
{
    yaml_mark_t mark = {.index = byte};
    for (size_t i = 0; i < byte && i < in->len; i++) {
        mark.line += in->text[i] == '\n' ? 1 : 0;
        mark.column = in->text[i] == '\n' ? 0 : mark.column + 1;
    }
    return mark;
}

/* What people write that is no YAML: a tab for blanks at that line, a template anywhere. */
static void hint_at(struct yaml_input *in, yaml_mark_t mark)
{
    size_t at = mark.index < in->len ? mark.index : in->len;
    while (at > 0 && in->text[at - 1] != '\n') {
        at--;
    }
    while (at < in->len && in->text[at] == ' ') {
        at++;
    }
    if (at < in->len && in->text[at] == '\t') {
        error_hint(in->err, "YAML indents with blanks, but this line has a tab");
    } else if (in->parser.problem != NULL &&
               strstr(in->parser.problem, "mapping values are not allowed") != NULL) {
        error_hint(in->err,
                   "a key stands in the column of the keys above it, or below one of them");
    } else if (memmem(in->text, in->len, "{{", 2) != NULL) {
        error_hint(
            in->err,
            "the file looks like a template: render it first, for example with `helm template`");
    }
}

static int next(struct yaml_input *in)
{
    yaml_event_delete(&in->event);
    if (yaml_parser_parse(&in->parser, &in->event) != 0) {
        return 0;
    }
    const yaml_parser_t *p = &in->parser;
    if (p->error == YAML_READER_ERROR) {
        yaml_mark_t mark = mark_of_byte(in, p->problem_offset);
        return error_set_at(in->err, in->origin, mark.line + 1, mark.column + 1,
                            "not valid YAML: %s", p->problem);
    }
    int r = error_set_at(in->err, in->origin, p->problem_mark.line + 1, p->problem_mark.column + 1,
                         "not valid YAML: %s%s%s", p->problem != NULL ? p->problem : "unreadable",
                         p->context != NULL ? ", " : "", p->context != NULL ? p->context : "");
    hint_at(in, p->problem_mark);
    return r;
}

/* Anchors, aliases and tags make one text mean many things: refused. */
static int refuse_extras(struct yaml_input *in)
{
    const yaml_event_t *e = &in->event;
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (e->type == YAML_ALIAS_EVENT) {
        int r = fail_at(in, e->start_mark, "aliases (*name) are not supported");
        error_hint(in->err, "write the value instead of the alias");
        return r;
    }
    if (e->type == YAML_SCALAR_EVENT) {
        anchor = e->data.scalar.anchor;
        tag = e->data.scalar.tag;
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        anchor = e->data.sequence_start.anchor;
        tag = e->data.sequence_start.tag;
    } else if (e->type == YAML_MAPPING_START_EVENT) {
        anchor = e->data.mapping_start.anchor;
        tag = e->data.mapping_start.tag;
    }
    if (anchor != NULL) {
        int r = fail_at(in, e->start_mark, "anchors (&name) are not supported");
        error_hint(in->err, "write the value at each place where it is used");
        return r;
    }
    if (tag != NULL) {
        return fail_at(in, e->start_mark, "tags (!name) are not supported");
    }
    return 0;
}

static const char *scalar_text(const yaml_event_t *event)
{
    return (const char *)event->data.scalar.value;
}

/* The text has no NUL byte in it. */
static int check_scalar(struct yaml_input *in)
{
    const yaml_event_t *e = &in->event;
    if (strlen(scalar_text(e)) != e->data.scalar.length) {
        return fail_at(in, e->start_mark, "a string contains a NUL byte");
    }
    return 0;
}

static int read_scalar(struct yaml_input *in, json_t **ret_json)
{
    int r = check_scalar(in);
    if (r < 0) {
        return r;
    }
    const char *text = scalar_text(&in->event);
    if (in->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        *ret_json = json_string(text);
        return 0;
    }
    switch (yaml_scalar_kind(text)) {
    case YAML_SCALAR_NULL:
        *ret_json = json_null();
        break;
    case YAML_SCALAR_TRUE:
        *ret_json = json_true();
        break;
    case YAML_SCALAR_FALSE:
        *ret_json = json_false();
        break;
    case YAML_SCALAR_INTEGER: {
        json_int_t number = 0;
        if (!yaml_scalar_integer(text, &number)) {
            return fail_at(in, in->event.start_mark, "the integer does not fit into 64 bits");
        }
        *ret_json = json_integer(number);
        break;
    }
    case YAML_SCALAR_REAL: {
        double number = strtod(text, NULL);
        if (strpbrk(text, "iInN") != NULL || !isfinite(number)) { /* .inf, .nan, 1e999 */
            return fail_at(in, in->event.start_mark, "the number is not finite");
        }
        *ret_json = json_real(number);
        break;
    }
    case YAML_SCALAR_STRING:
        *ret_json = json_string(text);
        break;
    }
    return 0;
}

static int read_node(struct yaml_input *in, unsigned depth, json_t **ret_json);

static int read_sequence(struct yaml_input *in, unsigned depth, json_t **ret_json)
{
    CLEANUP_JSON json_t *array = json_array();
    int r = next(in);
    while (r == 0 && in->event.type != YAML_SEQUENCE_END_EVENT) {
        json_t *item = NULL;
        r = read_node(in, depth + 1, &item);
        if (r == 0) {
            json_array_append_new(array, item);
            r = next(in);
        }
    }
    if (r == 0) {
        *ret_json = TAKE_PTR(array);
    }
    return r;
}

/* The current event as a key of `object`. Caller frees. */
static int read_key(struct yaml_input *in, const json_t *object, char **ret_key)
{
    const yaml_event_t *e = &in->event;
    int r = refuse_extras(in);
    if (r < 0) {
        return r;
    }
    if (e->type != YAML_SCALAR_EVENT) {
        return fail_at(in, e->start_mark, "a key must be plain text");
    }
    r = check_scalar(in);
    if (r < 0) {
        return r;
    }
    const char *key = scalar_text(e);
    if (str_eq(key, "<<") && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return fail_at(in, e->start_mark, "merge keys (<<) are not supported");
    }
    if (json_object_get(object, key) != NULL) {
        return error_set_at(in->err, in->origin, e->start_mark.line + 1, e->start_mark.column + 1,
                            "duplicate key \"%s\"", key);
    }
    *ret_key = xstrdup(key);
    return 0;
}

static int read_mapping(struct yaml_input *in, unsigned depth, json_t **ret_json)
{
    CLEANUP_JSON json_t *object = json_object();
    int r = next(in);
    while (r == 0 && in->event.type != YAML_MAPPING_END_EVENT) {
        CLEANUP_FREE char *key = NULL;
        r = read_key(in, object, &key);
        if (r == 0) {
            r = next(in);
        }
        json_t *value = NULL;
        if (r == 0) {
            r = read_node(in, depth + 1, &value);
        }
        if (r == 0) {
            json_object_set_new(object, key, value);
            r = next(in);
        }
    }
    if (r == 0) {
        *ret_json = TAKE_PTR(object);
    }
    return r;
}

/* Reads the node that starts with the current event, up to its last event. */
static int read_node(struct yaml_input *in, unsigned depth, json_t **ret_json)
{
    int r = refuse_extras(in);
    if (r < 0) {
        return r;
    }
    in->n_items++;
    if (in->n_items > INPUT_MAX_ITEMS) {
        return error_set_at(in->err, in->origin, in->event.start_mark.line + 1,
                            in->event.start_mark.column + 1, "more than %d values",
                            INPUT_MAX_ITEMS);
    }
    if (in->event.type == YAML_SCALAR_EVENT) {
        return read_scalar(in, ret_json);
    }
    if (depth >= INPUT_MAX_DEPTH) {
        return error_set_at(in->err, in->origin, in->event.start_mark.line + 1,
                            in->event.start_mark.column + 1, "nested deeper than %d levels",
                            INPUT_MAX_DEPTH);
    }
    return in->event.type == YAML_SEQUENCE_START_EVENT ? read_sequence(in, depth, ret_json)
                                                       : read_mapping(in, depth, ret_json);
}

/* The document that the current event starts, up to the event behind it. */
static int read_document(struct yaml_input *in, json_t **ret_json)
{
    if (in->event.data.document_start.version_directive != NULL ||
        in->event.data.document_start.tag_directives.start !=
            in->event.data.document_start.tag_directives.end) {
        return fail_at(in, in->event.start_mark, "directives (%YAML, %TAG) are not supported");
    }
    CLEANUP_JSON json_t *json = NULL;
    int r = next(in);
    r = r != 0 ? r : read_node(in, 0, &json);
    r = r != 0 ? r : next(in); /* document end */
    r = r != 0 ? r : next(in);
    if (r == 0) {
        *ret_json = TAKE_PTR(json);
    }
    return r;
}

/* All documents of the text, or the only one: `documents` has them all then. */
static int read_stream(struct yaml_input *in, bool one, json_t *documents)
{
    int r = next(in); /* stream start */
    r = r != 0 ? r : next(in);
    while (r == 0 && in->event.type != YAML_STREAM_END_EVENT) {
        if (one && json_array_size(documents) > 0) {
            return fail_at(in, in->event.start_mark, "more than one document");
        }
        json_t *document = NULL;
        r = read_document(in, &document);
        if (r == 0) {
            json_array_append_new(documents, document);
        }
    }
    return r;
}

static int read_text(const char *text, size_t len, const char *origin, bool one, json_t *documents,
                     struct error *err)
{
    if (len > INPUT_MAX_BYTES) {
        return error_set(err, REASON_INVALID, origin, "the text has %zu bytes, more than %d", len,
                         INPUT_MAX_BYTES);
    }
    struct yaml_input in = {.text = text, .len = len, .origin = origin, .err = err};
    if (yaml_parser_initialize(&in.parser) == 0) {
        return error_set(err, REASON_INTERNAL, origin, "libyaml does not start");
    }
    yaml_parser_set_input_string(&in.parser, (const unsigned char *)text, len);
    int r = read_stream(&in, one, documents);
    yaml_event_delete(&in.event);
    yaml_parser_delete(&in.parser);
    return r;
}

int yaml_read(const char *text, size_t len, const char *origin, json_t **ret_json,
              struct error *err)
{
    CLEANUP_JSON json_t *documents = json_array();
    int r = read_text(text, len, origin, true, documents, err);
    if (r == 0) {
        bool empty = json_array_size(documents) == 0;
        *ret_json = empty ? json_null() : json_incref(json_array_get(documents, 0));
    }
    return r;
}

int yaml_read_all(const char *text, size_t len, const char *origin, json_t **ret_documents,
                  struct error *err)
{
    CLEANUP_JSON json_t *documents = json_array();
    int r = read_text(text, len, origin, false, documents, err);
    if (r == 0) {
        *ret_documents = TAKE_PTR(documents);
    }
    return r;
}
