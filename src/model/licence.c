/* SPDX-License-Identifier: Apache-2.0 */
#include "model/licence.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

WORDS_DEFINE(licence_words, "licence", LICENCE_COUNT, WORD(LICENCE_VAPPS, "vApps"),
             WORD(LICENCE_VPC, "vPC"), WORD(LICENCE_VWS, "vWS"),
             WORD(LICENCE_NVAIE, "NVIDIA AI Enterprise"))

/* Names that people write, next to the products' own. */
static const struct {
    const char *name;
    enum licence product;
} spellings[] = {
    {"ai-enterprise", LICENCE_NVAIE},
    {"nvaie", LICENCE_NVAIE},
};

bool licence_find(const char *text, enum licence *ret_product)
{
    for (uint32_t i = 0; i < LICENCE_COUNT; i++) {
        if (str_eq_case(text, licence_name((enum licence)i))) {
            *ret_product = (enum licence)i;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        if (str_eq_case(text, spellings[i].name)) {
            *ret_product = spellings[i].product;
            return true;
        }
    }
    return false;
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
