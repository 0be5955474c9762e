/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sm.h"

#include <stdlib.h>

#include "base/log.h"

bool sm_can(const struct words *machine, uint32_t from, uint32_t to)
{
    return from < machine->n && to < machine->n && (machine->rows[from].next & SM_TO(to)) != 0;
}

void sm_bug(const struct words *machine, uint32_t from, uint32_t to)
{
    log_error("bug: %s cannot go from %s to %s", machine->what, words_name(machine, from),
              words_name(machine, to));
    abort();
}

/* The states that can be reached from `set`, itself included. */
static uint32_t reachable(const struct words *machine, uint32_t set)
{
    for (uint32_t before = 0; before != set;) {
        before = set;
        for (uint32_t i = 0; i < machine->n; i++) {
            if ((set & SM_TO(i)) != 0) {
                set |= machine->rows[i].next;
            }
        }
    }
    return set;
}

const char *sm_check(const struct words *machine)
{
    if (machine->n == 0 || machine->n > 32) {
        return "it must have 1 to 32 states";
    }
    uint32_t all = machine->n == 32 ? UINT32_MAX : SM_TO(machine->n) - 1;
    uint32_t initial = 0;
    for (uint32_t i = 0; i < machine->n; i++) {
        const struct word *state = &machine->rows[i];
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
    return reachable(machine, initial) == all ? NULL : "a state cannot be reached";
}

void sm_draw(const struct words *machine, struct strbuf *out)
{
    strbuf_addf(out, "digraph \"%s\" {\n", machine->what);
    for (uint32_t i = 0; i < machine->n; i++) {
        const struct word *from = &machine->rows[i];
        strbuf_addf(out, "    \"%s\" [shape=%s%s];\n", from->name,
                    from->final ? "doublecircle" : "circle", from->initial ? ", style=bold" : "");
        for (uint32_t j = 0; j < machine->n; j++) {
            if (sm_can(machine, i, j)) {
                strbuf_addf(out, "    \"%s\" -> \"%s\";\n", from->name, machine->rows[j].name);
            }
        }
    }
    strbuf_add(out, "}\n");
}
