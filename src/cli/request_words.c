/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/request_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define MAX_KEY 64

/* Does "move-idle" name "moveIdle"? And "slice" "sliceNs": a unit may follow. */
static bool is_key_of(const char *typed, const char *key)
{
    const char *at = key;
    for (; *typed != '\0'; typed++) {
        if (*typed == '-') {
            continue;
        }
        if (tolower((unsigned char)*typed) != tolower((unsigned char)*at)) {
            return false;
        }
        at++;
    }
    return *at == '\0' || isupper((unsigned char)*at);
}

/* "NAME" of "NAME...": the words of a command, one after the other. */
static bool find_word(const char *args, const char *key, char *out, size_t size)
{
    while (args != NULL && *args != '\0') {
        size_t len = strspn(args, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");
        if (len > 0 && len < size) {
            memcpy(out, args, len);
            out[len] = '\0';
            if (is_key_of(out, key)) {
                return true;
            }
        }
        args += len + 1 <= strlen(args) ? len + 1 : strlen(args);
    }
    return false;
}

/* How the key is typed; false: nothing that is typed is called so. */
static bool find_typed(const struct command *command, const char *key, char *out, size_t size)
{
    for (size_t i = 0; i < command->n_options; i++) {
        if (is_key_of(command->options[i].name, key)) {
            return str_print(out, size, "--%s", command->options[i].name);
        }
    }
    return find_word(command->args, key, out, size);
}

/* The key that the text begins with, before what follows it; "" if it is none. */
static size_t key_len(const char *text, const char *behind)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) != 0) {
        len++;
    }
    return len < MAX_KEY && str_starts(text + len, behind) ? len : 0;
}

/* Takes "guest" and the rest, of "guest: …". */
static const char *split_key(const char *text, const char *behind, char key[MAX_KEY])
{
    size_t len = key_len(text, behind);
    memcpy(key, text, len);
    key[len] = '\0';
    return len == 0 ? text : text + len + strlen(behind);
}

void request_words_replace(const struct command *command, struct error *err)
{
    static const char body[] = "request body";
    static const char query[] = "query ";
    char key[MAX_KEY] = "";
    char typed[MAX_KEY + 2];
    const char *rest = err->message;
    const char *between = ": ";
    if (str_starts(err->subject, query)) { /* "limit must be …" */
        STR_SET(key, err->subject + sizeof(query) - 1);
        if (key_len(rest, " ") == strlen(key) && str_starts(rest, key)) {
            rest += strlen(key) + 1;
            between = " ";
        } else {
            key[0] = '\0';
        }
    } else if (str_starts(err->subject, "request body: ")) {
        STR_SET(key, err->subject + sizeof(body) + 1);
    } else if (str_starts(err->subject, body)) {
        rest = split_key(err->message, ": ", key);
    } else {
        return;
    }
    if (key[0] != '\0' && find_typed(command, key, typed, sizeof(typed))) {
        char text[sizeof(err->message)];
        str_print(text, sizeof(text), "%s%s%s", typed, between, rest);
        STR_SET(err->message, text);
    }
    err->subject[0] = '\0';
}
