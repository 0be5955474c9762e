/* SPDX-License-Identifier: Apache-2.0 */
#include "model/encode.h"

#include "base/clock.h"

json_t *encode_text(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

json_t *encode_addr(const struct pci_addr *addr)
{
    char bdf[BDF_SIZE];
    return json_string(pci_addr_format(addr, bdf));
}

json_t *encode_tristate(enum tristate value)
{
    switch (value) {
    case TRI_UNKNOWN:
        return json_null();
    case TRI_NO:
        return json_false();
    case TRI_YES:
        return json_true();
    }
    return json_null();
}

json_t *encode_time(uint64_t realtime_us)
{
    if (realtime_us == 0) {
        return json_null();
    }
    char text[32];
    return json_string(clock_format(realtime_us, text, sizeof(text)));
}
