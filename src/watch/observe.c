/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the host: its hardware and its guests apart, each one look at a time, shared by all
 * who asked before it began. */
#include "watch/observe.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/stopping.h"
#include "base/str.h"
#include "model/host_derive.h"
#include "state/lateness.h"
#include "state/listeners.h"
#include "state/state.h"
#include "watch/looks.h"
#include "watch/looks_inside.h"
#include "watch/seen.h"
#include "watch/vm_overlay.h"

/* How long those who only read are answered in one turn of the loop. */
#define SERVE_US 2000
#define ALL_SOURCES ((1U << SOURCE_COUNT) - 1)

static const struct host nothing;

/* ---- on the workers ---- */

static void look_at_pci(void *data)
{
    struct observation *observation = &((struct manager *)data)->looks->at[SOURCE_HARDWARE];
    observation->result =
        ports_observe_pci(observation->ports.pci, &observation->host, &observation->err);
}

static void look_at_guests(void *data)
{
    struct observation *observation = &((struct manager *)data)->looks->at[SOURCE_GUESTS];
    observation->result =
        ports_observe_guests(observation->ports.guest, &observation->host, &observation->err);
}

static void ask_driver(void *data)
{
    struct driver_look *look = data;
    look->result = look->port->ops->observe(look->port, look->host, &look->err);
}

/* ---- what was seen becomes manager->host ---- */

static void tell_hardware(struct manager *m, hardware_listener_fn *const *listeners,
                          struct hardware_look *look)
{
    for (; *listeners != NULL; listeners++) {
        (*listeners)(m, look);
    }
}

static void tell_guests(struct manager *m, guests_listener_fn *const *listeners,
                        const struct host *now)
{
    for (; *listeners != NULL; listeners++) {
        (*listeners)(m, now);
    }
}

static void name_models(const struct manager *m, struct host *host)
{
    CLEANUP_STRLIST struct strlist warnings = {0};
    boards_update(m->boards, host, &warnings);
    for (vec_each(&warnings, warning)) {
        log_warning("%s", *warning);
    }
    for (vec_each(&host->gpus, gpu)) {
        const struct gpu_model *model = boards_find(m->boards, m->config.catalog, gpu);
        STR_SET(gpu->model, model == NULL ? "" : model->key);
    }
    boards_name_vgpus(m->boards, m->config.catalog, host);
    if (boards_lack_vgpu_manager(m->boards)) {
        (void)str_print(host->vgpu_problem, sizeof(host->vgpu_problem),
                        "NVIDIA's driver %s has no vGPU manager", host->driver_version);
    }
}

/* Without NVML no GPU instance can be seen, and an unseen one is not gone. A board that has none,
 * and a GPU that NVIDIA's driver does not have, are as they look. */
static void note_unseen(const struct manager *m, struct host *host)
{
    for (vec_each(&host->gpus, gpu)) {
        const struct gpu_model *model = boards_find(m->boards, m->config.catalog, gpu);
        bool has_none = model != NULL && model->profiles.n == 0;
        if (host->nvml_problem[0] != '\0' && gpu->problem[0] == '\0' && gpu->other_vendor == 0 &&
            str_eq(gpu->driver, "nvidia") && !has_none) {
            (void)str_print(gpu->problem, sizeof(gpu->problem), "cleaved can't ask NVML: %s",
                            host->nvml_problem);
        }
    }
}

/* The missing part, and what works without it: said once when it goes and when it comes back. */
static void note_problem(const char *was, const char *is, const char *still_works)
{
    if (is[0] != '\0' && !str_eq(was, is)) {
        log_warning("%s; %s", is, still_works);
    } else if (is[0] == '\0' && was[0] != '\0') {
        log_info("works again, after: %s", was);
    }
}

static const struct host *seen_before(const struct manager *m, enum observation_source source)
{
    return m->looks->at[source].known ? m->host : &nothing;
}

/* Askers get on without a part that is late: as it was seen before, and marked so. */
static void end_lateness(struct manager *m)
{
    for (vec_each(&m->host->gpus, gpu)) {
        if (str_eq(gpu->problem, m->looks->driver_problem)) {
            gpu->problem[0] = '\0';
        }
    }
    m->looks->driver_problem[0] = '\0';
}

