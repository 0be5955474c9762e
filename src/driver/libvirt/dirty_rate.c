/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a guest changes its memory, as the emulator samples it (libvirt since 7.2). */
#include <errno.h>
#include <libvirt/virterror.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "driver/libvirt/connection.h"

#define WATCH_S 1
#define POLL_MS 50
#define PATIENCE_US 5000000
#define MIB (1024ULL * 1024)

/* libvirt tells "not yet" and "done" by a state in the domain's statistics, and by no event when it
 * changes. */
static void pause_ms(long ms)
{
    struct timespec left = {.tv_nsec = ms * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* 0: *ret_measured says whether it is there yet. */
static int read_rate(virDomainPtr domain, bool *ret_measured, uint64_t *ret_bytes_per_s,
                     struct error *err)
{
    const char *name = virDomainGetName(domain);
    virDomainPtr domains[] = {domain, NULL};
    virDomainStatsRecordPtr *records = NULL;
    if (virDomainListGetStats(domains, VIR_DOMAIN_STATS_DIRTYRATE, &records, 0) != 1) {
        return libvirt_error(err, SUBJECT("vm", name), "how fast VM \"%s\" changes its memory",
                             name);
    }
    int state = -1;
    long long mib = 0;
    const virDomainStatsRecord *record = records[0];
    (void)virTypedParamsGetInt(record->params, record->nparams, "dirtyrate.calc_status", &state);
    *ret_measured = state == VIR_DOMAIN_DIRTYRATE_MEASURED &&
                    virTypedParamsGetLLong(record->params, record->nparams,
                                           "dirtyrate.megabytes_per_second", &mib) == 1;
    *ret_bytes_per_s = mib > 0 ? (uint64_t)mib * MIB : 0;
    virDomainStatsRecordListFree(records);
    return 0;
}

int libvirt_dirty_rate(struct libvirt_port *port, const char *vm, uint64_t *ret_bytes_per_s,
                       struct error *err)
{
    CLEANUP_DOMAIN virDomainPtr domain = NULL;
    int result = libvirt_find(port, vm, &domain, err);
    if (result < 0) {
        return result;
    }
    if (virDomainStartDirtyRateCalc(domain, WATCH_S, 0) < 0) {
        return libvirt_error(err, SUBJECT("vm", vm),
                             "watching how fast VM \"%s\" changes its memory", vm);
    }
    uint64_t end_us = clock_monotonic_us() + PATIENCE_US;
    bool measured = false;
    while (result == 0 && !measured && clock_monotonic_us() < end_us) {
        pause_ms(POLL_MS);
        result = read_rate(domain, &measured, ret_bytes_per_s, err);
    }
    if (result == 0 && !measured) {
        return error_set(err, REASON_UNAVAILABLE, SUBJECT("vm", vm),
                         "the emulator of VM \"%s\" did not say how fast its memory changes", vm);
    }
    return result;
}
