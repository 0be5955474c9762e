/* SPDX-License-Identifier: Apache-2.0 */
/* The database's schema, as the numbered changes that lead to it. Applied ones are never edited. */
#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

#include <stddef.h>

struct migration {
    int version;     /* user_version once applied */
    const char *sql; /* may call plain_words(JSON text): see plain_words.h */
};

/* Ascending from 1 without gaps. */
const struct migration *migrations_list(size_t *ret_n);

#endif
