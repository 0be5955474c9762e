/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a VM is after a migration that may have failed anywhere, from what both libvirts say. The
 * one table that every failure, crash and restart ends in; docs/internals/migration.md explains it.
 */
#ifndef PLAN_WHEREABOUTS_H
#define PLAN_WHEREABOUTS_H

#include <stdbool.h>

#include "base/words.h"

/* What one libvirt says of the VM. A paused one may be on its way: libvirt pauses the source
 * before, and starts the target after the last of its memory is there. */
enum place { PLACE_UNKNOWN, PLACE_ABSENT, PLACE_OFF, PLACE_PAUSED, PLACE_RUNNING, PLACE_COUNT };
WORDS_DECLARE(place, place_words)

enum whereabouts {
    WHERE_WAIT, /* not settled, or not to be known now: ask again */
    WHERE_HOME, /* at the source: the target gives back */
    WHERE_AWAY, /* at the target: the source gives back */
    WHERE_BOTH  /* it runs twice: only a person can decide */
};

/* `moved`: libvirt said that the migration succeeded. */
enum whereabouts whereabouts(enum place source, enum place target, bool moved);

#endif
