/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two forms of a type in NVIDIA/vgpu-device-manager (pkg/types/vgpu_type.go):
 * BOARD[-words]-GB and series letter for a time-sliced one, BOARD-slices-GB, series letter and
 * attribute for a MIG-backed one.
 */
#include "import/vgpu_name.h"

#include <string.h>

#include "base/attr.h"
#include "base/str.h"

#define DIGITS "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL "abcdefghijklmnopqrstuvwxyz"

/* Length of a run of the characters that a "-" ends; 0 if there is none. */
static size_t run_len(const char *text, const char *characters)
{
    size_t len = strspn(text, characters);
    return text[len] == '-' ? len : 0;
}

/* "24CGFX": gigabytes without leading zeros, a series, and of a MIG-backed type an attribute. */
static bool is_size(const char *text, bool mig_backed)
{
    static const char *const attributes[] = {"", "ME", "NOME", "MEALL", "GFX"};
    size_t digits = strspn(text, DIGITS);
    if (digits == 0 || (digits > 1 && text[0] == '0') || text[digits] == '\0' ||
        strchr("ABCQ", text[digits]) == NULL) {
        return false;
    }
    const char *rest = text + digits + 1;
    for (size_t i = 0; i < (mig_backed ? ARRAY_SIZE(attributes) : 1); i++) {
        if (str_eq(rest, attributes[i])) {
            return true;
        }
    }
    return false;
}

bool vgpu_name_is_mig_backed(const char *name)
{
    const char *rest = name + run_len(name, CAPITALS DIGITS);
    return rest != name && rest[1] >= '1' && rest[1] <= '9' && rest[2] == '-';
}

bool vgpu_name_is_plain(const char *name)
{
    size_t board = run_len(name, CAPITALS DIGITS);
    if (board == 0) {
        return false;
    }
    const char *rest = name + board + 1;
    if (vgpu_name_is_mig_backed(name)) {
        return is_size(rest + 2, true);
    }
    for (size_t len = run_len(rest, CAPITALS SMALL); len > 0; len = run_len(rest, CAPITALS SMALL)) {
        rest += len + 1;
    }
    return is_size(rest, false);
}
