/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/kstr.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"

int kstr_number(const char *text, uint64_t max, uint64_t *ret_value)
{
    const char *p = text[0] == '+' ? text + 1 : text;
    uint64_t base = 10;
    if (p[0] == '0') {
        bool hex = (p[1] == 'x' || p[1] == 'X') && parse_hex_digit(p[2]) >= 0;
        base = hex ? 16 : 8;
        p += hex ? 2 : 0;
    }
    uint64_t value = 0;
    const char *first = p;
    for (; *p != '\0'; p++) {
        int digit = parse_hex_digit(*p);
        if (digit < 0 || (uint64_t)digit >= base || (uint64_t)digit > max ||
            value > (max - (uint64_t)digit) / base) {
            return -EINVAL;
        }
        value = value * base + (uint64_t)digit;
    }
    if (p == first) {
        return -EINVAL;
    }
    *ret_value = value;
    return 0;
}

int kstr_signed(const char *text, int32_t *ret_value)
{
    uint64_t value = 0;
    bool negative = text[0] == '-';
    if ((negative && text[1] == '+') ||
        kstr_number(negative ? text + 1 : text, INT32_MAX, &value) < 0) {
        return -EINVAL;
    }
    *ret_value = negative ? -(int32_t)value : (int32_t)value;
    return 0;
}

int kstr_bool(const char *text, bool *ret_on)
{
    char first = text[0];
    char second = first == '\0' ? '\0' : text[1];
    bool word = first == 'o' || first == 'O';
    bool on =
        word ? second == 'n' || second == 'N' : first != '\0' && strchr("1yYtT", first) != NULL;
    bool off =
        word ? second == 'f' || second == 'F' : first != '\0' && strchr("0nNfF", first) != NULL;
    if (!on && !off) {
        return -EINVAL;
    }
    *ret_on = on;
    return 0;
}
