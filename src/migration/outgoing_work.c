/* SPDX-License-Identifier: Apache-2.0 */
/* What workers do for a migration. Each job has copies of what it needs; its result is taken on the
 * loop. */
#include "migration/outgoing_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/peer_lines.h"
#include "state/config.h"
#include "watch/looks.h"

/* Dry runs whose VM is looked at for how fast it writes its memory, which takes a second each. */
#define RATED_TRIALS_MAX 2

struct job {
    struct outgoing *outgoing;
    struct manager_config config;
    outgoing_done_fn *done;
    bool asks_peer;
    struct peer_line *line; /* NULL: none was free */
    enum peer_question question;
    struct migration_request request;
    char id[40];
    char vm_uuid[40];
    const struct migration_offer *offer; /* the loop leaves it alone meanwhile */
    bool cancel;
    struct hostdev_change changes[MIGRATION_MAX_CLAIMS];
    size_t n_changes;
    /* Outcome: */
    struct incoming *incoming;
    struct guest_progress progress;
    int result;
    struct error err;
};

static struct job *job_new(struct outgoing *outgoing, outgoing_done_fn *done)
{
    const struct migration *migration = outgoing->migration;
    struct job *job = xcalloc(1, sizeof(*job));
    job->outgoing = outgoing;
    job->config = outgoing->manager->config;
    job->done = done;
    job->request = migration->request;
    job->offer = outgoing->offer;
    job->cancel = migration->cancel;
    STR_SET(job->id, migration->id);
    STR_SET(job->vm_uuid, migration->vm_uuid);
    outgoing->jobs++;
    return job;
}

static void job_done(void *data)
{
    struct job *job = data;
    struct outgoing *outgoing = job->outgoing;
    outgoing->jobs--;
    peer_line_give_back(job->line, peer_rank_of(outgoing));
    if (job->asks_peer && (job->result == 0 || job->err.reason != REASON_UNAVAILABLE)) {
        outgoing->migration->answered_us = clock_realtime_us();
    }
    if (!outgoing->manager->stopping) {
        job->done(outgoing, job->incoming, job->result == 0 ? NULL : &job->err);
        operations_trim(&outgoing->manager->operations, OPERATION_KIND_MIGRATION);
    }
    incoming_free(job->incoming);
    free(job);
}

/* ---- the other host ---- */

static void peer_work(void *data)
{
    struct job *job = data;
    struct peer_port *peer = job->config.peer;
    const char *address = job->request.peer;
    if (job->question == PEER_ASK_CHECK) {
        job->result = peer->ops->check_ways(peer, job->request.destination,
                                            job->request.migrate_uri, &job->err);
        if (job->result != 0) {
            job->asks_peer = false;
            return;
        }
    }
    switch (job->question) {
    case PEER_ASK_CHECK:
    case PEER_ASK_PREPARE:
        job->result = peer->ops->offer(peer, address, job->offer,
                                       job->question == PEER_ASK_CHECK ? PEER_CHECK : PEER_PREPARE,
                                       &job->incoming, &job->err);
        break;
    case PEER_ASK_STATUS:
        job->result = peer->ops->status(peer, address, job->id, &job->incoming, &job->err);
        break;
    case PEER_ASK_COMMIT:
        job->result = peer->ops->commit(peer, address, job->id, &job->incoming, &job->err);
        break;
    case PEER_ASK_ABORT:
        job->result = peer->ops->abort(peer, address, job->id, &job->incoming, &job->err);
        break;
    }
}

