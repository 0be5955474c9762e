/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml_scalar.h"

#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

static const struct {
    const char *text;
    enum yaml_scalar kind;
} words[] = {
    {"", YAML_SCALAR_NULL},       {"~", YAML_SCALAR_NULL},      {"null", YAML_SCALAR_NULL},
    {"Null", YAML_SCALAR_NULL},   {"NULL", YAML_SCALAR_NULL},   {"true", YAML_SCALAR_TRUE},
    {"True", YAML_SCALAR_TRUE},   {"TRUE", YAML_SCALAR_TRUE},   {"false", YAML_SCALAR_FALSE},
    {"False", YAML_SCALAR_FALSE}, {"FALSE", YAML_SCALAR_FALSE}, {".inf", YAML_SCALAR_REAL},
    {".Inf", YAML_SCALAR_REAL},   {".INF", YAML_SCALAR_REAL},   {"-.inf", YAML_SCALAR_REAL},
    {"-.Inf", YAML_SCALAR_REAL},  {"-.INF", YAML_SCALAR_REAL},  {"+.inf", YAML_SCALAR_REAL},
    {".nan", YAML_SCALAR_REAL},   {".NaN", YAML_SCALAR_REAL},   {".NAN", YAML_SCALAR_REAL},
};

static const char decimal[] = "0123456789";

/* -?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+ */
static bool is_integer(const char *text)
{
    if (str_starts(text, "0x")) {
        size_t n = strspn(text + 2, "0123456789abcdefABCDEF");
        return n > 0 && text[2 + n] == '\0';
    }
    if (str_starts(text, "0o")) {
        size_t n = strspn(text + 2, "01234567");
        return n > 0 && text[2 + n] == '\0';
    }
    text += *text == '-' || *text == '+' ? 1 : 0;
    size_t n = strspn(text, decimal);
    return n > 0 && text[n] == '\0';
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_real(const char *text)
{
    text += *text == '-' || *text == '+' ? 1 : 0;
    size_t whole = strspn(text, decimal);
    text += whole;
    size_t fraction = 0;
    if (*text == '.') {
        fraction = strspn(text + 1, decimal);
        text += 1 + fraction;
    }
    if (whole + fraction == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text += text[1] == '-' || text[1] == '+' ? 2 : 1;
        size_t exponent = strspn(text, decimal);
        if (exponent == 0) {
            return false;
        }
        text += exponent;
    }
    return *text == '\0';
}

enum yaml_scalar yaml_scalar_kind(const char *text)
{
    /* Most scalars are words: one look at the first byte is enough for them. */
    if (strchr("~nNtTfF.+-0123456789", *text) == NULL) {
        return YAML_SCALAR_STRING;
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (str_eq(words[i].text, text)) {
            return words[i].kind;
        }
    }
    if (is_integer(text)) {
        return YAML_SCALAR_INTEGER;
    }
    return is_real(text) ? YAML_SCALAR_REAL : YAML_SCALAR_STRING;
}

static bool radix_number(const char *digits, unsigned bits, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (; *digits != '\0'; digits++) {
        unsigned digit =
            *digits <= '9' ? (unsigned)(*digits - '0') : ((unsigned)*digits | 0x20U) - 'a' + 10;
        if (number >> (64 - bits) != 0) {
            return false;
        }
        number = number << bits | digit;
    }
    *ret_number = number;
    return true;
}

bool yaml_scalar_integer(const char *text, json_int_t *ret_number)
{
    bool negative = *text == '-';
    uint64_t number = 0;
    bool fits = false;
    if (str_starts(text, "0x")) {
        fits = radix_number(text + 2, 4, &number);
    } else if (str_starts(text, "0o")) {
        fits = radix_number(text + 2, 3, &number);
    } else {
        fits = parse_u64(text + (negative || *text == '+' ? 1 : 0), &number);
    }
    if (!fits || number > (uint64_t)INT64_MAX + (negative ? 1 : 0)) {
        return false;
    }
    *ret_number = (json_int_t)(negative ? 0 - number : number);
    return true;
}
