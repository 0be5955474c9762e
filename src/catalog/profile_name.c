/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/profile_name.h"

#include <stdbool.h>
#include <strings.h>

#include "base/str.h"

#define PROFILE_MAX_SLICES 32
#define PROFILE_MAX_GB 9999

/* Known attributes with their sign, as in the names the driver prints. */
static const char *const attributes[] = {"+gfx", "+me", "+me.all", "-me"};

/* Reads digits at *text and moves behind them. */
static bool take_number(const char **text, uint32_t max, uint32_t *ret_number)
{
    const char *at = *text;
    uint32_t number = 0;
    while (*at >= '0' && *at <= '9' && number <= max) {
        number = number * 10 + (uint32_t)(*at++ - '0');
    }
    if (at == *text || number > max) {
        return false;
    }
    *text = at;
    *ret_number = number;
    return true;
}

static bool take(const char **text, const char *word)
{
    if (strncasecmp(*text, word, strlen(word)) != 0) {
        return false;
    }
    *text += strlen(word);
    return true;
}

/* "+me", "+me,gfx" or "-me" */
static int check_attributes(const char *text, const char *rest, struct error *err)
{
    char sign = rest[0];
    while (*rest == sign || *rest == ',') {
        char attribute[16] = {sign};
        size_t len = strcspn(rest + 1, ",+-");
        bool known = false;
        if (len + 2 <= sizeof(attribute)) {
            memcpy(attribute + 1, rest + 1, len);
            for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
                known = known || str_eq_case(attribute, attributes[i]);
            }
        }
        if (!known) {
            return error_set(err, REASON_INVALID, text,
                             "profile \"%s\": \"%.*s\" is not an attribute; known are +gfx, +me, "
                             "+me.all and -me",
                             text, (int)len + 1, rest);
        }
        rest += len + 1;
        if (sign == '-' || *rest == '+' || *rest == '-') {
            break;
        }
    }
    if (*rest != '\0') {
        return error_set(err, REASON_INVALID, text, "profile \"%s\": unexpected \"%s\" at its end",
                         text, rest);
    }
    return 0;
}

int profile_name_parse(const char *text, struct profile_name *ret_name, struct error *err)
{
    struct profile_name name = {.ci_slices = 0};
    const char *at = text;
    const char *gi = text;
    bool read = take_number(&at, PROFILE_MAX_SLICES, &name.gi_slices);
    if (read && take(&at, "c.")) {
        name.ci_slices = name.gi_slices;
        gi = at;
        read = take_number(&at, PROFILE_MAX_SLICES, &name.gi_slices);
    }
    read = read && take(&at, "g.") && take_number(&at, PROFILE_MAX_GB, &name.memory_gb) &&
           take(&at, "gb") && STR_SET(name.gi, gi);
    if (!read || (*at != '\0' && *at != '+' && *at != '-')) {
        return error_set(err, REASON_INVALID, text,
                         "\"%s\" is not a MIG profile such as 1g.5gb, 1g.24gb+gfx or 1c.3g.20gb",
                         text);
    }
    if (name.gi_slices == 0 || name.ci_slices > name.gi_slices ||
        (gi != text && name.ci_slices == 0)) {
        return error_set(err, REASON_INVALID, text,
                         "profile \"%s\": a compute instance has from 1 to all of the %u slices",
                         text, name.gi_slices);
    }
    int r = *at != '\0' ? check_attributes(text, at, err) : 0;
    for (char *c = name.gi; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    if (r == 0) {
        *ret_name = name;
    }
    return r;
}
