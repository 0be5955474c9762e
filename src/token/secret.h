/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for what must not get out: it is in no core dump, is kept off the swap where the limit on
 * locked memory allows it, and is overwritten before it is given back.
 */
#ifndef TOKEN_SECRET_H
#define TOKEN_SECRET_H

#include <stddef.h>

#include "base/attr.h"

/* All zero: nothing. */
struct secret {
    char *bytes;
    size_t len;
    size_t size; /* of the memory; len < size, and bytes[len] is 0 */
};

/* Room for `size` bytes, all 0. Ends the program if there is no memory. */
void secret_init(struct secret *secret, size_t size);
/* Overwrites it. Accepts nothing. */
void secret_done(struct secret *secret);
#define CLEANUP_SECRET CLEANUP(secret_done)
/* Appends; the caller made room for all of it. */
void secret_add(struct secret *secret, const char *bytes, size_t len);
void secret_add_text(struct secret *secret, const char *text);
/* No core dump of this process, and no other process of its user may read its memory, from now on
 * (prctl(2), PR_SET_DUMPABLE). */
void secret_protect_process(void);

#endif
