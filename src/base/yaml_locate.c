/* SPDX-License-Identifier: Apache-2.0 */
/* Where in a text a reader's path points: readers see trees, people see lines. */
#include <yaml.h>

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

static const char *scalar(yaml_document_t *document, int index)
{
    const yaml_node_t *node = yaml_document_get_node(document, index);
    return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
                                                          : NULL;
}

/* The pair of a mapping whose key is the first `len` bytes of `name`. */
static yaml_node_pair_t *member(yaml_document_t *document, yaml_node_t *node, const char *name,
                                size_t len)
{
    if (node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const char *key = scalar(document, pair->key);
        if (key != NULL && strlen(key) == len && memcmp(key, name, len) == 0) {
            return pair;
        }
    }
    return NULL;
}

static yaml_node_t *element(yaml_document_t *document, yaml_node_t *node, size_t index)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return NULL;
    }
    yaml_node_item_t *items = node->data.sequence.items.start;
    size_t n = (size_t)(node->data.sequence.items.top - items);
    return index < n ? yaml_document_get_node(document, items[index]) : NULL;
}

/* Follows the path as far as it leads. */
static yaml_mark_t follow(yaml_document_t *document, yaml_node_t *node, const char *path)
{
    yaml_mark_t mark = node->start_mark;
    while (node != NULL && *path != '\0') {
        if (*path == '[') {
            size_t index = 0;
            for (path++; *path >= '0' && *path <= '9'; path++) {
                index = index * 10 + (size_t)(*path - '0');
            }
            node = element(document, node, index);
            mark = node != NULL ? node->start_mark : mark;
            path += *path == ']' ? 1 : strlen(path);
            continue;
        }
        path += *path == '.' ? 1 : 0;
        size_t len = strcspn(path, ".[");
        const yaml_node_pair_t *pair = member(document, node, path, len);
        node = pair != NULL ? yaml_document_get_node(document, pair->value) : NULL;
        mark = pair != NULL ? yaml_document_get_node(document, pair->key)->start_mark : mark;
        path += len;
    }
    return mark;
}

bool yaml_locate(const char *text, size_t len, const char *path, size_t *ret_line,
                 size_t *ret_column)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (yaml_parser_initialize(&parser) == 0) {
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    bool loaded = yaml_parser_load(&parser, &document) != 0;
    yaml_node_t *root = loaded ? yaml_document_get_root_node(&document) : NULL;
    if (root != NULL) {
        yaml_mark_t mark = follow(&document, root, path);
        *ret_line = mark.line + 1;
        *ret_column = mark.column + 1;
    }
    if (loaded) {
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return root != NULL;
}
