/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/vm_reports.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_REPORTS 4096 /* between two looks; of more the host is not whole */

struct asked {
    char uuid[VIR_UUID_STRING_BUFLEN];
};

struct vm_reports {
    virConnectPtr connection;
    int lifecycle, reboot; /* callbacks; -1: none */
    unsigned users;        /* under lock, as all below: callbacks that libvirt has not freed */
    pthread_mutex_t lock;
    VEC(struct vm_report) reports;
    VEC(struct asked) by_host; /* VMs whose emulator the host asked to end, until it has */
    bool overflowed;           /* since a look took what there was */
    guest_changed_fn *changed;
    void *changed_data;
};

/* ---- what each event says ---- */

static const struct meaning {
    int event, detail;
    enum vm_happening happening;
    const char *text;
} meanings[] = {
    {VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_ADDED, VM_HAPPENED_DEFINED,
     "another program defined it"},
    {VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_UPDATED, VM_HAPPENED_DEFINED,
     "another program changed its definition"},
    {VIR_DOMAIN_EVENT_DEFINED, VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT, VM_HAPPENED_DEFINED,
     "another program took its definition from a snapshot"},
    {VIR_DOMAIN_EVENT_UNDEFINED, VIR_DOMAIN_EVENT_UNDEFINED_REMOVED, VM_HAPPENED_UNDEFINED,
     "its definition was removed"},
    {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED, VM_HAPPENED_STARTED,
     "another program started it"},
    {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED, VM_HAPPENED_STARTED,
     "another program migrated it to this host"},
    {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_RESTORED, VM_HAPPENED_STARTED,
     "another program started it from a saved state"},
    {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_FROM_SNAPSHOT, VM_HAPPENED_STARTED,
     "another program started it from a snapshot"},
    {VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP, VM_HAPPENED_STARTED,
     "its guest woke up"},
    {VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, VM_HAPPENED_PAUSED,
     "paused: another program asked for it"},
    {VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR, VM_HAPPENED_PAUSED,
     "paused: a disk of it has an I/O error"},
    {VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_WATCHDOG, VM_HAPPENED_PAUSED,
     "paused: its watchdog fired"},
    {VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_API_ERROR, VM_HAPPENED_PAUSED,
     "paused: a call to libvirt failed half-way"},
    {VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_UNPAUSED, VM_HAPPENED_RESUMED,
     "running, was paused"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN, VM_HAPPENED_STOPPED,
     "its guest has shut down"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, VM_HAPPENED_KILLED,
     "another program destroyed it"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_CRASHED, VM_HAPPENED_STOPPED,
     "libvirt ended it because its guest had crashed"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED, VM_HAPPENED_LEFT,
     "another program migrated it to another host"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SAVED, VM_HAPPENED_STOPPED,
     "another program saved its state to disk"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FAILED, VM_HAPPENED_CRASHED,
     "its emulator ended without being asked to"},
    {VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT, VM_HAPPENED_STOPPED,
     "another program took it back to a snapshot that was off"},
    {VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED, VM_HAPPENED_CRASHED,
     "its guest crashed"},
    {VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_CRASHLOADED, VM_HAPPENED_CRASHED,
     "its guest crashed, and loads its crash kernel"},
};

/* NULL: others are steps on the way to one of these. */
static const struct meaning *find_meaning(int event, int detail)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
        if (meanings[i].event == event && meanings[i].detail == detail) {
            return &meanings[i];
        }
    }
    return NULL;
}

/* ---- events ---- */

static void add(struct vm_reports *reports, virDomainPtr domain, const char *uuid,
                enum vm_happening happening, const char *text)
{
    if (reports->reports.n == MAX_REPORTS) {
        reports->overflowed = true;
        return;
    }
    struct vm_report *report = vec_push(&reports->reports);
    *report = (struct vm_report){.happening = happening, .at_us = clock_realtime_us()};
    STR_SET(report->uuid, uuid);
    STR_SET(report->name, vm_known_as(virDomainGetName(domain), uuid));
    STR_SET(report->text, text);
}

/* A VM's shutdown by SIGTERM is reported before its end, which does not name the cause. */
static bool take_asked(struct vm_reports *reports, const char *uuid)
{
    for (vec_each(&reports->by_host, asked)) {
        if (str_eq(asked->uuid, uuid)) {
            vec_remove(&reports->by_host, (size_t)(asked - reports->by_host.items));
            return true;
        }
    }
    return false;
}

