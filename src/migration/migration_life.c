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
    m->migrations = xcalloc(1, sizeof(*m->migrations));
    return start_workers(m, err);
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
        log_info("a VM is migrating; the next start of cleaved finds out where it is");
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
