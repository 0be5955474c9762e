/* SPDX-License-Identifier: Apache-2.0 */
/* Small encoders that the *_json.c codecs share: unknown becomes null, never 0. */
#ifndef MODEL_ENCODE_H
#define MODEL_ENCODE_H

#include <jansson.h>
#include <stdint.h>

#include "model/host.h"

json_t *encode_id(uint32_t id);        /* NO_ID → null */
json_t *encode_size(uint64_t n);       /* 0 → null */
json_t *encode_text(const char *text); /* "" → null */
json_t *encode_addr(const struct pci_addr *addr);
json_t *encode_hex(uint32_t value, unsigned digits); /* "0x2bb5"; NO_ID → null */
json_t *encode_tristate(enum tristate value);        /* true, false, null */
json_t *encode_time(uint64_t realtime_us);           /* RFC 3339; 0 → null */

#endif