static void take_hardware(struct manager *m, struct host *now)
{
    const struct host *was = seen_before(m, SOURCE_HARDWARE);
    struct hardware_look look = {.now = now, .was_late = m->looks->driver_problem[0] != '\0'};
    name_models(m, now);
    seen_note_boards(m, now);
    note_unseen(m, now);
    note_problem(was->nvml_problem, now->nvml_problem, "without NVML only pass-through works");
    note_problem(was->vgpu_problem, now->vgpu_problem, "cleave can't make vGPUs");
    note_problem(was->pci_problem, now->pci_problem, "cleave can't change GPUs");
    if (look.was_late && m->host != NULL) {
        end_lateness(m);
    }
    if (m->host != NULL) {
        host_take_guests(now, m->host);
    } else {
        STR_SET(now->libvirt_problem, "libvirt has not answered yet");
    }
    host_derive(now);
    if (m->looks->driver_known) {
        tell_hardware(m, m->listeners->hardware_compared, &look);
    }
    tell_hardware(m, m->listeners->hardware_seen, &look);
    look.driver_came =
        (was->nvml_problem[0] != '\0' && now->nvml_problem[0] == '\0' && !look.was_late) ||
        (was->driver_load != 0 && now->driver_load != 0 && was->driver_load != now->driver_load);
    host_free(m->host);
    host_free(TAKE_PTR(m->looks->kernel_view));
    m->host = now;
    m->looks->driver_known = true;
    tell_hardware(m, m->listeners->hardware_taken, &look);
}

/* NVML is late: its GPUs stay as they were seen last, and nothing is done to them. What the kernel
 * shows of the others is fresh. */
static void take_hardware_without_driver(struct manager *m, struct host *now)
{
    const struct host *was = seen_before(m, SOURCE_HARDWARE);
    if (m->looks->driver_problem[0] == '\0') {
        char text[LATE_TEXT_SIZE];
        const char *who = NULL;
        str_print(m->looks->driver_problem, sizeof(m->looks->driver_problem), "%s",
                  lateness_of_driver(m, m->looks->driver_look->since_us, &who, text));
        m->looks->driver_unasked = !str_eq(who, "NVML");
    }
    STR_SET(now->nvml_problem, m->looks->driver_problem);
    now->nvml_unasked = m->looks->driver_unasked;
    note_problem(was->nvml_problem, now->nvml_problem,
                 "its GPUs are shown as last observed; others can be passed through");
    STR_SET(now->driver_version, was->driver_version);
    STR_SET(now->nvml_version, was->nvml_version);
    seen_note_boards(m, now);
    for (vec_each(&now->gpus, gpu)) {
        struct gpu *old = m->host == NULL ? NULL : host_find_gpu_addr(m->host, &gpu->addr);
        if (gpu->other_vendor != 0 || !str_eq(gpu->driver, "nvidia")) {
            continue;
        }
        if (old != NULL && str_eq(old->driver, "nvidia")) {
            struct gpu fresh = *gpu;
            *gpu = *old;
            *old = fresh; /* kept with the host that it was part of */
        }
        if (gpu->fault == GPU_FAULT_NONE) {
            STR_SET(gpu->problem, m->looks->driver_problem);
        }
    }
    name_models(m, now);
    if (m->host != NULL) {
        host_take_guests(now, m->host);
    }
    host_derive(now);
    host_free(m->looks->kernel_view);
    m->looks->kernel_view = m->host;
    m->host = now;
    tell_hardware(m, m->listeners->hardware_taken,
                  &(struct hardware_look){.now = now, .late = true});
}

static void take_guests(struct manager *m, struct host *now)
{
    const struct host *was = seen_before(m, SOURCE_GUESTS);
    note_problem(was->libvirt_problem, now->libvirt_problem,
                 "claims without a VM work without libvirt");
    if (m->looks->at[SOURCE_GUESTS].known) {
        tell_guests(m, m->listeners->guests_compared, now);
    }
    if (m->host == NULL) {
        m->host = host_new();
    }
    tell_guests(m, m->listeners->guests_seen, now);
    host_take_guests(m->host, now);
    host_free(now);
    vm_overlays_apply(m);
    host_derive(m->host);
    if (m->host->libvirt_problem[0] == '\0') {
        tell_guests(m, m->listeners->guests_taken, m->host);
    }
}

