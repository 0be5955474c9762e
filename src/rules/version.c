/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/version.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

bool version_is_plain(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len < VERSION_SIZE && strspn(text, "0123456789.") == len && text[0] != '.' &&
           text[len - 1] != '.' && strstr(text, "..") == NULL;
}

bool version_older(const char *a, const char *b)
{
    while (*a != '\0' || *b != '\0') {
        size_t len_a = strspn(a, "0123456789");
        size_t len_b = strspn(b, "0123456789");
        char part_a[20] = "0";
        char part_b[20] = "0";
        if (len_a + 1 >= sizeof(part_a) || len_b + 1 >= sizeof(part_b)) {
            return false;
        }
        snprintf(part_a, sizeof(part_a), "0%.*s", (int)len_a, a);
        snprintf(part_b, sizeof(part_b), "0%.*s", (int)len_b, b);
        uint64_t x = 0;
        uint64_t y = 0;
        if (!parse_u64(part_a, &x) || !parse_u64(part_b, &y) || x != y) {
            return x < y;
        }
        a += len_a + (a[len_a] == '.' ? 1 : strlen(a + len_a));
        b += len_b + (b[len_b] == '.' ? 1 : strlen(b + len_b));
    }
    return false;
}
