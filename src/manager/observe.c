/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the host: its hardware and its guests apart, each one look at a time, shared by all
 * who asked before it began. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/state.h"

static const struct host nothing;

static bool is_under_way(const struct view *view)
{
    return view->begun > view->ended;
}

bool manager_is_looking(const struct manager *m)
{
    return is_under_way(&m->views[HALF_HARDWARE]) || is_under_way(&m->views[HALF_GUESTS]);
}

/* ---- on the workers ---- */

static void look_at_hardware(void *data)
{
    struct view *view = &((struct manager *)data)->views[HALF_HARDWARE];
    view->result = ports_observe_hardware(&view->ports, &view->host, &view->err);
}

static void look_at_guests(void *data)
{
    struct view *view = &((struct manager *)data)->views[HALF_GUESTS];
    view->result = ports_observe_guests(view->ports.guest, &view->host, &view->err);
}

/* ---- what was seen becomes manager->host ---- */

static void name_models(const struct manager *m, struct host *host)
{
    for (vec_each(&host->gpus, gpu)) {
        if (gpu->other_vendor != 0) {
            continue;
        }
        uint32_t subsystem = gpu->pci_subsystem_id == NO_ID ? CAT_UNKNOWN : gpu->pci_subsystem_id;
        const struct gpu_model *model = catalog_find_pci(m->config.catalog, gpu->pci_id, subsystem);
        STR_SET(gpu->model, model == NULL ? "" : model->key);
    }
}

/* What is missing and what works without it, said once when it goes and when it comes back. */
static void note_problem(const char *was, const char *is, const char *still_works)
{
    if (is[0] != '\0' && !str_eq(was, is)) {
        log_warning("%s; %s", is, still_works);
    } else if (is[0] == '\0' && was[0] != '\0') {
        log_info("back again, after: %s", was);
    }
}

static const struct host *seen_before(const struct manager *m, enum half half)
{
    return m->views[half].known ? m->host : &nothing;
}

static void take_hardware(struct manager *m, struct host *now)
{
    const struct host *was = seen_before(m, HALF_HARDWARE);
    name_models(m, now);
    note_problem(was->nvml_problem, now->nvml_problem, "only pass-through works without it");
    note_problem(was->pci_problem, now->pci_problem, "GPUs can't be changed");
    if (m->host != NULL) {
        host_take_guests(now, m->host);
    } else {
        STR_SET(now->libvirt_problem, "libvirt was not asked yet");
    }
    host_derive(now);
    if (m->views[HALF_HARDWARE].known) {
        manager_note_gpu_drift(m, now);
    }
    bool driver_came =
        (was->nvml_problem[0] != '\0' && now->nvml_problem[0] == '\0') ||
        (was->driver_load != 0 && now->driver_load != 0 && was->driver_load != now->driver_load);
    host_free(m->host);
    m->host = now;
    manager_note_health(m);
    manager_restore_look(m, driver_came);
}

static bool has_claim(const struct manager *m, const struct vm *vm)
{
    for (vec_each(&m->claims, claim)) {
        if (claim_is_of(claim, vm->name, vm->uuid)) {
            return true;
        }
    }
    return false;
}

/* VMs that started without libvirt having asked: told if it was not known, or may have harmed. */
static void note_starts(struct manager *m, const struct host *now)
{
    if (m->host->libvirt_problem[0] != '\0' || now->libvirt_problem[0] != '\0') {
        return; /* nothing is known of one side */
    }
    struct missed_vms missed = {0};
    bool new = m->hook_watch.state != HOOK_MISSED;
    hook_watch_look(&m->hook_watch, m->host, now, m->views[HALF_GUESTS].ended, clock_realtime_us(),
                    &missed);
    for (vec_each(&missed, vm)) {
        if (new || has_claim(m, *vm)) {
            manager_event(m, "vm-started-unasked", SUBJECT("vm", (*vm)->name), "",
                          "it started without asking cleave: libvirt's hook is not installed, or "
                          "libvirt's daemon was not restarted since");
            log_warning("VM %s started without asking cleave: libvirt's hook is not installed, or "
                        "libvirt's daemon was not restarted since",
                        (*vm)->name);
            new = false;
        }
    }
    vec_done(&missed);
}

static void take_guests(struct manager *m, struct host *now)
{
    const struct host *was = seen_before(m, HALF_GUESTS);
    note_problem(was->libvirt_problem, now->libvirt_problem, "claims without a VM work without it");
    if (m->views[HALF_GUESTS].known) {
        manager_note_vm_drift(m, now);
        note_starts(m, now);
    }
    if (m->host == NULL) {
        m->host = host_new();
    }
    manager_note_gone(m, now);
    host_take_guests(m->host, now);
    host_free(now);
    manager_overlay_power(m);
    host_derive(m->host);
    if (m->host->libvirt_problem[0] == '\0') {
        manager_follow_guests(m);
        manager_guests_came(m);
    }
}

