/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of node patterns: kinds of objects that have names. */
#ifndef SIM_FUSE_SLOT_H
#define SIM_FUSE_SLOT_H

#include "base/fs.h"
#include "sim/fuse/ref.h"

struct slot {
    const char *name; /* "{fn}" */
    /* Does an object of that name exist below what *ref says? Then fills *ref. */
    bool (*match)(struct ref *ref, const char *name);
    void (*list)(const struct ref *ref, struct strlist *names);
};

/* NULL when `name` is an ordinary word. */
const struct slot *slot_find(const char *name);

#endif
