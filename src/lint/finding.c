/* SPDX-License-Identifier: Apache-2.0 */
#include "lint/finding.h"

WORDS_DEFINE(severity_words, "severity", SEVERITY_COUNT, WORD(SEVERITY_ERROR, "error"),
             WORD(SEVERITY_WARNING, "warning"), WORD(SEVERITY_NOTE, "note"))