/* ---- who asked ---- */

static bool is_answered(const struct manager *m, const struct observer *observer)
{
    bool hardware = m->views[HALF_HARDWARE].ended >= observer->needs[HALF_HARDWARE];
    bool guests = m->views[HALF_GUESTS].ended >= observer->needs[HALF_GUESTS];
    return hardware && (guests || (m->impatient && m->host != NULL));
}

/* Why the answer is none, or NULL. */
static const struct error *why_not(const struct manager *m, const struct observer *observer)
{
    for (size_t half = 0; half < HALF_COUNT; half++) {
        if (observer->needs[half] != 0 && m->views[half].problem.reason != REASON_NONE) {
            return &m->views[half].problem;
        }
    }
    return NULL;
}

static void serve(struct manager *m)
{
    struct error stopping = manager_stopping_error();
    /* Observers may ask again: those are answered by a later look. */
    VEC(struct observer) ready = {0};
    size_t i = 0;
    while (i < m->observers.n) {
        if (m->stopping || is_answered(m, &m->observers.items[i])) {
            *vec_push(&ready) = m->observers.items[i];
            vec_remove(&m->observers, i);
        } else {
            i++;
        }
    }
    for (vec_each(&ready, observer)) {
        observer->fn(m, m->stopping ? &stopping : why_not(m, observer), observer->data);
    }
    vec_done(&ready);
}

static void look_done(struct manager *m, enum half half);

static void hardware_done(void *data)
{
    look_done(data, HALF_HARDWARE);
}

static void guests_done(void *data)
{
    look_done(data, HALF_GUESTS);
}

static void look(struct manager *m, enum half half)
{
    static evloop_fn *const work[] = {look_at_hardware, look_at_guests};
    static evloop_fn *const done[] = {hardware_done, guests_done};
    struct view *view = &m->views[half];
    view->begun++;
    view->host = NULL;
    view->result = 0;
    view->err = (struct error){0};
    if (half == HALF_GUESTS && m->patience != NULL) {
        (void)evloop_timer_set(m->patience, GUESTS_PATIENCE_US);
    }
    worker_submit(view->worker, work[half], done[half], m);
}

static void look_done(struct manager *m, enum half half)
{
    struct view *view = &m->views[half];
    view->ended = view->begun;
    if (half == HALF_GUESTS) {
        m->impatient = false;
    }
    view->problem = view->err;
    if (view->result != 0) {
        log_warning("observing the host: %s", view->err.message);
    } else if (half == HALF_HARDWARE) {
        take_hardware(m, TAKE_PTR(view->host));
    } else {
        take_guests(m, TAKE_PTR(view->host));
    }
    view->known = view->known || view->result == 0;
    serve(m);
    for (vec_each(&m->observers, observer)) {
        if (!m->stopping && !is_under_way(view) && observer->needs[half] > view->ended) {
            look(m, half);
        }
    }
}

void manager_lose_patience(void *data)
{
    struct manager *m = data;
    const struct view *guests = &m->views[HALF_GUESTS];
    if (!is_under_way(guests) || m->impatient || m->stopping) {
        return;
    }
    m->impatient = true;
    if (m->host == NULL) {
        m->host = host_new();
    }
    static const char problem[] = "libvirt has not answered for 10 seconds; maybe a hook script of "
                                  "a VM is still running";
    note_problem(m->host->libvirt_problem, problem, "VMs are shown as they were seen last");
    STR_SET(m->host->libvirt_problem, problem);
    serve(m);
}

/* The look that begins next, or the one after it: one that began before the question may have
 * missed what the question is about. */
static uint64_t ask(struct manager *m, enum half half)
{
    struct view *view = &m->views[half];
    if (is_under_way(view)) {
        return view->begun + 1;
    }
    look(m, half);
    return view->begun;
}

void manager_observe_hardware(struct manager *m, observed_fn *fn, void *data)
{
    struct observer observer = {.fn = fn, .data = data};
    if (!m->stopping) {
        observer.needs[HALF_HARDWARE] = ask(m, HALF_HARDWARE);
    }
    *vec_push(&m->observers) = observer;
}

void manager_observe(struct manager *m, observed_fn *fn, void *data)
{
    struct observer observer = {.fn = fn, .data = data};
    if (!m->stopping) {
        observer.needs[HALF_HARDWARE] = ask(m, HALF_HARDWARE);
        observer.needs[HALF_GUESTS] = ask(m, HALF_GUESTS);
    }
    *vec_push(&m->observers) = observer;
}
