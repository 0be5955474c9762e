/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and names that look random and are the same in each run. */
#include "sim/state/internal.h"

#include <stdio.h>

/* splitmix64. */
uint64_t sim_mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Two rounds of FNV-1a; not for secrets, only for names that stay the same over restarts. */
void sim_stable_uuid(const char *name, char out[37])
{
    uint64_t half[2] = {0xcbf29ce484222325u, 0x9ae16a3b2f90404fu};
    for (size_t i = 0; i < 2; i++) {
        for (const char *p = name; *p != '\0'; p++) {
            half[i] = (half[i] ^ (unsigned char)*p) * 0x100000001b3u;
            half[i] ^= half[i] >> 29;
        }
    }
    snprintf(out, 37, "%08x-%04x-5%03x-%04x-%012llx", (unsigned)(half[0] >> 32),
             (unsigned)(half[0] >> 16 & 0xffff), (unsigned)(half[0] & 0xfff),
             (unsigned)(0x8000 | (half[1] >> 50)), (unsigned long long)(half[1] & 0xffffffffffffu));
}
