/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/need_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int need_read_memory(const char *text, uint32_t *ret_mib, struct error *err)
{
    if (need_parse_memory(text, ret_mib)) {
        return 0;
    }
    size_t len = strspn(text, "0123456789");
    bool bare = len > 0 && text[len] == '\0';
    error_set(err, REASON_INVALID, "--memory", "\"%.40s\" %s", text,
              bare ? "has no unit" : "is no amount of memory");
    error_hint(err, "such as 20G, or 512M (powers of 1024)");
    return -REASON_INVALID;
}

int need_read_percent(const char *text, uint32_t *ret_percent, struct error *err)
{
    if (need_parse_compute(text, ret_percent)) {
        return 0;
    }
    error_set(err, REASON_INVALID, "--compute", "\"%.40s\" is no share of a GPU", text);
    error_hint(err, "1%% to 100%%, such as 25%%, or slices of those that a GPU has, such as 2/7");
    return -REASON_INVALID;
}

static void list_words(const struct words *words, struct strbuf *out)
{
    for (uint32_t i = 0; i < words->n; i++) {
        if (words->rows[i].name != NULL) {
            strbuf_addf(out, "%s%s", out->len > 0 ? ", " : "", words->rows[i].name);
        }
    }
}

int need_read_word(const char *option, const char *text, const struct words *words,
                   uint32_t *ret_value, struct error *err)
{
    if (words_find(words, text, ret_value)) {
        return 0;
    }
    CLEANUP_STRBUF struct strbuf list = {0};
    list_words(words, &list);
    error_set(err, REASON_INVALID, option, "%s takes %s, not \"%.40s\"", option, strbuf_str(&list),
              text);
    return -REASON_INVALID;
}

int need_read_licences(const char *text, struct need *need, struct error *err)
{
    need->any_licence = str_eq(text, "any");
    need->licences = 0;
    if (need->any_licence || str_eq(text, "none")) {
        return 0;
    }
    for (const char *at = text;; at++) {
        char word[32];
        size_t len = strcspn(at, ",");
        enum licence licence = LICENCE_COUNT;
        if (!str_print(word, sizeof(word), "%.*s", (int)(len < sizeof(word) ? len : 0), at) ||
            !licence_find(word, &licence)) {
            CLEANUP_STRBUF struct strbuf list = {0};
            list_words(&licence_words, &list);
            return error_set(err, REASON_INVALID, "--licences",
                             "--licences takes any, none, or some of %s, not \"%.*s\"",
                             strbuf_str(&list), (int)(len > 40 ? 40 : len), at);
        }
        need->licences |= LICENCE_SET(licence);
        at += len;
        if (*at == '\0') {
            return 0;
        }
    }
}
