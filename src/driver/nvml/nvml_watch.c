/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/nvml/nvml_watch.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "driver/nvml/nvml_gpu.h"

/* nvml.h, nvmlEventType… */
#define EVENT_DOUBLE_BIT_ECC 0x2U
#define EVENT_XID 0x8U

/* A GPU that is registered, so that a report can name it once it answers no more questions. */
struct watched {
    struct nvml_device *device;
    struct pci_addr addr;
};

struct addrs {
    struct pci_addr *items;
    size_t n;
    size_t cap;
};

struct nvml_watch {
    pthread_t thread;
    gpu_report_fn *fn;
    void *data;
    struct nvml nvml; /* the thread's, as is: */
    VEC(struct watched) watched;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock: */
    struct addrs wanted;
    bool renewed; /* `wanted` is not what is being watched */
    bool hushed;
    bool holding; /* NVML is open */
    bool stopping;
};

static bool may_hold(const struct nvml_watch *watch)
{
    return !watch->stopping && !watch->hushed && watch->wanted.n > 0;
}

/* ---- while holding ---- */

/* Must the watch let go, or begin again? */
static bool is_called_off(struct nvml_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    bool off = !may_hold(watch) || watch->renewed;
    pthread_mutex_unlock(&watch->lock);
    return off;
}

static bool any_in_use(struct nvml_watch *watch, const struct addrs *addrs)
{
    for (size_t i = 0; i < addrs->n; i++) {
        struct nvml_gpu gpu;
        uint32_t running =
            0; /* where it is not known, the next observation says whether to watch */
        if (nvml_gpu_find(&watch->nvml, &addrs->items[i], &gpu, NULL) == 0 &&
            nvml_gpu_running_vgpus(&gpu, NO_ID, &running, NULL) == 0 && running > 0) {
            return true;
        }
    }
    return false;
}

/* The GPUs are not watched again until the next observation says so. */
static void forget(struct nvml_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    if (!watch->renewed) {
        watch->wanted.n = 0;
    }
    pthread_mutex_unlock(&watch->lock);
}

static void report_event(struct nvml_watch *watch, const struct nvml_event_data *event)
{
    struct gpu_report report = {.kind = GPU_REPORT_UNREADABLE};
    for (vec_each(&watch->watched, known)) {
        if (known->device == event->device) {
            bool xid = event->event_type == EVENT_XID;
            report.gpu = known->addr;
            report.kind = xid ? GPU_REPORT_XID : GPU_REPORT_ECC;
            report.xid = xid ? (uint32_t)event->event_data : 0;
        }
    }
    watch->fn(&report, watch->data);
}

/* Until it is called off, nothing is in use any more, or the driver fails. */
static void wait_for_events(struct nvml_watch *watch, struct nvml_event_set *set,
                            const struct addrs *addrs)
{
    uint64_t look_us = clock_monotonic_us() + NVML_WATCH_LOOK_MS * UINT64_C(1000);
    while (!is_called_off(watch)) {
        struct nvml_event_data event = {0};
        int32_t code = watch->nvml.nvmlEventSetWait_v2(set, &event, NVML_WATCH_WAIT_MS);
        if (code == NVML_SUCCESS) {
            report_event(watch, &event);
        } else if (code != NVML_ERROR_TIMEOUT) {
            struct gpu_report report = {.kind = GPU_REPORT_UNREADABLE};
            watch->fn(&report, watch->data);
            return;
        }
        if (clock_monotonic_us() >= look_us) {
            if (!any_in_use(watch, addrs)) {
                forget(watch);
                return;
            }
            look_us = clock_monotonic_us() + NVML_WATCH_LOOK_MS * UINT64_C(1000);
        }
    }
}

static bool can_watch(const struct nvml *nvml)
{
    return nvml->nvmlEventSetCreate != NULL && nvml->nvmlEventSetFree != NULL &&
           nvml->nvmlEventSetWait_v2 != NULL && nvml->nvmlDeviceRegisterEvents != NULL;
}

