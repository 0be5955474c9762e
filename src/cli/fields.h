/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of one object on standard output. */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <stddef.h>

/* "Name : value" lines, aligned, as in nvidia-smi -q; `width` as for tables. */
struct field_row {
    const char *name;
    const char *value;
};
void fields_print(const struct field_row *fields, size_t n, size_t width);

#endif
