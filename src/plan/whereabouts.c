/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/whereabouts.h"

WORDS_DEFINE(place_words, "place", PLACE_COUNT, WORD(PLACE_UNKNOWN, "unknown"),
             WORD(PLACE_ABSENT, "absent"), WORD(PLACE_OFF, "off"), WORD(PLACE_PAUSED, "paused"),
             WORD(PLACE_RUNNING, "running"))

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
    /* The VM was there, and was shut down since. */
    bool left = source == PLACE_OFF || source == PLACE_ABSENT;
    if (moved && left && (target == PLACE_OFF || target == PLACE_PAUSED)) {
        return WHERE_AWAY;
    }
    return (enum whereabouts)table[source][target];
}
