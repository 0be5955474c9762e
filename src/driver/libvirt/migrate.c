/* SPDX-License-Identifier: Apache-2.0 */
/* Live migration: moved by libvirt, watched and cancelled from another connection. */
#include "driver/libvirt/connection.h"

#include <libvirt/virterror.h>

#include "base/remote_host.h"
#include "base/str.h"

#define MIB (1024ULL * 1024)
/* Since libvirt 11.4; a name that an older one doesn't know is just not reported. */
#define JOB_VFIO_BYTES "vfio_data_transferred"

DEFINE_FREEP(virConnectPtr, virConnectClose)
#define CLEANUP_CONNECTION CLEANUP(virConnectClosep)

struct params {
    virTypedParameterPtr items;
    int n;
    int max;
};

static void params_done(struct params *params)
{
    virTypedParamsFree(params->items, params->n);
}

static void add_text(struct params *params, const char *name, const char *value)
{
    if (value != NULL && value[0] != '\0' &&
        virTypedParamsAddString(&params->items, &params->n, &params->max, name, value) < 0) {
        abort(); /* out of memory, or a bug: the names are ours */
    }
}

static void add_number(struct params *params, const char *name, uint64_t value)
{
    if (value != 0 &&
        virTypedParamsAddULLong(&params->items, &params->n, &params->max, name, value) < 0) {
        abort();
    }
}

/* ---- statistics ---- */

static struct amount number(const struct params *stats, const char *name)
{
    unsigned long long value = 0;
    bool known = virTypedParamsGetULLong(stats->items, stats->n, name, &value) == 1;
    return known ? amount_of(value) : (struct amount){0};
}

static struct amount pages_in_bytes(const struct params *stats, const char *name)
{
    struct amount pages = number(stats, name);
    struct amount page = number(stats, VIR_DOMAIN_JOB_MEMORY_PAGE_SIZE);
    return pages.known && page.known ? amount_of(pages.value * page.value) : (struct amount){0};
}

static enum guest_job job_of(int type)
{
    switch ((virDomainJobType)type) {
    case VIR_DOMAIN_JOB_BOUNDED:
    case VIR_DOMAIN_JOB_UNBOUNDED:
        return GUEST_JOB_RUNNING;
    case VIR_DOMAIN_JOB_COMPLETED:
        return GUEST_JOB_DONE;
    case VIR_DOMAIN_JOB_FAILED:
        return GUEST_JOB_FAILED;
    case VIR_DOMAIN_JOB_CANCELLED:
        return GUEST_JOB_CANCELLED;
    case VIR_DOMAIN_JOB_NONE:
#ifdef VIR_ENUM_SENTINELS
    case VIR_DOMAIN_JOB_LAST:
#endif
        break;
    }
    return GUEST_JOB_NONE;
}

/* False when libvirt has none: the VM is gone, or it never was moved. */
static bool read_stats(virDomainPtr domain, unsigned flags, struct guest_progress *ret_progress)
{
    CLEANUP(params_done) struct params stats = {0};
    int type = VIR_DOMAIN_JOB_NONE;
    if (virDomainGetJobStats(domain, &type, &stats.items, &stats.n, flags) < 0) {
        return false;
    }
    *ret_progress = (struct guest_progress){
        .job = job_of(type),
        .total_bytes = number(&stats, VIR_DOMAIN_JOB_DATA_TOTAL),
        .processed_bytes = number(&stats, VIR_DOMAIN_JOB_DATA_PROCESSED),
        .remaining_bytes = number(&stats, VIR_DOMAIN_JOB_DATA_REMAINING),
        .bytes_per_s = number(&stats, VIR_DOMAIN_JOB_MEMORY_BPS),
        .dirty_bytes_per_s = pages_in_bytes(&stats, VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE),
        .vfio_bytes = number(&stats, JOB_VFIO_BYTES),
        .elapsed_ms = number(&stats, VIR_DOMAIN_JOB_TIME_ELAPSED),
        .downtime_ms = number(&stats, VIR_DOMAIN_JOB_DOWNTIME),
    };
    return true;
}

int libvirt_migrate_progress(struct libvirt_port *port, const char *vm,
                             struct guest_progress *ret_progress, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    *ret_progress = (struct guest_progress){.job = GUEST_JOB_NONE};
    int result = libvirt_find(port, vm, &domain, err);
    if (result < 0) {
        return result;
    }
    if (!read_stats(domain, 0, ret_progress)) {
        const virError *problem = virGetLastError();
        bool off = problem != NULL && problem->code == VIR_ERR_OPERATION_INVALID;
        return off ? 0 : libvirt_error(err, SUBJECT("vm", vm), "asking how far VM \"%s\" is", vm);
    }
    return 0;
}

int libvirt_migrate_cancel(struct libvirt_port *port, const char *vm, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    int result = libvirt_find(port, vm, &domain, err);
    if (result < 0 || virDomainAbortJob(domain) == 0) {
        return result;
    }
    const virError *problem = virGetLastError();
    if (problem != NULL && problem->code == VIR_ERR_OPERATION_INVALID) {
        return 0; /* no job, or no longer */
    }
    return libvirt_error(err, SUBJECT("vm", vm), "cancelling the migration of VM \"%s\"", vm);
}

/* ---- the move ---- */

