/* SPDX-License-Identifier: Apache-2.0 */
#include "model/need.h"

WORDS_DEFINE(isolation_words, "isolation", ISOLATION_COUNT, WORD(ISOLATION_NONE, "none"),
             WORD(ISOLATION_MEMORY, "memory"), WORD(ISOLATION_HARDWARE, "hardware"))
WORDS_DEFINE(boundary_words, "boundary", BOUNDARY_COUNT, WORD(BOUNDARY_VM, "vm"),
             WORD(BOUNDARY_GROUP, "group"))
WORDS_DEFINE(consumer_words, "consumer", CONSUMER_COUNT, WORD(CONSUMER_VM, "vm"),
             WORD(CONSUMER_HOST, "host"))
