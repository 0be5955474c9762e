/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain YAML scalar means in the YAML 1.2 core schema. Private to the YAML reader and
 * writer: the writer quotes what the reader would not read back as a string. */
#ifndef BASE_YAML_SCALAR_H
#define BASE_YAML_SCALAR_H

#include <jansson.h>
#include <stdbool.h>

enum yaml_scalar {
    YAML_SCALAR_STRING,
    YAML_SCALAR_NULL,
    YAML_SCALAR_TRUE,
    YAML_SCALAR_FALSE,
    YAML_SCALAR_INTEGER,
    YAML_SCALAR_REAL, /* with .inf and .nan */
};

enum yaml_scalar yaml_scalar_kind(const char *text);
/* Of a text of kind INTEGER; false if it does not fit. */
bool yaml_scalar_integer(const char *text, json_int_t *ret_number);

#endif
