/* SPDX-License-Identifier: Apache-2.0 */
#include "watch/looks.h"

#include <string.h>

#include "base/mem.h"
#include "state/state.h"
#include "watch/looks_inside.h"

/* ---- life ---- */

struct looks *looks_new(void)
{
    return xcalloc(1, sizeof(struct looks));
}

int looks_open(struct manager *m, evloop_fn *on_time)
{
    struct looks *looks = m->looks;
    const struct {
        const char *name;
        struct worker **worker;
    } workers[] = {
        {"look-pci", &looks->at[SOURCE_HARDWARE].worker},
        {"look-gpu", &looks->driver_worker},
        {"look-guests", &looks->at[SOURCE_GUESTS].worker},
    };
    looks->at[SOURCE_HARDWARE].ports = m->config.ports;
    looks->at[SOURCE_GUESTS].ports.guest =
        m->config.watch_guest != NULL ? m->config.watch_guest : m->config.ports.guest;
    int r = evloop_timer_new(m->config.loop, on_time, m, &looks->patience);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(workers); i++) {
        r = worker_new(m->config.loop, workers[i].name, workers[i].worker);
    }
    return r;
}

void looks_refuse_all(struct manager *m, const struct error *err)
{
    struct observers observers = m->looks->observers;
    memset(&m->looks->observers, 0, sizeof(m->looks->observers));
    for (vec_each(&observers, observer)) {
        observer->fn(m, err, observer->data);
    }
    vec_done(&observers);
}

bool looks_finish(struct manager *m, uint64_t until_us)
{
    struct worker *workers[] = {
        m->looks->at[SOURCE_HARDWARE].worker,
        m->looks->driver_worker,
        m->looks->at[SOURCE_GUESTS].worker,
    };
    bool all = true;
    for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
        all = worker_finish(workers[i], until_us) && all;
    }
    return all;
}

void looks_close(struct manager *m)
{
    worker_free(m->looks->driver_worker);
    for (size_t source = 0; source < SOURCE_COUNT; source++) {
        worker_free(m->looks->at[source].worker);
        host_free(m->looks->at[source].host);
    }
    evloop_timer_free(m->looks->patience);
}

void looks_free(struct looks *looks)
{
    host_free(looks->kernel_view);
    free(looks);
}

/* ---- what is asked about them ---- */

bool looks_under_way(const struct manager *m)
{
    return observation_is_under_way(&m->looks->at[SOURCE_HARDWARE]) ||
           observation_is_under_way(&m->looks->at[SOURCE_GUESTS]);
}

uint64_t looks_patience_us(const struct manager *m, enum observation_source source)
{
    uint64_t set_us =
        source == SOURCE_GUESTS ? m->config.guests_patience_us : m->config.hardware_patience_us;
    return set_us != 0               ? set_us
           : source == SOURCE_GUESTS ? GUESTS_PATIENCE_US
                                     : HARDWARE_PATIENCE_US;
}

uint64_t looks_read_patience_us(const struct manager *m)
{
    return m->config.read_patience_us != 0 ? m->config.read_patience_us : READ_PATIENCE_US;
}

uint64_t looks_begun(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].begun;
}

uint64_t looks_ended(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].ended;
}

bool looks_are_known(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].known;
}

bool looks_are_late(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].late;
}

bool looks_have_failed(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].problem.reason != REASON_NONE;
}

uint64_t looks_seen_us(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].seen_us;
}

struct look_calls looks_calls(const struct manager *m)
{
    const struct observation *hardware = &m->looks->at[SOURCE_HARDWARE];
    const struct observation *guests = &m->looks->at[SOURCE_GUESTS];
    const struct driver_look *driver = m->looks->driver_look;
    bool looking = observation_is_under_way(hardware);
    struct look_calls calls = {0};
    if (driver != NULL) {
        calls.driver_us = driver->since_us;
        calls.before_driver_us = looking && driver->number == hardware->begun
                                     ? driver->since_us - hardware->begun_us
                                     : 0;
    } else if (looking && !hardware->again) {
        calls.pci_us = hardware->begun_us;
    }
    if (observation_is_under_way(guests)) {
        calls.guests_us = guests->begun_us;
    }
    return calls;
}

const char *looks_driver_problem(const struct manager *m)
{
    return m->looks->driver_problem;
}

bool looks_wait_for_driver(const struct manager *m)
{
    return m->looks->driver_look != NULL && m->looks->driver_problem[0] != '\0';
}

/* ---- their workers ---- */

void looks_ask_driver(struct manager *m, evloop_fn *work, evloop_fn *done, void *data)
{
    if (m->looks->driver_worker != NULL) {
        worker_submit(m->looks->driver_worker, work, done, data);
    }
}

void looks_ask_guests(struct manager *m, evloop_fn *work, evloop_fn *done, void *data)
{
    if (m->looks->at[SOURCE_GUESTS].worker != NULL) {
        worker_submit(m->looks->at[SOURCE_GUESTS].worker, work, done, data);
    }
}

struct guest_port *looks_guest_port(const struct manager *m)
{
    return m->looks->at[SOURCE_GUESTS].ports.guest;
}
