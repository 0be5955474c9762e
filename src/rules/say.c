/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/say.h"

#include <stdio.h>

#include "base/str.h"

bool say_text(char out[FACT_SIZE], const char *text)
{
    if (text == NULL || text[0] == '\0') {
        return false;
    }
    str_copy(out, FACT_SIZE, text);
    return true;
}

bool say_bool(char out[FACT_SIZE], bool value)
{
    return say_text(out, value ? "true" : "false");
}

bool say_number(char out[FACT_SIZE], uint32_t value)
{
    if (value == CAT_UNKNOWN) {
        return false;
    }
    snprintf(out, FACT_SIZE, "%u", value);
    return true;
}

/* A catalog answer: CAT_MAYBE is unknown. */
bool say_support(char out[FACT_SIZE], int support)
{
    return support != CAT_MAYBE && say_bool(out, support == CAT_YES);
}

bool say_tristate(char out[FACT_SIZE], enum tristate value)
{
    return value != TRI_UNKNOWN && say_bool(out, value == TRI_YES);
}

bool say_answer(char out[FACT_SIZE], enum board_answer answer)
{
    return answer != BOARD_ANSWER_UNKNOWN && say_bool(out, answer == BOARD_YES);
}