/* A source without a stored definition can't tell any more: then the target, if it can be reached
 * from here. Statistics are a courtesy: without them all are unknown. */
static void read_finished(const struct guest_migration *migration, virDomainPtr domain,
                          struct guest_progress *ret_done)
{
    if (read_stats(domain, VIR_DOMAIN_JOB_STATS_COMPLETED, ret_done)) {
        return;
    }
    CLEANUP_CONNECTION virConnectPtr target = virConnectOpen(migration->dest_uri);
    CLEANUP_DOMAIN virDomainPtr moved =
        target != NULL ? virDomainLookupByName(target, virDomainGetName(domain)) : NULL;
    if (moved != NULL) {
        (void)read_stats(moved, VIR_DOMAIN_JOB_STATS_COMPLETED, ret_done);
    }
}

static unsigned flags_of(const struct guest_migration *migration)
{
    return VIR_MIGRATE_LIVE | VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_ABORT_ON_ERROR |
           (migration->keep_source ? 0U : VIR_MIGRATE_UNDEFINE_SOURCE) |
           (migration->direct ? VIR_MIGRATE_CHANGE_PROTECTION : VIR_MIGRATE_PEER2PEER);
}

/* Direct: this process is the link between the two libvirtds, through *target, which outlives the
 * call so that closing it doesn't forget the error. */
static bool move(virDomainPtr domain, const struct guest_migration *migration,
                 virConnectPtr *target)
{
    CLEANUP(params_done) struct params params = {0};
    add_text(&params, VIR_MIGRATE_PARAM_URI, migration->migrate_uri);
    add_text(&params, VIR_MIGRATE_PARAM_DEST_XML, migration->dest_xml);
    add_text(&params, VIR_MIGRATE_PARAM_PERSIST_XML, migration->persist_xml);
    /* Whole MiB per second, and 0 would mean no limit. */
    add_number(&params, VIR_MIGRATE_PARAM_BANDWIDTH, (migration->bandwidth_bytes + MIB - 1) / MIB);
    if (!migration->direct) {
        return virDomainMigrateToURI3(domain, migration->dest_uri, params.items, (unsigned)params.n,
                                      flags_of(migration)) == 0;
    }
    *target = virConnectOpen(migration->dest_uri);
    CLEANUP_DOMAIN virDomainPtr moved =
        *target == NULL ? NULL
                        : virDomainMigrate3(domain, *target, params.items, (unsigned)params.n,
                                            flags_of(migration));
    return moved != NULL;
}

static int move_problem(virDomainPtr domain, const struct guest_migration *migration,
                        struct guest_progress *ret_done, struct error *err)
{
    const virError *problem = virGetLastError();
    bool cancelled = problem != NULL && problem->code == VIR_ERR_OPERATION_ABORTED;
    int result = libvirt_error(err, SUBJECT("vm", migration->vm), "moving VM \"%s\" to %s",
                               migration->vm, migration->dest_uri);
    if (ret_done != NULL) {
        (void)read_stats(domain, VIR_DOMAIN_JOB_STATS_COMPLETED, ret_done);
        ret_done->job = cancelled ? GUEST_JOB_CANCELLED : GUEST_JOB_FAILED;
        ret_done->runs_here = virDomainIsActive(domain) == 1;
    }
    if (cancelled) {
        return error_set(err, REASON_CONFLICT, SUBJECT("vm", migration->vm),
                         "moving VM \"%s\" was cancelled", migration->vm);
    }
    return result;
}

static int find_running(struct libvirt_port *port, const char *vm, virDomainPtr *ret_domain,
                        struct error *err)
{
    bool active = false;
    int result = libvirt_find(port, vm, ret_domain, err);
    if (result == 0) {
        result = libvirt_is_active(*ret_domain, &active, err);
    }
    if (result == 0 && !active) {
        result = error_set(err, REASON_CONFLICT, SUBJECT("vm", vm), "VM \"%s\" is not running", vm);
    }
    return result;
}

int libvirt_migrate(struct libvirt_port *port, const struct guest_migration *migration,
                    struct guest_progress *ret_done, struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    CLEANUP_CONNECTION virConnectPtr target = NULL;
    if (ret_done != NULL) {
        *ret_done = (struct guest_progress){.job = GUEST_JOB_NONE};
    }
    /* The asker was judged before. Here once more what libvirt gets at all: it runs as root. */
    int result = remote_read_destination(migration->dest_uri, REMOTE_FOR_ROOT, NULL, err);
    result = result != 0 ? result : find_running(port, migration->vm, &domain, err);
    result = result != 0 ? result
                         : remote_host_check_ways(migration->dest_uri, migration->migrate_uri, err);
    if (result < 0) {
        return result;
    }
    if (migration->max_downtime_ms > 0 &&
        virDomainMigrateSetMaxDowntime(domain, migration->max_downtime_ms, 0) < 0) {
        return libvirt_error(err, SUBJECT("vm", migration->vm),
                             "limiting the downtime of VM \"%s\"", migration->vm);
    }
    if (!move(domain, migration, &target)) {
        return move_problem(domain, migration, ret_done, err);
    }
    if (ret_done != NULL) {
        read_finished(migration, domain, ret_done);
        ret_done->job = GUEST_JOB_DONE;
    }
    return 0;
}
