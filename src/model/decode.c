/* SPDX-License-Identifier: Apache-2.0 */
#include "model/decode.h"

#include "base/str.h"
#include "model/host.h"

uint32_t decode_id(struct reader *r, const char *key)
{
    return (uint32_t)reader_int_or(r, key, 0, UINT32_MAX, NO_ID);
}

void decode_text(struct reader *r, const char *key, char *ret_text, size_t size)
{
    str_copy(ret_text, size, reader_str_or(r, key, size - 1, ""));
}

void decode_addr(struct reader *r, const char *key, struct pci_addr *ret_addr)
{
    const char *text = reader_str(r, key, BDF_SIZE - 1);
    if (text != NULL && !pci_addr_parse(text, ret_addr)) {
        reader_fail(r, key, "\"%s\" is no PCI address", text);
    }
}
