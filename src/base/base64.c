/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool base64_encode(const void *data, size_t len, char *out, size_t size)
{
    const unsigned char *in = data;
    if (len > SIZE_MAX / 2 || (len + 2) / 3 * 4 + 1 > size) {
        return false;
    }
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= n > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= n > 2 ? in[i + 2] : 0;
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = n > 1 ? alphabet[bits >> 6 & 63] : '=';
        *out++ = n > 2 ? alphabet[bits & 63] : '=';
    }
    *out = '\0';
    return true;
}

static int value_of(char c)
{
    const char *at = c == '\0' ? NULL : strchr(alphabet, c);
    return at == NULL ? -1 : (int)(at - alphabet);
}

bool base64_decode(const char *text, void *out, size_t size, size_t *ret_len)
{
    unsigned char *to = out;
    size_t len = strlen(text);
    size_t at = 0;
    if (len % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i += 4) {
        bool last = i + 4 == len;
        size_t pad = last ? (size_t)(text[i + 3] == '=') + (size_t)(text[i + 2] == '=') : 0;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            int value = k >= 4 - pad ? 0 : value_of(text[i + k]);
            if (value < 0) {
                return false;
            }
            bits = bits << 6 | (uint32_t)value;
        }
        size_t n = 3 - pad;
        if (size - at < n || (pad == 2 && text[i + 3] != '=')) {
            return false;
        }
        for (size_t k = 0; k < n; k++) {
            to[at++] = (unsigned char)(bits >> (16 - 8 * k));
        }
    }
    *ret_len = at;
    return true;
}
