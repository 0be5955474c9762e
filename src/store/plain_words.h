/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and words of stored documents that were renamed, once, before the first release: what a
 * cleaved of then wrote becomes what today's reads. docs/internals/upgrading.md has the same table.
 */
#ifndef STORE_PLAIN_WORDS_H
#define STORE_PLAIN_WORDS_H

#include <jansson.h>

/* Renames in place, at any depth; a document of today stays as it is. */
void plain_words(json_t *document);

#endif
