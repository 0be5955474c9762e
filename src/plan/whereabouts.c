/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/whereabouts.h"

#include "base/attr.h"

static const char *const names[] = {
    [PLACE_UNKNOWN] = "unknown", [PLACE_ABSENT] = "absent",   [PLACE_OFF] = "off",
    [PLACE_PAUSED] = "paused",   [PLACE_RUNNING] = "running",
};
_Static_assert(ARRAY_SIZE(names) == PLACE_COUNT, "every place has a name");

const char *place_name(enum place place)
{
    return names[place];
}

#define WAIT WHERE_WAIT
#define HOME WHERE_HOME
#define AWAY WHERE_AWAY
#define BOTH WHERE_BOTH

/* [source][target]. A VM that is off on both sides died on the way: its home is the source. */
static const unsigned char table[PLACE_COUNT][PLACE_COUNT] = {
    /* target:          unknown absent off   paused running */
    [PLACE_UNKNOWN] = {WAIT, WAIT, WAIT, WAIT, AWAY},
    [PLACE_ABSENT] = {WAIT, HOME, AWAY, WAIT, AWAY},
    [PLACE_OFF] = {WAIT, HOME, HOME, WAIT, AWAY},
    [PLACE_PAUSED] = {WAIT, HOME, HOME, WAIT, AWAY},
    [PLACE_RUNNING] = {HOME, HOME, HOME, HOME, BOTH},
};

enum whereabouts whereabouts(enum place source, enum place target, bool moved)
{
    /* It was there, and was shut down since. */
    bool left = source == PLACE_OFF || source == PLACE_ABSENT;
    if (moved && left && (target == PLACE_OFF || target == PLACE_PAUSED)) {
        return WHERE_AWAY;
    }
    return (enum whereabouts)table[source][target];
}
