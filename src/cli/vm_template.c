/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/vm_template.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define NAME_PLACEHOLDER "@NAME@"
#define PLACEHOLDER_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* The length of the placeholder that begins at `text`; 0: none does. */
static size_t placeholder_len(const char *text)
{
    size_t len = text[0] == '@' ? strspn(text + 1, PLACEHOLDER_CHARS) : 0;
    return len > 0 && text[1 + len] == '@' ? len + 2 : 0;
}

int vm_template_fill(const char *file, const char *text, const char *name, char **ret_text,
                     struct error *err)
{
    CLEANUP_FREE char *filled = xcalloc(strlen(text) / strlen(NAME_PLACEHOLDER) + 1,
                                        strlen(NAME_PLACEHOLDER) + strlen(name));
    char *end = filled;
    while (*text != '\0') {
        size_t len = placeholder_len(text);
        if (len == strlen(NAME_PLACEHOLDER) && str_starts(text, NAME_PLACEHOLDER)) {
            end = stpcpy(end, name);
        } else if (len > 0) {
            error_set(err, REASON_INVALID, file, "%s has a placeholder that is not filled in: %.*s",
                      file, (int)len, text);
            error_hint(err, "write what belongs there; only " NAME_PLACEHOLDER
                            " is filled by `cleave vm create`");
            return -REASON_INVALID;
        } else {
            len = 1;
            *end++ = *text;
        }
        text += len;
    }
    *ret_text = TAKE_PTR(filled);
    return 0;
}
