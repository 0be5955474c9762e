/* SPDX-License-Identifier: Apache-2.0 */
/* The `resource` attribute: a line "start end flags" per BAR, six of them, then the ROM's and the
 * VFs' (Linux, drivers/pci/pci-sysfs.c, resource_show()). */
#include <string.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/parse.h"
#include "driver/sysfs/sysfs.h"

#define BARS 6
#define MEM_64 0x00100000ULL /* IORESOURCE_MEM_64, include/linux/ioport.h */

/* "0x" and up to 16 digits, then a blank or the end of the line; moves *text behind it. */
static bool take_hex(const char **text, uint64_t *ret_value)
{
    const char *at = *text;
    size_t digits = 0;
    *ret_value = 0;
    if (at[0] != '0' || at[1] != 'x') {
        return false;
    }
    for (at += 2; parse_hex_digit(*at) >= 0; at++, digits++) {
        *ret_value = *ret_value << 4 | (uint64_t)parse_hex_digit(*at);
    }
    *text = *at == ' ' || *at == '\n' ? at + 1 : at;
    return digits > 0 && digits <= 16 && (*at == ' ' || *at == '\n' || *at == '\0');
}

uint64_t sysfs_read_mmio(const struct sysfs *sys, const struct pci_addr *addr)
{
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    uint64_t sum = 0;
    if (fs_read(sysfs_pci(sys, addr, "resource").text, SYSFS_ATTR_MAX, &text, &len) < 0) {
        return 0;
    }
    const char *at = text;
    for (int bar = 0; bar < BARS; bar++) {
        uint64_t start = 0;
        uint64_t end = 0;
        uint64_t flags = 0;
        if (!take_hex(&at, &start) || !take_hex(&at, &end) || !take_hex(&at, &flags)) {
            return 0;
        }
        bool large = (flags & MEM_64) != 0 && end > start;
        if (large && end - start < INT64_MAX - sum) {
            sum += end - start + 1;
        }
    }
    return sum;
}
