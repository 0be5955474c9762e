/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parse.h"

#include <stddef.h>
#include <string.h>

#define NAME_MAX_LEN 63

int parse_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* The whole of `text` as digits of `base`; false on anything else, on "" and above `max`. */
static bool parse_digits(const char *text, unsigned base, uint64_t max, uint64_t *ret_value)
{
    if (*text == '\0') {
        return false;
    }
    uint64_t value = 0;
    for (; *text != '\0'; text++) {
        int digit = parse_hex_digit(*text);
        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        if (__builtin_mul_overflow(value, base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value) || value > max) {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

bool parse_u32(const char *text, uint32_t *ret_value)
{
    uint64_t value = 0;
    if (!parse_digits(text, 10, UINT32_MAX, &value)) {
        return false;
    }
    *ret_value = (uint32_t)value;
    return true;
}

bool parse_u64(const char *text, uint64_t *ret_value)
{
    return parse_digits(text, 10, UINT64_MAX, ret_value);
}

static bool has_hex_prefix(const char *text)
{
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

bool parse_hex32(const char *text, uint32_t *ret_value)
{
    return has_hex_prefix(text) && parse_hex32_bare(text, ret_value);
}

bool parse_hex32_bare(const char *text, uint32_t *ret_value)
{
    const char *digits = has_hex_prefix(text) ? text + 2 : text;
    uint64_t value = 0;
    if (strlen(digits) > 8 || !parse_digits(digits, 16, UINT32_MAX, &value)) {
        return false;
    }
    *ret_value = (uint32_t)value;
    return true;
}

bool parse_uuid(const char *text)
{
    static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (strlen(text) != sizeof(pattern) - 1) {
        return false;
    }
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        bool hex = parse_hex_digit(text[i]) >= 0 && !(text[i] >= 'A' && text[i] <= 'F');
        if (pattern[i] == '-' ? text[i] != '-' : !hex) {
            return false;
        }
    }
    return true;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool parse_name(const char *text)
{
    return parse_long_name(text, NAME_MAX_LEN);
}

bool parse_long_name(const char *text, size_t max_len)
{
    size_t len = strlen(text);
    if (len == 0 || len > max_len || !is_alnum(text[0])) {
        return false;
    }
    for (size_t i = 1; i < len; i++) {
        if (!is_alnum(text[i]) && text[i] != '.' && text[i] != '_' && text[i] != '-') {
            return false;
        }
    }
    return true;
}