static void note(struct vm_reports *reports, virDomainPtr domain, const char *uuid, int event,
                 int detail)
{
    const struct meaning *meaning = find_meaning(event, detail);
    if (event == VIR_DOMAIN_EVENT_SHUTDOWN && detail == VIR_DOMAIN_EVENT_SHUTDOWN_HOST) {
        (void)take_asked(reports, uuid); /* once each */
        STR_SET(vec_push(&reports->by_host)->uuid, uuid);
        return;
    }
    bool by_host = event == VIR_DOMAIN_EVENT_STOPPED && take_asked(reports, uuid);
    if (meaning != NULL) {
        bool ended = by_host && detail == VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN;
        add(reports, domain, uuid, meaning->happening,
            ended ? "a signal of this host ended its emulator" : meaning->text);
    }
}

static int on_lifecycle(virConnectPtr connection UNUSED, virDomainPtr domain, int event, int detail,
                        void *data)
{
    struct vm_reports *reports = data;
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    if (virDomainGetUUIDString(domain, uuid) == 0) { /* asks nothing of libvirtd */
        pthread_mutex_lock(&reports->lock);
        note(reports, domain, uuid, event, detail);
        pthread_mutex_unlock(&reports->lock);
    }
    return 0;
}

static void on_reboot(virConnectPtr connection UNUSED, virDomainPtr domain, void *data)
{
    struct vm_reports *reports = data;
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    if (virDomainGetUUIDString(domain, uuid) == 0) {
        pthread_mutex_lock(&reports->lock);
        add(reports, domain, uuid, VM_HAPPENED_REBOOTED, "its guest rebooted, or was reset");
        if (reports->changed != NULL) { /* under the lock: follow() may end it */
            reports->changed(reports->changed_data);
        }
        pthread_mutex_unlock(&reports->lock);
    }
}

static void release(struct vm_reports *reports)
{
    pthread_mutex_lock(&reports->lock);
    bool last = --reports->users == 0;
    pthread_mutex_unlock(&reports->lock);
    if (last) {
        vec_done(&reports->reports);
        vec_done(&reports->by_host);
        pthread_mutex_destroy(&reports->lock);
        free(reports);
    }
}

/* Called by libvirt when no event can come any more. */
static void callback_freed(void *data)
{
    release(data);
}

static int subscribe(struct vm_reports *reports, int event, virConnectDomainEventGenericCallback on)
{
    reports->users++;
    int callback = virConnectDomainEventRegisterAny(reports->connection, NULL, event, on, reports,
                                                    callback_freed);
    if (callback < 0) {
        reports->users--;
        log_warning("libvirt does not report what becomes of VMs: %s", virGetLastErrorMessage());
    }
    return callback;
}

struct vm_reports *vm_reports_subscribe(virConnectPtr connection)
{
    struct vm_reports *reports = xcalloc(1, sizeof(*reports));
    reports->connection = connection;
    reports->users = 1; /* the caller */
    pthread_mutex_init(&reports->lock, NULL);
    reports->lifecycle =
        subscribe(reports, VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
    reports->reboot = reports->lifecycle < 0 ? -1
                                             : subscribe(reports, VIR_DOMAIN_EVENT_ID_REBOOT,
                                                         VIR_DOMAIN_EVENT_CALLBACK(on_reboot));
    if (reports->lifecycle < 0) {
        release(reports);
        return NULL;
    }
    return reports;
}

void vm_reports_follow(struct vm_reports *reports, guest_changed_fn *changed, void *data)
{
    if (reports != NULL) {
        pthread_mutex_lock(&reports->lock);
        reports->changed = changed;
        reports->changed_data = data;
        pthread_mutex_unlock(&reports->lock);
    }
}

void vm_reports_unsubscribe(struct vm_reports *reports)
{
    if (reports == NULL) {
        return;
    }
    vm_reports_follow(reports, NULL, NULL);
    (void)virConnectDomainEventDeregisterAny(reports->connection, reports->lifecycle);
    if (reports->reboot >= 0) {
        (void)virConnectDomainEventDeregisterAny(reports->connection, reports->reboot);
    }
    release(reports);
}

void vm_reports_take(struct vm_reports *reports, struct host *host)
{
    if (reports == NULL) {
        return;
    }
    pthread_mutex_lock(&reports->lock);
    for (vec_each(&reports->reports, report)) {
        *vec_push(&host->vm_reports) = *report;
    }
    reports->reports.n = 0;
    host->vm_reports_whole = !reports->overflowed;
    reports->overflowed = false;
    pthread_mutex_unlock(&reports->lock);
}
