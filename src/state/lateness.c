/* SPDX-License-Identifier: Apache-2.0 */
/* Ports that have not answered: which one, since when, and which call keeps it. */
#include "state/lateness.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "exec/ports.h"
#include "state/state.h"

static const char *const names[] = {
    [PORT_GPU] = "NVML", [PORT_PCI] = "sysfs", [PORT_GUEST] = "libvirt"};

const char *lateness_port_name(enum port_kind port)
{
    return names[port];
}

int lateness_check_port(const struct manager *m, enum port_kind port, struct error *err)
{
    if (port == PORT_GUEST && m->n_late_calls > 0) {
        error_set(err, REASON_UNAVAILABLE, "libvirt",
                  "libvirt has not answered an earlier call yet");
    } else if (!runner_waits_for(m->runner, port)) {
        return 0;
    } else {
        error_set(err, REASON_UNAVAILABLE, names[port], "%s has not answered an earlier call yet",
                  names[port]);
        for (vec_each(&m->parked, parked)) {
            char at[WHEN_SIZE];
            if (parked->port == port) {
                error_set(err, REASON_UNAVAILABLE, names[port],
                          "%s has not answered plan %.8s (%s) since %s", names[port],
                          parked->plan->id, parked->plan->reason,
                          lateness_when(parked->since_us, at));
            }
        }
    }
    error_hint(err, "try again when it answers; see `cleave host show` and `cleave plan list`");
    return -REASON_UNAVAILABLE;
}

const char *lateness_when(uint64_t monotonic_us, char out[WHEN_SIZE])
{
    char text[32];
    (void)clock_format(clock_realtime_of(monotonic_us), text, sizeof(text));
    snprintf(out, WHEN_SIZE, "%.19sZ", text); /* without microseconds */
    return out;
}

static bool is_quiet_step(const struct step *step)
{
    return (step->state == STEP_RUNNING || step->state == STEP_UNDOING) &&
           ports_needs_quiet(step->kind);
}

static const struct step *find_quiet(const struct plan *plan)
{
    for (vec_each(&plan->steps, step)) {
        if (is_quiet_step(step)) {
            return step;
        }
    }
    return NULL;
}

/* The step for which NVML is kept closed: it began before NVML was asked. NVML held open keeps each
 * GPU from being unbound (driver/nvml/nvml_watch.h), and to open it attaches to all of them, that
 * one among them, so that it is not asked before such a step has come back, also of other GPUs. */
static const struct step *quiet_step(const struct manager *m, uint64_t asked_us,
                                     uint64_t *ret_since_us)
{
    const struct step *step = NULL;
    if (m->running != NULL && m->step_since_us <= asked_us) {
        *ret_since_us = m->step_since_us;
        step = find_quiet(m->running);
    }
    for (size_t i = 0; step == NULL && i < m->parked.n; i++) {
        const struct parked *parked = &m->parked.items[i];
        *ret_since_us = parked->since_us;
        step = parked->port != PORT_GUEST && parked->since_us <= asked_us ? find_quiet(parked->plan)
                                                                          : NULL;
    }
    return step;
}

const char *lateness_of_driver(const struct manager *m, uint64_t asked_us, const char **ret_who,
                               char out[LATE_TEXT_SIZE])
{
    char at[WHEN_SIZE];
    char what[STEP_TEXT_SIZE];
    uint64_t since_us = 0;
    const struct step *step = quiet_step(m, asked_us, &since_us);
    *ret_who = "NVML";
    if (step == NULL) {
        str_print(out, LATE_TEXT_SIZE, "NVML has not answered since %s",
                  lateness_when(asked_us, at));
        return out;
    }
    *ret_who = lateness_port_name(step_kind_port(step->kind));
    str_print(
        out, LATE_TEXT_SIZE,
        "cleaved does not ask NVML: the step \"%.80s\", under way since %s, needs NVML closed",
        step_describe(step, what, sizeof(what)), lateness_when(since_us, at));
    return out;
}
