/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

#include "base/str.h"

static const struct {
    const char *name, *text;
} kinds[EVENT_KIND_COUNT] = {
#define EVENT_KIND(id, name_, text_) [EVENT_##id] = {.name = (name_), .text = (text_)},
#include "model/event.def"
#undef EVENT_KIND
};

const char *event_kind_name(enum event_kind kind)
{
    return kinds[kind].name;
}

const char *event_kind_text(enum event_kind kind)
{
    return kinds[kind].text;
}

bool event_kind_find(const char *name, enum event_kind *ret_kind)
{
    for (size_t i = EVENT_NONE + 1; name != NULL && i < EVENT_KIND_COUNT; i++) {
        if (str_eq(kinds[i].name, name)) {
            *ret_kind = (enum event_kind)i;
            return true;
        }
    }
    return false;
}

const char *event_kind_nearest(const char *name)
{
    const char *names[EVENT_KIND_COUNT] = {0};
    for (size_t i = EVENT_NONE + 1; i < EVENT_KIND_COUNT; i++) {
        names[i - 1] = kinds[i].name;
    }
    return str_nearest(name, names, EVENT_KIND_COUNT - 1);
}