void outgoing_ask_peer(struct outgoing *outgoing, enum peer_question question,
                       outgoing_done_fn *done)
{
    struct job *job = job_new(outgoing, done);
    job->question = question;
    job->line = peer_lines_take(outgoing->manager, job->request.peer, peer_rank_of(outgoing));
    job->asks_peer = job->line != NULL;
    if (job->line != NULL) {
        worker_submit(job->line->worker, peer_work, job_done, job);
        return;
    }
    job->result =
        error_set(&job->err, REASON_UNAVAILABLE, SUBJECT("vm", job->request.vm),
                  "dry runs are already waiting for %d other hosts, which is the limit",
                  outgoing->member ? PEER_TRIALS_MAX - PEER_ROOTS_TRIALS : PEER_TRIALS_MAX);
    error_hint(&job->err, "try again in a minute; `cleave migration list` shows what is under way");
    evloop_post(outgoing->manager->config.loop, job_done, job);
}

/* ---- measuring ---- */

struct measure {
    struct outgoing *outgoing;
    struct manager_config config;
    struct peer_line *line;
    evloop_fn *done;
    size_t n;
    struct {
        struct gpu_vgpu_query query;
        char claim[NAME_SIZE];
        char mdev_uuid[40];
        struct gpu_vgpu_state state;
        bool known;
        struct amount type_bytes; /* of the whole framebuffer: more can't be in use */
    } vgpus[MIGRATION_MAX_CLAIMS];
    char vm_uuid[40];
    char destination[MIGRATION_URI_SIZE];
    char vm[VM_NAME_SIZE];
    struct amount link_bytes_per_s, dirty_bytes_per_s;
};

static void link_work(void *data)
{
    struct measure *job = data;
    struct peer_port *peer = job->config.peer;
    job->link_bytes_per_s = peer->ops->link_speed(peer, job->destination);
}

static void measured(void *data)
{
    struct measure *job = data;
    struct outgoing *outgoing = job->outgoing;
    struct migration_estimate *estimate = &outgoing->migration->estimate;
    outgoing->jobs--;
    peer_line_give_back(job->line, peer_rank_of(outgoing));
    estimate->framebuffer_bytes = amount_of(0);
    for (size_t i = 0; i < job->n; i++) {
        const struct gpu_vgpu_state *state = &job->vgpus[i].state;
        bool used = job->vgpus[i].known && state->framebuffer_used_known;
        estimate->framebuffer_bytes =
            amount_sum(estimate->framebuffer_bytes,
                       used ? amount_of(state->framebuffer_used_bytes) : job->vgpus[i].type_bytes);
        for (size_t k = 0; job->vgpus[i].known && k < outgoing->offer->n_claims; k++) {
            struct offer_claim *one = &outgoing->offer->claims[k];
            if (str_eq(one->claim.name, job->vgpus[i].claim)) {
                STR_SET(one->metadata, state->metadata);
            }
        }
    }
    estimate->link_bytes_per_s = job->link_bytes_per_s;
    estimate->dirty_bytes_per_s = job->dirty_bytes_per_s;
    evloop_fn *done = job->done;
    free(job);
    if (!outgoing->manager->stopping) {
        done(outgoing);
    }
}

static void ask_link(void *data)
{
    struct measure *job = data;
    struct outgoing *outgoing = job->outgoing;
    job->line = peer_lines_take(outgoing->manager, outgoing->migration->request.peer,
                                peer_rank_of(outgoing));
    if (job->line == NULL) { /* the speed stays unknown; the question that follows says why */
        measured(job);
        return;
    }
    worker_submit(job->line->worker, link_work, measured, job);
}

static void rate_done(void *data)
{
    struct measure *job = data;
    job->outgoing->manager->migrations->n_rated -= job->outgoing->dry_run;
    ask_link(job);
}

static void rate_work(void *data)
{
    struct measure *job = data;
    struct guest_port *port = job->config.track_guest;
    struct error err = {0};
    uint64_t rate = 0;
    if (port->ops->dirty_rate == NULL) {
        return;
    }
    if (port->ops->dirty_rate(port, job->vm, &rate, &err) != 0) {
        log_debug("before a migration: %s", err.message);
        return;
    }
    job->dirty_bytes_per_s = amount_of(rate);
}

