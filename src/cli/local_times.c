/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local_times.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/view.h"

#define MAX_TIME 40

/* The length of the time that the text begins with; 0: none. */
static size_t time_len(const char *text)
{
    char time[MAX_TIME];
    uint64_t us = 0;
    size_t len = strspn(text, "0123456789-T:.");
    if (text[len] != 'Z' || len + 2 > sizeof(time)) {
        return 0;
    }
    memcpy(time, text, len + 1);
    time[len + 1] = '\0';
    return clock_parse(time, &us) ? len + 1 : 0;
}

void local_times_add(const char *sentence, struct strbuf *out)
{
    bool in_word = false;
    while (*sentence != '\0') {
        char local[VIEW_SIZE];
        size_t len = in_word || !isdigit((unsigned char)*sentence) ? 0 : time_len(sentence);
        if (len > 0 && !isalnum((unsigned char)sentence[len])) {
            CLEANUP_FREE char *time = xasprintf("%.*s", (int)len, sentence);
            strbuf_add(out, view_clock(time, local));
            sentence += len;
            in_word = true;
            continue;
        }
        in_word = isalnum((unsigned char)*sentence) != 0;
        strbuf_addf(out, "%c", *sentence++);
    }
}

static bool is_sentence_with_time(const char *text)
{
    return text != NULL && strchr(text, ' ') != NULL && strstr(text, "Z") != NULL;
}

void local_times_in_answer(json_t *json)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t i = 0;
    if (is_sentence_with_time(json_string_value(json))) {
        CLEANUP_STRBUF struct strbuf local = {0};
        local_times_add(json_string_value(json), &local);
        json_string_set(json, strbuf_str(&local));
    }
    json_array_foreach(json, i, value)
    {
        local_times_in_answer(value);
    }
    json_object_foreach(json, key, value)
    {
        local_times_in_answer(value);
    }
}

void local_times_in_error(struct error *err)
{
    CLEANUP_STRBUF struct strbuf message = {0};
    CLEANUP_STRBUF struct strbuf hint = {0};
    if (err != NULL) {
        local_times_add(err->message, &message);
        local_times_add(err->hint, &hint);
        STR_SET(err->message, strbuf_str(&message));
        STR_SET(err->hint, strbuf_str(&hint));
    }
}
