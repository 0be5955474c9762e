/* SPDX-License-Identifier: Apache-2.0 */
#include "model/licence.h"

#include <stdio.h>
#include <string.h>

WORDS_DEFINE(licence_words, "licence", LICENCE_COUNT, WORD(LICENCE_VAPPS, "vApps"),
             WORD(LICENCE_VPC, "vPC"), WORD(LICENCE_VWS, "vWS"),
             WORD(LICENCE_NVAIE, "NVIDIA AI Enterprise"))

static const struct {
    char series;
    licence_set products;
} rows[] = {
    {'A', LICENCE_SET(LICENCE_VAPPS)},
    {'B', LICENCE_SET(LICENCE_VPC) | LICENCE_SET(LICENCE_VWS)},
    {'C', LICENCE_SET(LICENCE_NVAIE)},
    {'Q', LICENCE_SET(LICENCE_VWS)},
};

licence_set licence_of_series(char series)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].series == series) {
            return rows[i].products;
        }
    }
    return 0;
}

licence_set licence_of_graphics_passthrough(void)
{
    return LICENCE_SET(LICENCE_VAPPS) | LICENCE_SET(LICENCE_VWS);
}

const char *licence_describe(licence_set products, char *out, size_t size)
{
    size_t len = 0;
    snprintf(out, size, "none");
    for (uint32_t i = 0; i < LICENCE_COUNT && len < size; i++) {
        if ((products & LICENCE_SET(i)) != 0) {
            snprintf(out + len, size - len, "%s%s", len > 0 ? " or " : "",
                     licence_name((enum licence)i));
            len = strlen(out);
        }
    }
    return out;
}
