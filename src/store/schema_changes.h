/* SPDX-License-Identifier: Apache-2.0 */
/* The database's schema, as the numbered changes that lead to it. Applied ones are never edited. */
#ifndef STORE_SCHEMA_CHANGES_H
#define STORE_SCHEMA_CHANGES_H

#include <stddef.h>

struct schema_change {
    int version;     /* user_version once applied */
    const char *sql; /* may call plain_words(document) and one_kind(kind, id, document, steps) */
};

/* Ascending from 1 without gaps. */
const struct schema_change *schema_changes_list(size_t *ret_n);

#endif
