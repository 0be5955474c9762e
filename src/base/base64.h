/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4, with padding) for bytes that travel inside text. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* False if the text (with its terminator) has no room in `out`. */
bool base64_encode(const void *data, size_t len, char *out, size_t size);
/* False if that is no base64, or has no room in `out`. */
bool base64_decode(const char *text, void *out, size_t size, size_t *ret_len);

#endif
