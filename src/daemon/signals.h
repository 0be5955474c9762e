/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals to cleaved: one table says for each what it does. A signal that means nothing to cleaved
 * is ignored, for the kernel's default would end it in the middle of a plan.
 */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/evloop.h"
#include "base/str.h"

enum signal_effect {
    SIGNAL_STOPS,   /* a clean end, with status 0 */
    SIGNAL_RELOADS, /* cleaved reads again what can change while it runs */
    SIGNAL_IGNORED,
    SIGNAL_DUMPS, /* the end with a core: a bug, or systemd's watchdog */
    SIGNAL_LEFT,  /* the kernel's default, which ends no process, or can't be changed */
    SIGNAL_EFFECT_COUNT
};

struct signal_row {
    int first, last; /* a range for real-time signals, else the same number twice */
    const char *name;
    enum signal_effect effect;
};

/* The row at `index`, or false after the last one. */
bool signals_row(size_t index, struct signal_row *ret_row);

/* What the loop calls for signals that stop and reload. */
struct signal_actions {
    evloop_fn *stop, *reload;
    void *data;
};

/* Until signals_take(): signals that reload are ignored, too. First thing in main(). */
void signals_ignore(void);
/* The loop takes signals from now on. Before there is a second thread. 0 or a reason. */
int signals_take(struct evloop *loop, const struct signal_actions *actions, struct error *err);
/* The table for cleaved(8), in roff. */
void signals_docs(struct strbuf *out);

#endif
