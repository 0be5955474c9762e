/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

WORDS_DEFINE(cat_confidence_words, "confidence", CAT_INFERRED + 1,
             WORD(CAT_MEASURED_DUMP, "measured-dump"), WORD(CAT_VENDOR_DOC, "vendor-doc"),
             WORD(CAT_INFERRED, "inferred"))

static const char *const arch_names[] = {
    [ARCH_VOLTA] = "Volta",     [ARCH_TURING] = "Turing", [ARCH_AMPERE] = "Ampere",
    [ARCH_ADA] = "Ada",         [ARCH_HOPPER] = "Hopper", [ARCH_BLACKWELL] = "Blackwell",
    [ARCH_UNKNOWN] = "unknown",
};

const char *cat_arch_name(enum cat_arch arch)
{
    return arch_names[arch];
}
