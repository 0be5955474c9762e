/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations of a manager that starts, goes on after a restart, and ends. */
#include "migration/migration_life.h"

#include "base/json.h"
#include "base/log.h"
#include "base/stopping.h"
#include "base/str.h"
#include "migration/incoming_operation.h"
#include "migration/migration_holds.h"
#include "migration/migration_records.h"
#include "migration/migrations.h"
#include "migration/outgoing.h"
#include "migration/outgoing_operation.h"
#include "migration/peer_lines.h"

static int read_record(struct manager *m, const char *key, const json_t *document,
                       struct error *err)
{
    if (str_starts(key, "in:")) {
        struct incoming *incoming = NULL;
        int r = incoming_from_json(document, "stored migration", &incoming, err);
        if (r == 0) {
            const struct operation_start start = {.kind = &incoming_kind, .resumed = true};
            incoming_vm_hold(incoming_vm_new(m, incoming, &start));
        }
        return r;
    }
    struct migration *migration = NULL;
    int r = migration_from_stored_json(document, &migration, err);
    if (r == 0) {
        const struct operation_start start = {.kind = &migration_kind, .resumed = true};
        struct outgoing *outgoing = outgoing_new(m, migration, &start);
        outgoing->finished = migration_is_over(migration);
        outgoing_hold(outgoing);
    }
    return r;
}

static int start_workers(struct manager *m, struct error *err)
{
    struct migrations *all = m->migrations;
    int r = worker_new(m->config.loop, "peer", &all->lines[0].worker);
    all->n_lines = r == 0;
    r = r != 0 ? r : worker_new(m->config.loop, "vm-move", &all->move_worker);
    r = r != 0 ? r : worker_new(m->config.loop, "vm-track", &all->watch_worker);
    return r == 0 ? 0 : error_set_errno(err, -r, "cleaved", "starting a worker thread");
}

int migrations_open(struct manager *m, struct error *err)
{
    CLEANUP_JSON json_t *documents = NULL;
    m->migrations = xcalloc(1, sizeof(*m->migrations));
    int r = ledger_records(m->ledger, RECORD_MIGRATION, &documents, err);
    const char *key = NULL;
    json_t *document = NULL;
    json_object_foreach(documents, key, document)
    {
        r = r != 0 ? r : read_record(m, key, document, err);
    }
    return r != 0 ? r : start_workers(m, err);
}

static bool is_moving(const struct manager *m)
{
    bool moving = false;
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        moving = moving || (*outgoing)->moving;
    }
    return moving;
}

bool migrations_finish(struct manager *m, uint64_t until_us)
{
    if (m->migrations == NULL) {
        return true;
    }
    bool all = worker_finish(m->migrations->watch_worker, until_us);
    all = peer_lines_finish(m->migrations, until_us) && all;
    return (is_moving(m) || worker_finish(m->migrations->move_worker, until_us)) && all;
}

void migrations_close(struct manager *m)
{
    if (m->migrations == NULL) {
        return;
    }
    bool moving = is_moving(m);
    worker_free(TAKE_PTR(m->migrations->watch_worker));
    peer_lines_close(m->migrations);
    struct guest_port *port = TAKE_PTR(m->config.move_guest);
    if (moving && worker_abandon(m->migrations->move_worker)) {
        log_info("a VM is on its way; the next start sees where it came to");
        m->migrations->move_worker = NULL;
        return; /* it still has the port */
    }
    worker_free(TAKE_PTR(m->migrations->move_worker));
    if (port != NULL) {
        port->ops->free(port);
    }
}

void migrations_free(struct manager *m)
{
    if (m->migrations == NULL) {
        return;
    }
    struct error stopping = stopping_error();
    for (vec_each(&m->migrations->outgoing, outgoing)) {
        outgoing_refuse_resolution(*outgoing, &stopping);
        outgoing_free(*outgoing);
    }
    for (vec_each(&m->migrations->incoming, incoming_vm)) {
        incoming_vm_free(*incoming_vm);
    }
    vec_done(&m->migrations->outgoing);
    vec_done(&m->migrations->incoming);
    free(m->migrations);
}
