/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sm.h"

bool sm_can(const struct sm_type *type, uint32_t from, uint32_t to)
{
    return from < type->n && to < type->n && (type->states[from].next & SM_TO(to)) != 0;
}

/* The states that can be reached from `set`, itself included. */
static uint32_t reachable(const struct sm_type *type, uint32_t set)
{
    for (uint32_t before = 0; before != set;) {
        before = set;
        for (uint32_t i = 0; i < type->n; i++) {
            if ((set & SM_TO(i)) != 0) {
                set |= type->states[i].next;
            }
        }
    }
    return set;
}

const char *sm_check(const struct sm_type *type)
{
    if (type->n == 0 || type->n > 32) {
        return "it must have 1 to 32 states";
    }
    uint32_t all = type->n == 32 ? UINT32_MAX : SM_TO(type->n) - 1;
    uint32_t initial = 0;
    for (uint32_t i = 0; i < type->n; i++) {
        const struct sm_state *state = &type->states[i];
        if (state->name == NULL) {
            return "a state has no name";
        }
        if ((state->next & ~all) != 0) {
            return "a state leads to one that does not exist";
        }
        if (state->next == 0 && !state->final) {
            return "a state is a dead end and not final";
        }
        if (state->initial) {
            if (initial != 0) {
                return "it has two initial states";
            }
            initial = SM_TO(i);
        }
    }
    if (initial == 0) {
        return "it has no initial state";
    }
    return reachable(type, initial) == all ? NULL : "a state cannot be reached";
}

void sm_draw(const struct sm_type *type, struct strbuf *out)
{
    strbuf_addf(out, "digraph \"%s\" {\n", type->name);
    for (uint32_t i = 0; i < type->n; i++) {
        const struct sm_state *from = &type->states[i];
        strbuf_addf(out, "    \"%s\" [shape=%s%s];\n", from->name,
                    from->final ? "doublecircle" : "circle", from->initial ? ", style=bold" : "");
        for (uint32_t j = 0; j < type->n; j++) {
            if (sm_can(type, i, j)) {
                strbuf_addf(out, "    \"%s\" -> \"%s\";\n", from->name, type->states[j].name);
            }
        }
    }
    strbuf_add(out, "}\n");
}
