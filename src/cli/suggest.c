/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/suggest.h"

#include <string.h>

#include "base/str.h"
#include "cli/commands.h"

#define MAX_NAMES 64

enum kind { HARMLESS, CHANGING, ALL_KINDS };

struct names {
    const char *items[MAX_NAMES];
    size_t n;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (str_eq(names->items[i], name)) {
            return;
        }
    }
    if (names->n < MAX_NAMES) {
        names->items[names->n++] = name;
    }
}

/* Names of objects (object NULL), or of the commands of one. */
static void collect_names(const char *object, enum kind kind, struct names *ret_names)
{
    *ret_names = (struct names){0};
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        const struct command *command = commands_at(i);
        const char *name = object == NULL ? command->object : command->name;
        bool changes = command->changes && (object != NULL || command->name == NULL);
        bool wanted = kind == ALL_KINDS || (kind == CHANGING) == changes;
        if (wanted && !command->hidden && name != NULL &&
            (object == NULL || str_eq(command->object, object))) {
            add_name(ret_names, name);
        }
    }
}

/* Words of other tools, and what is the same here. */
static const struct {
    const char *word;
    const char *command;
} synonyms[] = {
    {"add", "create"},    {"define", "create"},   {"describe", "show"}, {"destroy", "delete"},
    {"dumpxml", "show"},  {"info", "show"},       {"inspect", "show"},  {"log", "list"},
    {"logs", "list"},     {"new", "create"},      {"poweroff", "stop"}, {"ps", "list"},
    {"remove", "delete"}, {"shutdown", "stop"},   {"stat", "show"},     {"stats", "show"},
    {"status", "show"},   {"undefine", "delete"}, {"view", "show"},
};

/* Does another tool have the word for a look? Not even a typing error makes a change of it then. */
static bool is_look(const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++) {
        if (str_eq(synonyms[i].word, word)) {
            return str_eq(synonyms[i].command, "show") || str_eq(synonyms[i].command, "list");
        }
    }
    return false;
}

static const char *find_synonym(const char *word, const struct names *names)
{
    for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++) {
        for (size_t k = 0; k < names->n && str_eq(synonyms[i].word, word); k++) {
            if (str_eq(names->items[k], synonyms[i].command)) {
                return names->items[k];
            }
        }
    }
    return NULL;
}

/* A typing error leaves the ends of a word, or cuts it off. */
static bool is_slip(const char *word, const char *name)
{
    size_t len = strlen(word);
    return word[0] == name[0] &&
           (str_starts(name, word) || (len > 1 && word[len - 1] == name[strlen(name) - 1]));
}

static const char *nearest(const char *object, const char *word)
{
    struct names all;
    struct names harmless;
    struct names changing;
    collect_names(object, ALL_KINDS, &all);
    collect_names(object, HARMLESS, &harmless);
    collect_names(object, CHANGING, &changing);
    const char *synonym = object != NULL ? find_synonym(word, &all) : NULL;
    if (synonym != NULL) {
        return synonym;
    }
    const char *found = str_nearest(word, harmless.items, harmless.n);
    const char *other = str_nearest(word, changing.items, changing.n);
    other = other != NULL && !is_look(word) && is_slip(word, other) ? other : NULL;
    bool closer =
        other != NULL && (found == NULL || found[0] != word[0] || str_starts(other, word));
    return closer ? other : found;
}

/* "gpu list", "claim list", …: `word` is a command, and its object is missing. False: it is none.
 */
static bool add_objects_with(const char *word, struct strbuf *out)
{
    size_t n = commands_count();
    for (size_t i = 0; i < n; i++) {
        if (str_eq(commands_at(i)->name, word) && !commands_at(i)->hidden) {
            strbuf_addf(out, "%s%s %s", out->len == 0 ? "" : ", ", commands_at(i)->object, word);
        }
    }
    return out->len > 0;
}

static void hint_all(const char *object, struct error *err)
{
    struct names names;
    CLEANUP_STRBUF struct strbuf list = {0};
    collect_names(object, ALL_KINDS, &names);
    for (size_t i = 0; i < names.n; i++) {
        strbuf_addf(&list, "%s%s", i == 0 ? "" : ", ", names.items[i]);
    }
    error_hint(err, "there are: %s", strbuf_str(&list));
}

int suggest_command(const char *object, const char *word, struct error *err)
{
    CLEANUP_STRBUF struct strbuf whole = {0};
    error_set(err, REASON_INVALID, "", "there is no command \"%s%s%s\"",
              object == NULL ? "" : object, object == NULL ? "" : " ", word);
    if (object == NULL && add_objects_with(word, &whole)) {
        error_hint(err, "of what? %s", strbuf_str(&whole));
        return -REASON_INVALID;
    }
    const char *meant = nearest(object, word);
    if (meant != NULL) {
        error_hint(err, "did you mean \"%s%s%s\"?", object == NULL ? "" : object,
                   object == NULL ? "" : " ", meant);
    } else {
        hint_all(object, err);
    }
    return -REASON_INVALID;
}