/* ---- who asked ---- */

static bool is_read(const struct observer *observer)
{
    return observer->due_us != 0;
}

static bool is_due(const struct observer *observer)
{
    return is_read(observer) && clock_monotonic_us() >= observer->due_us;
}

static bool is_answered(const struct manager *m, const struct observer *observer)
{
    const struct observation *hardware = &m->looks->at[SOURCE_HARDWARE];
    const struct observation *guests = &m->looks->at[SOURCE_GUESTS];
    bool has_hardware = hardware->ended >= observer->needs[SOURCE_HARDWARE] || hardware->late;
    bool has_guests = guests->ended >= observer->needs[SOURCE_GUESTS] ||
                      (guests->late && m->host != NULL) || hardware->late;
    return (has_hardware && has_guests) || is_due(observer);
}

static struct error late_error(const struct manager *m)
{
    struct error err = {0};
    char at[WHEN_SIZE];
    char text[LATE_TEXT_SIZE];
    const char *who = "sysfs";
    str_print(text, sizeof(text), "sysfs has not answered since %s",
              lateness_when(m->looks->at[SOURCE_HARDWARE].begun_us, at));
    if (m->looks->driver_look != NULL) {
        (void)lateness_of_driver(m, m->looks->driver_look->since_us, &who, text);
    }
    error_set(&err, REASON_UNAVAILABLE, who, "%s, so cleaved can't observe the GPUs", text);
    error_hint(&err, "try again later; `cleave host show` shows what hangs, and dmesg may say why");
    return err;
}

/* Why the answer is none; NONE: there is one. Who only reads takes what was seen before. */
static struct error why_not(const struct manager *m, const struct observer *observer)
{
    struct error none = {0};
    const struct observation *hardware = &m->looks->at[SOURCE_HARDWARE];
    bool late = hardware->ended < observer->needs[SOURCE_HARDWARE];
    if (m->stopping) {
        return stopping_error();
    }
    if (late && (!is_read(observer) || !hardware->known)) {
        return late_error(m);
    }
    for (size_t source = 0; source < SOURCE_COUNT; source++) {
        if (observer->needs[source] != 0 && m->looks->at[source].problem.reason != REASON_NONE) {
            return m->looks->at[source].problem;
        }
    }
    return none;
}

static void set_timer(struct manager *m);

/* Askers that can be answered now, taken off the list. */
static struct observers take_ready(struct manager *m)
{
    struct observers ready = {0};
    size_t kept = 0;
    for (vec_each(&m->looks->observers, observer)) {
        if (m->stopping || is_answered(m, observer)) {
            *vec_push(&ready) = *observer;
        } else {
            m->looks->observers.items[kept++] = *observer;
        }
    }
    m->looks->observers.n = kept;
    return ready;
}

/* Readers may be many: the loop has its turn before the rest of them, who go first then. */
static void postpone(struct manager *m, struct observers *rest)
{
    struct observers all = {0};
    for (vec_each(rest, observer)) {
        *vec_push(&all) = *observer;
    }
    for (vec_each(&m->looks->observers, observer)) {
        *vec_push(&all) = *observer;
    }
    vec_done(&m->looks->observers);
    m->looks->observers = all;
    set_timer(m);
}

static void serve(struct manager *m)
{
    /* Observers may ask again: those are answered by a later look. */
    struct observers ready = take_ready(m);
    struct observers rest = {0};
    uint64_t until_us = clock_monotonic_us() + SERVE_US;
    for (vec_each(&ready, observer)) {
        if (is_read(observer) && !m->stopping && clock_monotonic_us() >= until_us) {
            *vec_push(&rest) = *observer;
            continue;
        }
        struct error why = why_not(m, observer);
        observer->fn(m, why.reason != REASON_NONE ? &why : NULL, observer->data);
    }
    if (rest.n > 0) {
        postpone(m, &rest);
    }
    vec_done(&rest);
    vec_done(&ready);
}

/* ---- looks ---- */

static void look_done(struct manager *m, enum observation_source source);
static void driver_done(void *data);

