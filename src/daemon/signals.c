/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/signals.h"

#include <signal.h>

#define ONE(signal, what) {.first = (signal), .last = (signal), .name = #signal, .effect = (what)}

/* By number, as signal(7) lists them. */
static const struct signal_row rows[] = {
    ONE(SIGHUP, SIGNAL_RELOADS),
    ONE(SIGINT, SIGNAL_STOPS),
    ONE(SIGQUIT, SIGNAL_DUMPS),
    ONE(SIGILL, SIGNAL_DUMPS),
    ONE(SIGTRAP, SIGNAL_DUMPS),
    ONE(SIGABRT, SIGNAL_DUMPS),
    ONE(SIGBUS, SIGNAL_DUMPS), /* after a word on why: bus_error.c */
    ONE(SIGFPE, SIGNAL_DUMPS),
    ONE(SIGKILL, SIGNAL_LEFT),
    ONE(SIGUSR1, SIGNAL_IGNORED),
    ONE(SIGSEGV, SIGNAL_DUMPS),
    ONE(SIGUSR2, SIGNAL_IGNORED),
    ONE(SIGPIPE, SIGNAL_IGNORED), /* the write that meets it fails */
    ONE(SIGALRM, SIGNAL_IGNORED),
    ONE(SIGTERM, SIGNAL_STOPS),
    ONE(SIGSTKFLT, SIGNAL_IGNORED),
    ONE(SIGCHLD, SIGNAL_LEFT),
    ONE(SIGCONT, SIGNAL_LEFT),
    ONE(SIGSTOP, SIGNAL_LEFT),
    ONE(SIGTSTP, SIGNAL_LEFT),
    ONE(SIGTTIN, SIGNAL_LEFT),
    ONE(SIGTTOU, SIGNAL_LEFT),
    ONE(SIGURG, SIGNAL_LEFT),
    ONE(SIGXCPU, SIGNAL_STOPS),   /* more processor time than its limit: the kernel kills next */
    ONE(SIGXFSZ, SIGNAL_IGNORED), /* the write that meets it fails */
    ONE(SIGVTALRM, SIGNAL_IGNORED),
    ONE(SIGPROF, SIGNAL_IGNORED),
    ONE(SIGWINCH, SIGNAL_LEFT),
    ONE(SIGIO, SIGNAL_IGNORED),
    ONE(SIGPWR, SIGNAL_IGNORED),
    ONE(SIGSYS, SIGNAL_DUMPS),
};

static const char *const effect_texts[SIGNAL_EFFECT_COUNT] = {
    [SIGNAL_STOPS] = "cleaved finishes the step under way, stores what is open, and ends",
    [SIGNAL_RELOADS] =
        "cleaved reads the site's own rules (/etc/cleave/rules.d) again, but not its settings",
    [SIGNAL_IGNORED] = "nothing",
    [SIGNAL_DUMPS] = "cleaved ends at once, with a core; the next start continues from the journal",
};

bool signals_row(size_t index, struct signal_row *ret_row)
{
    if (index < ARRAY_SIZE(rows)) {
        *ret_row = rows[index];
        return true;
    }
    if (index == ARRAY_SIZE(rows)) { /* whose numbers libc gives only at run time */
        *ret_row = (struct signal_row){.first = SIGRTMIN,
                                       .last = SIGRTMAX,
                                       .name = "SIGRTMIN to SIGRTMAX",
                                       .effect = SIGNAL_IGNORED};
        return true;
    }
    return false;
}

void signals_ignore(void)
{
    struct signal_row row;
    for (size_t i = 0; signals_row(i, &row); i++) {
        if (row.effect != SIGNAL_IGNORED && row.effect != SIGNAL_RELOADS) {
            continue;
        }
        for (int number = row.first; number <= row.last; number++) {
            (void)signal(number, SIG_IGN);
        }
    }
}

int signals_take(struct evloop *loop, const struct signal_actions *actions, struct error *err)
{
    struct signal_row row;
    for (size_t i = 0; signals_row(i, &row); i++) {
        evloop_fn *fn = row.effect == SIGNAL_STOPS     ? actions->stop
                        : row.effect == SIGNAL_RELOADS ? actions->reload
                                                       : NULL;
        if (fn == NULL) {
            continue;
        }
        int r = evloop_add_signal(loop, row.first, fn, actions->data);
        if (r < 0) {
            return error_set_errno(err, -r, "cleaved", "waiting for %s", row.name);
        }
    }
    return 0;
}

void signals_docs(struct strbuf *out)
{
    struct signal_row row;
    strbuf_add(out, ".SH SIGNALS\n");
    for (enum signal_effect effect = 0; effect < SIGNAL_EFFECT_COUNT; effect++) {
        const char *separator = ".TP\n.B ";
        if (effect_texts[effect] == NULL) {
            continue;
        }
        for (size_t i = 0; signals_row(i, &row); i++) {
            if (row.effect == effect) {
                strbuf_addf(out, "%s%s", separator, row.name);
                separator = ", ";
            }
        }
        strbuf_addf(out, "\n%s.\n", effect_texts[effect]);
    }
}
