/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/libvirt/vm_ends.h"

#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#define MAX_ENDS 4096 /* the oldest is forgotten: its claim is held then */
#define PAUSE_NS 100000000L

struct vm_ends {
    virConnectPtr connection;
    int callback;
    pthread_mutex_t lock;
    /* Under lock: */
    VEC(struct vm_end) ends;
    guest_changed_fn *changed;
    void *changed_data;
};

/* ---- libvirt's event loop: there is one per process ---- */

static void *run_events(void *data)
{
    (void)data;
    for (;;) {
        if (virEventRunDefaultImpl() < 0) {
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        }
    }
    return NULL;
}

static void start_events(void)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;
    if (virEventRegisterDefaultImpl() < 0) {
        log_warning("cleaved gets no events from libvirt: its event loop does not start");
        return;
    }
    (void)sigfillset(&all); /* signals belong to cleaved's own loop */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, run_events, NULL) == 0) {
        (void)pthread_setname_np(thread, "libvirt-events");
        (void)pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void vm_ends_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_events);
}

/* ---- events ---- */

static struct vm_end *find(struct vm_ends *ends, const char *uuid)
{
    for (vec_each(&ends->ends, end)) {
        if (str_eq_case(end->uuid, uuid)) {
            return end;
        }
    }
    return NULL;
}

static struct vm_end *find_or_add(struct vm_ends *ends, const char *uuid)
{
    struct vm_end *end = find(ends, uuid);
    if (end == NULL && ends->ends.n == MAX_ENDS) {
        vec_remove(&ends->ends, 0);
    }
    if (end == NULL) {
        end = vec_push(&ends->ends);
        STR_SET(end->uuid, uuid);
    }
    return end;
}

/* One that is renamed is undefined and defined in one go, and both events say so; one that is
 * defined over another is only defined. One that is undefined while it runs goes on without a
 * definition, and is gone when it stops. */
static void note(struct vm_ends *ends, const char *uuid, int event, int detail)
{
    struct vm_end *end = find(ends, uuid);
    switch (event) {
    case VIR_DOMAIN_EVENT_UNDEFINED:
        if (detail != VIR_DOMAIN_EVENT_UNDEFINED_RENAMED) {
            find_or_add(ends, uuid)->undefined = true;
        }
        break;
    case VIR_DOMAIN_EVENT_STOPPED:
        find_or_add(ends, uuid)->stopped = true;
        break;
    case VIR_DOMAIN_EVENT_DEFINED:
        if (end != NULL) {
            end->undefined = false;
        }
        break;
    case VIR_DOMAIN_EVENT_STARTED:
        if (end != NULL) {
            end->stopped = false;
        }
        break;
    default:
        break;
    }
    if (end != NULL && !end->undefined && !end->stopped) {
        vec_remove(&ends->ends, (size_t)(end - ends->ends.items));
    }
}

static int on_event(virConnectPtr connection, virDomainPtr domain, int event, int detail,
                    void *data)
{
    struct vm_ends *ends = data;
    char uuid[VIR_UUID_STRING_BUFLEN] = "";
    (void)connection;
    if (virDomainGetUUIDString(domain, uuid) == 0) { /* asks nothing of libvirtd */
        pthread_mutex_lock(&ends->lock);
        note(ends, uuid, event, detail);
        if (ends->changed != NULL) { /* under the lock: follow() may end it */
            ends->changed(ends->changed_data);
        }
        pthread_mutex_unlock(&ends->lock);
    }
    return 0;
}

/* Called by libvirt when no event can come any more. */
static void ends_free(void *data)
{
    struct vm_ends *ends = data;
    vec_done(&ends->ends);
    pthread_mutex_destroy(&ends->lock);
    free(ends);
}

struct vm_ends *vm_ends_subscribe(virConnectPtr connection)
{
    struct vm_ends *ends = xcalloc(1, sizeof(*ends));
    ends->connection = connection;
    pthread_mutex_init(&ends->lock, NULL);
    ends->callback =
        virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_event), ends, ends_free);
    if (ends->callback < 0) {
        log_warning("libvirt does not report VMs that are undefined: %s", virGetLastErrorMessage());
        ends_free(ends);
        return NULL;
    }
    return ends;
}

void vm_ends_follow(struct vm_ends *ends, guest_changed_fn *changed, void *data)
{
    if (ends != NULL) {
        pthread_mutex_lock(&ends->lock);
        ends->changed = changed;
        ends->changed_data = data;
        pthread_mutex_unlock(&ends->lock);
    }
}

void vm_ends_unsubscribe(struct vm_ends *ends)
{
    if (ends != NULL) {
        vm_ends_follow(ends, NULL, NULL);
        (void)virConnectDomainEventDeregisterAny(ends->connection, ends->callback);
    }
}

void vm_ends_tell(struct vm_ends *ends, struct host *host)
{
    if (ends == NULL) {
        return;
    }
    pthread_mutex_lock(&ends->lock);
    for (vec_each(&ends->ends, end)) {
        if (host_find_vm(host, end->uuid) == NULL) {
            *vec_push(&host->vm_ends) = *end;
        }
    }
    pthread_mutex_unlock(&ends->lock);
}
