/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void id_uuid(char out[UUID_SIZE])
{
    unsigned char b[16];
    /* Up to 256 bytes are never cut short or interrupted once the pool is up (getrandom(2)). */
    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b)) {
        abort();
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* variant of RFC 9562 */
    (void)snprintf(out, UUID_SIZE,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
}