/* The kernel's half is there; the driver's is asked by a worker of its own, unless that still waits
 * for an earlier answer. */
static void pci_done(void *data)
{
    struct manager *m = data;
    struct observation *observation = &m->looks->at[SOURCE_HARDWARE];
    observation->again = false;
    if (m->stopping) {
        return;
    }
    if (observation->result != 0 || m->looks->driver_look != NULL) {
        look_done(m, SOURCE_HARDWARE);
        return;
    }
    struct driver_look *look = xcalloc(1, sizeof(*look));
    *look = (struct driver_look){.manager = m,
                                 .port = observation->ports.gpu,
                                 .host = TAKE_PTR(observation->host),
                                 .number = observation->begun,
                                 .n_plans = m->n_plans,
                                 .since_us = clock_monotonic_us()};
    m->looks->driver_look = look;
    worker_submit(m->looks->driver_worker, ask_driver, driver_done, look);
}

static void guests_done(void *data)
{
    look_done(data, SOURCE_GUESTS);
}

static void look(struct manager *m, enum observation_source source)
{
    static evloop_fn *const work[] = {look_at_pci, look_at_guests};
    static evloop_fn *const done[] = {pci_done, guests_done};
    struct observation *observation = &m->looks->at[source];
    observation->begun++;
    observation->begun_us = clock_monotonic_us();
    observation->late_us = clock_monotonic_us() + looks_patience_us(m, source);
    observation->host = NULL;
    observation->result = 0;
    observation->err = (struct error){0};
    worker_submit(observation->worker, work[source], done[source], m);
    set_timer(m);
}

static void look_done(struct manager *m, enum observation_source source)
{
    struct observation *observation = &m->looks->at[source];
    observation->ended = observation->begun;
    observation->late = false;
    observation->problem = observation->err;
    /* Read before what was seen is taken: that may begin the next look, which writes here. */
    bool is_seen = observation->result == 0;
    uint64_t begun_us = observation->begun_us;
    if (!is_seen) {
        log_warning("observing the host: %s", observation->err.message);
    } else if (source == SOURCE_GUESTS) {
        take_guests(m, TAKE_PTR(observation->host));
    } else if (m->looks->driver_look != NULL) {
        take_hardware_without_driver(m, TAKE_PTR(observation->host));
    } else {
        take_hardware(m, TAKE_PTR(observation->host));
    }
    observation->known = observation->known || is_seen;
    if (is_seen && (source == SOURCE_GUESTS || m->looks->driver_look == NULL)) {
        observation->seen_us = clock_realtime_of(begun_us);
    }
    serve(m);
    for (vec_each(&m->looks->observers, observer)) {
        if (!m->stopping && !observation_is_under_way(observation) &&
            observer->needs[source] > observation->ended) {
            look(m, source);
        }
    }
}

/* An answer that comes late is as good as fresh if nothing was planned meanwhile: a driver may need
 * long. */
static void driver_came_late(struct manager *m, struct driver_look *late)
{
    struct observation *observation = &m->looks->at[SOURCE_HARDWARE];
    log_info("NVML answers again, after: %s", m->looks->driver_problem);
    if (late->result == 0 && late->n_plans == m->n_plans && m->running == NULL) {
        take_hardware(m, TAKE_PTR(late->host));
        observation->seen_us = clock_realtime_of(late->since_us);
    } else if (!observation_is_under_way(observation) && !m->stopping) {
        look(m, SOURCE_HARDWARE);
    }
}

static void driver_done(void *data)
{
    struct driver_look *look = data;
    struct manager *m = look->manager;
    struct observation *observation = &m->looks->at[SOURCE_HARDWARE];
    m->looks->driver_look = NULL;
    if (look->number == observation->begun && observation_is_under_way(observation) &&
        !observation->again) {
        observation->host = look->result == 0 ? TAKE_PTR(look->host) : NULL;
        observation->result = look->result;
        observation->err = look->err;
        look_done(m, SOURCE_HARDWARE);
    } else if (m->looks->driver_problem[0] != '\0') {
        driver_came_late(m, look);
    }
    host_free(look->host);
    free(look);
}

