/* SPDX-License-Identifier: Apache-2.0 */
/* Small encoders for what no field table describes: unknown becomes null, never 0. */
#ifndef MODEL_ENCODE_H
#define MODEL_ENCODE_H

#include <jansson.h>
#include <stdint.h>

#include "model/host.h"

json_t *encode_text(const char *text); /* "" → null */
json_t *encode_addr(const struct pci_addr *addr);
json_t *encode_tristate(enum tristate value); /* true, false, null */
json_t *encode_time(uint64_t realtime_us);    /* RFC 3339; 0 → null */

#endif
