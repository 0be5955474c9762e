/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a stored document that this version does not know, because a later one wrote them: kept
 * as they are, and not used. */
#ifndef MODEL_LATER_KEYS_H
#define MODEL_LATER_KEYS_H

#include <jansson.h>

#include "base/str.h"
#include "schema/schema.h"

#define LATER_KEYS_SIZE 512

/* An object of the document, or a list of such, and its table. */
struct later_place {
    const char *key; /* NULL: the document itself */
    const struct schema *schema;
};

/* Takes the unknown keys out of the document, as JSON text by their paths ("overrides[0].until"),
 * "" if there are none. False: there is no room for them. */
bool later_keys_take(json_t *document, const struct later_place *places, size_t n_places,
                     char out[LATER_KEYS_SIZE]);
/* Puts them back, where what they are of is still there. */
void later_keys_put(json_t *document, const char *later);
/* Their paths, with commas between them. */
void later_keys_name(const char *later, struct strbuf *out);

#endif
