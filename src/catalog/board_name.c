/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/board_name.h"

#include <string.h>

static char plain(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    return c == ' ' || c == '_' ? '-' : c;
}

const char *cat_without_vendor(const char *name)
{
    static const char vendor[] = "nvidia-";
    for (size_t i = 0; vendor[i] != '\0'; i++) {
        if (plain(name[i]) != vendor[i]) {
            return name;
        }
    }
    return name + strlen(vendor);
}

bool cat_same_name(const char *a, const char *b)
{
    while (*a != '\0' && plain(*a) == plain(*b)) {
        a++;
        b++;
    }
    return plain(*a) == plain(*b);
}

/* Of the word at the beginning: up to what separates words. */
static size_t word_len(const char *name)
{
    size_t len = 0;
    while (name[len] != '\0' && plain(name[len]) != '-') {
        len++;
    }
    return len;
}

/* "a100" of "NVIDIA A100-SXM4-40GB" and of "a100_40g". */
static bool same_first_word(const char *a, const char *b)
{
    a = cat_without_vendor(a);
    b = cat_without_vendor(b);
    size_t len = word_len(a);
    bool same = len == word_len(b);
    for (size_t i = 0; i < len && same; i++) {
        same = plain(a[i]) == plain(b[i]);
    }
    return same;
}

bool cat_is_of_board(const struct gpu_model *model, const char *board)
{
    bool found = same_first_word(model->key, board) || same_first_word(model->name, board);
    for (size_t i = 0; i < model->aliases.n && !found; i++) {
        found = same_first_word(model->aliases.items[i], board);
    }
    for (size_t i = 0; i < model->pci_ids.n && !found; i++) {
        found = same_first_word(model->pci_ids.items[i].name, board);
    }
    return found;
}

const char *cat_short_type(const char *name)
{
    const char *blank = strrchr(name, ' ');
    return blank != NULL ? blank + 1 : name;
}
