/* SPDX-License-Identifier: Apache-2.0 */
/* Small decoders that the *_json.c codecs share: what encode.h wrote, read strictly. */
#ifndef MODEL_DECODE_H
#define MODEL_DECODE_H

#include "base/json.h"
#include "base/pci.h"

uint32_t decode_id(struct reader *r, const char *key);                            /* null → NO_ID */
void decode_text(struct reader *r, const char *key, char *ret_text, size_t size); /* null → "" */
void decode_addr(struct reader *r, const char *key, struct pci_addr *ret_addr);

#endif