/* A GPU that has no ECC refuses that kind: it gets the other alone. */
static void watch_gpu(struct nvml_watch *watch, struct nvml_event_set *set,
                      const struct pci_addr *addr)
{
    struct nvml_gpu gpu;
    if (nvml_gpu_find(&watch->nvml, addr, &gpu, NULL) != 0) {
        return;
    }
    if (watch->nvml.nvmlDeviceRegisterEvents(gpu.device, EVENT_XID | EVENT_DOUBLE_BIT_ECC, set) !=
        NVML_SUCCESS) {
        (void)watch->nvml.nvmlDeviceRegisterEvents(gpu.device, EVENT_XID, set);
    }
    *vec_push(&watch->watched) = (struct watched){.device = gpu.device, .addr = *addr};
}

static void hold(struct nvml_watch *watch, const struct addrs *addrs)
{
    if (nvml_open(&watch->nvml, NULL) < 0) {
        return;
    }
    struct nvml_event_set *set = NULL;
    if (can_watch(&watch->nvml) && watch->nvml.nvmlEventSetCreate(&set) == NVML_SUCCESS) {
        watch->watched.n = 0;
        for (size_t i = 0; i < addrs->n; i++) {
            watch_gpu(watch, set, &addrs->items[i]);
        }
        wait_for_events(watch, set, addrs);
        (void)watch->nvml.nvmlEventSetFree(set);
    }
    nvml_close(&watch->nvml);
}

/* ---- the thread ---- */

static void wait_ms(struct nvml_watch *watch, unsigned ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    (void)pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
}

static void *watch_main(void *data)
{
    struct nvml_watch *watch = data;
    struct addrs addrs = {0};
    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping) {
        if (!may_hold(watch)) {
            pthread_cond_wait(&watch->changed, &watch->lock);
            continue;
        }
        addrs.n = 0;
        for (vec_each(&watch->wanted, addr)) {
            *vec_push(&addrs) = *addr;
        }
        watch->renewed = false;
        watch->holding = true;
        pthread_mutex_unlock(&watch->lock);
        hold(watch, &addrs);
        pthread_mutex_lock(&watch->lock);
        watch->holding = false;
        pthread_cond_broadcast(&watch->changed);
        if (may_hold(watch) && !watch->renewed) {
            wait_ms(watch, NVML_WATCH_RETRY_MS); /* the driver failed or is gone */
        }
    }
    pthread_mutex_unlock(&watch->lock);
    vec_done(&addrs);
    vec_done(&watch->watched);
    nvml_done(&watch->nvml);
    return NULL;
}

int nvml_watch_new(gpu_report_fn *fn, void *data, struct nvml_watch **ret_watch)
{
    struct nvml_watch *watch = xcalloc(1, sizeof(*watch));
    watch->fn = fn;
    watch->data = data;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
    sigset_t all; /* signals belong to the loop */
    sigset_t before;
    (void)sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&watch->thread, NULL, watch_main, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r != 0) {
        pthread_cond_destroy(&watch->changed);
        pthread_mutex_destroy(&watch->lock);
        free(watch);
        return -r;
    }
    (void)pthread_setname_np(watch->thread, "gpu-watch");
    *ret_watch = watch;
    return 0;
}

void nvml_watch_free(struct nvml_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    vec_done(&watch->wanted);
    free(watch);
}

static bool same(const struct addrs *wanted, const struct pci_addr *gpus, size_t n)
{
    bool equal = wanted->n == n;
    for (size_t i = 0; equal && i < n; i++) {
        equal = pci_addr_cmp(&wanted->items[i], &gpus[i]) == 0;
    }
    return equal;
}

void nvml_watch_set(struct nvml_watch *watch, const struct pci_addr *gpus, size_t n)
{
    pthread_mutex_lock(&watch->lock);
    if (!same(&watch->wanted, gpus, n)) {
        watch->wanted.n = 0;
        for (size_t i = 0; i < n; i++) {
            *vec_push(&watch->wanted) = gpus[i];
        }
        watch->renewed = true;
        pthread_cond_broadcast(&watch->changed);
    }
    pthread_mutex_unlock(&watch->lock);
}

void nvml_watch_hush(struct nvml_watch *watch, bool on)
{
    pthread_mutex_lock(&watch->lock);
    watch->hushed = on;
    pthread_cond_broadcast(&watch->changed);
    while (on && watch->holding) {
        pthread_cond_wait(&watch->changed, &watch->lock);
    }
    pthread_mutex_unlock(&watch->lock);
}