static void vgpu_work(void *data)
{
    struct measure *job = data;
    struct gpu_port *gpu = job->config.ports.gpu;
    for (size_t i = 0; gpu->ops->vgpu_state != NULL && i < job->n; i++) {
        struct error err = {0};
        job->vgpus[i].known =
            gpu->ops->vgpu_state(gpu, &job->vgpus[i].query, &job->vgpus[i].state, &err) == 0;
        if (!job->vgpus[i].known) {
            log_debug("before a migration: %s", err.message);
        }
    }
}

static void vgpus_done(void *data)
{
    struct measure *job = data;
    const struct outgoing *outgoing = job->outgoing;
    struct migrations *all = outgoing->manager->migrations;
    unsigned max = outgoing->member ? RATED_TRIALS_MAX - 1 : RATED_TRIALS_MAX;
    if (outgoing->dry_run && all->n_rated >= max) {
        ask_link(job); /* VMs that move are watched by the same worker: the rate stays unknown */
        return;
    }
    all->n_rated += outgoing->dry_run;
    worker_submit(all->watch_worker, rate_work, rate_done, job);
}

static struct amount type_bytes(const struct manager *m, const struct migration_device *device)
{
    const struct claim *claim = claims_find(&m->claims, device->claim);
    const struct gpu *gpu = host_find_gpu_addr(m->host, &device->from.gpu);
    const struct cat_vgpu_type *type = NULL;
    if (claim == NULL || gpu == NULL || claim->spec.type[0] == '\0') {
        return (struct amount){0};
    }
    const struct gpu_model *model = boards_find(m->boards, m->config.catalog, gpu);
    bool known = model != NULL && model_find_type(model, claim->spec.type, &type, NULL) == 0 &&
                 type->framebuffer_mib != CAT_UNKNOWN;
    return known ? amount_of((uint64_t)type->framebuffer_mib << 20) : (struct amount){0};
}

void outgoing_measure(struct outgoing *outgoing, evloop_fn *done)
{
    struct manager *m = outgoing->manager;
    struct measure *job = xcalloc(1, sizeof(*job));
    job->outgoing = outgoing;
    job->config = m->config;
    job->done = done;
    STR_SET(job->vm, outgoing->migration->request.vm);
    STR_SET(job->vm_uuid, outgoing->migration->vm_uuid);
    STR_SET(job->destination, outgoing->migration->request.destination);
    for (vec_each(&outgoing->migration->devices, device)) {
        size_t i = job->n++;
        STR_SET(job->vgpus[i].claim, device->claim);
        STR_SET(job->vgpus[i].mdev_uuid, device->from.mdev_uuid);
        job->vgpus[i].type_bytes = type_bytes(m, device);
        job->vgpus[i].query = (struct gpu_vgpu_query){.gpu = device->from.gpu,
                                                      .vm_uuid = job->vm_uuid,
                                                      .mdev_uuid = job->vgpus[i].mdev_uuid,
                                                      .type_id = device->from.type_id};
    }
    outgoing->jobs++;
    looks_ask_driver(m, vgpu_work, vgpus_done, job);
}

/* ---- libvirt ---- */

static struct hostdev hostdev_of(const struct assignment *got)
{
    struct hostdev device = {.is_mdev = got->mdev_uuid[0] != '\0', .addr = got->device};
    STR_SET(device.mdev_uuid, got->mdev_uuid);
    return device;
}

/* A definition with the target's devices; *ret_xml stays NULL where the VM has no such. */
static int rewritten(struct job *job, enum guest_xml which, char **ret_xml)
{
    struct guest_port *port = job->config.move_guest;
    CLEANUP_FREE char *xml = NULL;
    int r = port->ops->read_xml(port, job->request.vm, which, &xml, &job->err);
    if (r == -REASON_CONFLICT && which == GUEST_XML_STORED) {
        return 0; /* transient */
    }
    return r != 0 ? r
                  : port->ops->rewrite(port, xml, job->changes, job->n_changes, ret_xml, &job->err);
}