/* ---- patience ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* To the next moment at which something is late or due. */
static void set_timer(struct manager *m)
{
    uint64_t next_us = UINT64_MAX;
    for (size_t source = 0; source < SOURCE_COUNT; source++) {
        const struct observation *observation = &m->looks->at[source];
        if (observation_is_under_way(observation) && !observation->late) {
            next_us = earlier(next_us, observation->late_us);
        }
    }
    for (vec_each(&m->looks->observers, observer)) {
        if (is_answered(m, observer)) {
            next_us = 0;
        } else if (is_read(observer)) {
            next_us = earlier(next_us, observer->due_us);
        }
    }
    if (next_us != UINT64_MAX && m->looks->patience != NULL && !m->stopping) {
        uint64_t now_us = clock_monotonic_us();
        (void)evloop_timer_set(m->looks->patience, next_us > now_us ? next_us - now_us : 0);
    }
}

static void guests_are_late(struct manager *m)
{
    m->looks->at[SOURCE_GUESTS].late = true;
    if (m->host == NULL) {
        m->host = host_new();
    }
    static const char problem[] =
        "libvirt has not answered for 10 seconds; a hook script of a VM may still be running";
    note_problem(m->host->libvirt_problem, problem, "VMs are shown as last observed");
    STR_SET(m->host->libvirt_problem, problem);
}

/* Once for NVML: the look goes on without it, from what the kernel shows now. */
static void hardware_is_late(struct manager *m)
{
    struct observation *observation = &m->looks->at[SOURCE_HARDWARE];
    bool is_at_driver =
        m->looks->driver_look != NULL && m->looks->driver_look->number == observation->begun;
    if (is_at_driver && !observation->again) {
        observation->again = true;
        observation->late_us = clock_monotonic_us() + looks_patience_us(m, SOURCE_HARDWARE);
        worker_submit(observation->worker, look_at_pci, pci_done, m);
        return;
    }
    struct error err = late_error(m);
    observation->late = true;
    log_warning("%s", err.message);
}

void observe_on_timeout(void *data)
{
    static void (*const become_late[])(struct manager *m) = {hardware_is_late, guests_are_late};
    struct manager *m = data;
    if (m->stopping) {
        return;
    }
    for (size_t source = 0; source < SOURCE_COUNT; source++) {
        const struct observation *observation = &m->looks->at[source];
        if (observation_is_under_way(observation) && !observation->late &&
            clock_monotonic_us() >= observation->late_us) {
            become_late[source](m);
        }
    }
    serve(m);
    set_timer(m);
}

/* ---- questions ---- */

/* The look that begins next, or the one after it: one that began before the question may have
 * missed what the question is about. */
static uint64_t ask(struct manager *m, enum observation_source source)
{
    struct observation *observation = &m->looks->at[source];
    if (observation_is_under_way(observation)) {
        return observation->begun + 1;
    }
    look(m, source);
    return observation->begun;
}

static void only_look(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    (void)err;
    (void)data;
}

/* `sources`: a set of bits, by enum observation_source. */
static void observe(struct manager *m, unsigned sources, uint64_t patience_us, observed_fn *fn,
                    void *data)
{
    struct observer observer = {.fn = fn != NULL ? fn : only_look, .data = data};
    if (patience_us != 0) {
        observer.due_us = clock_monotonic_us() + patience_us;
    }
    for (size_t source = 0; !m->stopping && source < SOURCE_COUNT; source++) {
        bool wanted = (sources & 1U << source) != 0;
        observer.needs[source] = wanted ? ask(m, (enum observation_source)source) : 0;
    }
    *vec_push(&m->looks->observers) = observer;
    set_timer(m);
}

void observe_hardware(struct manager *m, observed_fn *fn, void *data)
{
    observe(m, 1U << SOURCE_HARDWARE, 0, fn, data);
}

void observe_guests(struct manager *m)
{
    observe(m, 1U << SOURCE_GUESTS, 0, NULL, NULL);
}

void observe_all(struct manager *m, observed_fn *fn, void *data)
{
    observe(m, ALL_SOURCES, 0, fn, data);
}

void observe_soon(struct manager *m, uint64_t patience_us, observed_fn *fn, void *data)
{
    observe(m, ALL_SOURCES, patience_us, fn, data);
}
