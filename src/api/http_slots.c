/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http_slots.h"

/* True if `a` goes before `b`. */
static bool goes_first(const struct http_slot *a, const struct http_slot *b)
{
    if (b == NULL || a->use != b->use) {
        return b == NULL || a->use < b->use;
    }
    if (a->root != b->root) {
        return !a->root;
    }
    return a->since_us < b->since_us;
}

/* Root takes the place of anything that changes nothing; others of what has not asked yet, and
 * never of root's. */
static bool may_take(const struct http_slot *slot, bool root)
{
    return root ? slot->use < HTTP_SLOT_KEPT : slot->use <= HTTP_SLOT_HALF && !slot->root;
}

bool http_slots_admit(const struct http_limits *limits, struct http_slot *first, bool root,
                      int64_t user, struct http_slot **ret_victim)
{
    size_t n = 0;
    size_t own = 0;
    struct http_slot *victim = NULL;
    struct http_slot *own_victim = NULL;
    for (struct http_slot *slot = first; slot != NULL; slot = slot->next) {
        if (slot->use == HTTP_SLOT_LEAVING) {
            continue;
        }
        n++;
        bool mine = !slot->root && slot->user == user;
        own += mine;
        if (!may_take(slot, root)) {
            continue;
        }
        victim = goes_first(slot, victim) ? slot : victim;
        own_victim = mine && goes_first(slot, own_victim) ? slot : own_victim;
    }
    *ret_victim = NULL;
    if (!root && own >= limits->per_user) {
        *ret_victim = own_victim;
        return own_victim != NULL;
    }
    if (n >= limits->connections - (root ? 0 : limits->kept_for_root)) {
        *ret_victim = victim;
        return victim != NULL;
    }
    return true;
}