static void run_work(void *data)
{
    struct job *job = data;
    struct guest_port *port = job->config.move_guest;
    CLEANUP_FREE char *live = NULL;
    CLEANUP_FREE char *stored = NULL;
    if (job->n_changes > 0) {
        job->result = rewritten(job, GUEST_XML_MIGRATABLE, &live);
        job->result = job->result != 0 ? job->result : rewritten(job, GUEST_XML_STORED, &stored);
    }
    if (job->result != 0) {
        error_wrap(&job->err, "writing the definition for the target");
        return;
    }
    const struct guest_migration migration = {.vm = job->request.vm,
                                              .dest_uri = job->request.destination,
                                              .migrate_uri = job->request.migrate_uri,
                                              .dest_xml = live,
                                              /* One without a stored definition gets one, and
                                               * libvirt would take that of the source. */
                                              .persist_xml = stored != NULL ? stored : live,
                                              .bandwidth_bytes = job->request.bandwidth_bytes,
                                              .max_downtime_ms = job->request.max_downtime_ms,
                                              .keep_source = true};
    job->result = port->ops->migrate(port, &migration, &job->progress, &job->err);
}

static struct migration_progress progress_of(const struct guest_progress *from)
{
    return (struct migration_progress){.total_bytes = from->total_bytes,
                                       .processed_bytes = from->processed_bytes,
                                       .remaining_bytes = from->remaining_bytes,
                                       .bytes_per_s = from->bytes_per_s,
                                       .dirty_bytes_per_s = from->dirty_bytes_per_s,
                                       .device_bytes = from->vfio_bytes,
                                       .elapsed_ms = from->elapsed_ms,
                                       .downtime_ms = from->downtime_ms};
}

static void run_done(void *data)
{
    struct job *job = data;
    if (job->progress.job == GUEST_JOB_DONE) {
        job->outgoing->migration->progress = progress_of(&job->progress);
    }
    job_done(job);
}

void outgoing_run(struct outgoing *outgoing, outgoing_done_fn *done)
{
    struct job *job = job_new(outgoing, done);
    for (vec_each(&outgoing->migration->devices, device)) {
        struct hostdev_change *change = &job->changes[job->n_changes++];
        STR_SET(change->claim, device->claim);
        change->from = hostdev_of(&device->from);
        change->to = hostdev_of(&device->to);
    }
    worker_submit(outgoing->manager->migrations->move_worker, run_work, run_done, job);
}

static void watch_work(void *data)
{
    struct job *job = data;
    struct guest_port *port = job->config.track_guest;
    if (job->cancel && port->ops->migrate_cancel(port, job->request.vm, &job->err) != 0) {
        log_warning("cancelling migration %s: %s", job->id, job->err.message);
    }
    job->result = port->ops->migrate_progress(port, job->request.vm, &job->progress, &job->err);
    if (job->result == 0 && job->progress.job != GUEST_JOB_RUNNING) {
        job->result = error_set(&job->err, REASON_NOT_FOUND, SUBJECT("vm", job->request.vm),
                                "libvirt is not moving VM \"%s\"", job->request.vm);
    }
}

static void watch_done(void *data)
{
    struct job *job = data;
    if (job->result == 0) {
        job->outgoing->migration->progress = progress_of(&job->progress);
    }
    job_done(job);
}

void outgoing_watch(struct outgoing *outgoing, outgoing_done_fn *done)
{
    struct job *job = job_new(outgoing, done);
    worker_submit(outgoing->manager->migrations->watch_worker, watch_work, watch_done, job);
}

static void undefine_work(void *data)
{
    struct job *job = data;
    struct guest_port *port = job->config.move_guest;
    job->result = port->ops->undefine(port, job->request.vm, &job->err);
    if (job->result == -REASON_NOT_FOUND) {
        job->result = 0;
    }
}

void outgoing_undefine(struct outgoing *outgoing, outgoing_done_fn *done)
{
    worker_submit(outgoing->manager->migrations->move_worker, undefine_work, job_done,
                  job_new(outgoing, done));
}
