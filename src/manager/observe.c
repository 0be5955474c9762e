/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the host: one observation at a time on the worker, shared by all who ask meanwhile. */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "manager/state.h"

/* Worker thread. */
static void observe_work(void *data)
{
    struct manager *m = data;
    struct observation *job = &m->observation;
    job->result = ports_observe(&job->ports, &job->host, &job->err);
}

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

static void note_problems(const struct host *was, const struct host *is)
{
    static const struct host nothing = {0};
    was = was == NULL ? &nothing : was;
    note_problem(was->nvml_problem, is->nvml_problem, "only pass-through works without it");
    note_problem(was->pci_problem, is->pci_problem, "GPUs can't be changed");
    note_problem(was->libvirt_problem, is->libvirt_problem, "claims without a VM work without it");
}

static void observe_done(void *data)
{
    struct manager *m = data;
    struct observation *job = &m->observation;
    m->observing = false;
    if (job->result == 0) {
        name_models(m, job->host);
        note_problems(m->host, job->host);
        if (m->host != NULL) {
            manager_note_drift(m, job->host);
        }
        host_free(m->host);
        m->host = TAKE_PTR(job->host);
    } else {
        log_warning("observing the host: %s", job->err.message);
    }
    /* Observers may ask again: that is the next observation, with a list of its own. */
    __typeof__(m->observers) observers = m->observers;
    memset(&m->observers, 0, sizeof(m->observers));
    struct error err = m->stopping ? manager_stopping_error() : job->err;
    const struct error *why = job->result == 0 && !m->stopping ? NULL : &err;
    for (vec_each(&observers, observer)) {
        observer->fn(m, why, observer->data);
    }
    vec_done(&observers);
}

void manager_observe(struct manager *m, observed_fn *fn, void *data)
{
    *vec_push(&m->observers) = (struct observer){.fn = fn, .data = data};
    if (m->observing || m->stopping) {
        return;
    }
    m->observing = true;
    m->observation = (struct observation){.ports = m->config.ports};
    worker_submit(m->worker, observe_work, observe_done, m);
}
