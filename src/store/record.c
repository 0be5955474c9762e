/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

WORDS_DEFINE(record_kind_words, "kind of record", RECORD_KIND_COUNT, WORD(RECORD_GPU, "gpu"),
             WORD(RECORD_MIGRATION, "migration"), WORD(RECORD_DRAIN, "drain"),
             WORD(RECORD_HOST, "host"), WORD(RECORD_MADE, "made"),
             WORD(RECORD_RELEASED, "released"))
