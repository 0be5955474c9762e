/* SPDX-License-Identifier: Apache-2.0 */
/* Event sets: what faults make boards report. */
#include <pthread.h>
#include <time.h>

#include "sim/nvml/reader.h"
#include "sim/rpc/client.h"

#define MAX_SETS 256

#define MAX_WATCHED RPC_MAX_GPUS
#define POLL_MS 20u

struct nvml_event_set {
    bool taken;
    uint64_t types[MAX_WATCHED]; /* by the host's number of the board */
    uint64_t cursor;             /* of the next event to look at */
    bool started;
};

static struct {
    pthread_mutex_t lock;
    struct nvml_event_set sets[MAX_SETS];
} events = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool is_set(const struct nvml_event_set *set)
{
    bool known = false;
    pthread_mutex_lock(&events.lock);
    for (size_t i = 0; i < MAX_SETS && !known; i++) {
        known = set == &events.sets[i] && set->taken;
    }
    pthread_mutex_unlock(&events.lock);
    return known;
}

int32_t nvmlEventSetCreate(struct nvml_event_set **set)
{
    int r = session_check();
    if (r != NVML_SUCCESS || set == NULL) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    r = NVML_ERROR_MEMORY;
    pthread_mutex_lock(&events.lock);
    for (size_t i = 0; i < MAX_SETS && r != NVML_SUCCESS; i++) {
        if (!events.sets[i].taken) {
            events.sets[i] = (struct nvml_event_set){.taken = true};
            *set = &events.sets[i];
            r = NVML_SUCCESS;
        }
    }
    pthread_mutex_unlock(&events.lock);
    return r;
}

int32_t nvmlEventSetFree(struct nvml_event_set *set)
{
    int r = session_check();
    if (r != NVML_SUCCESS || !is_set(set)) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    pthread_mutex_lock(&events.lock);
    set->taken = false;
    pthread_mutex_unlock(&events.lock);
    return NVML_SUCCESS;
}

/* ECC errors of either kind and Xids are reported; the rest never happens here. */
#define EVENT_SINGLE_BIT_ECC 0x1u
#define EVENT_DOUBLE_BIT_ECC 0x2u
#define EVENT_PSTATE 0x4u
#define EVENT_XID 0x8u
#define EVENT_CLOCK 0x10u
#define EVENTS_KNOWN                                                                               \
    (EVENT_SINGLE_BIT_ECC | EVENT_DOUBLE_BIT_ECC | EVENT_PSTATE | EVENT_XID | EVENT_CLOCK)

DEVICE_GETTER(nvmlDeviceGetSupportedEventTypes, uint64_t, EVENTS_KNOWN)

static int read_event(uint64_t cursor, struct rpc_event *ret_event)
{
    return CALL(EVENT, ret_event, (uint32_t)cursor, (uint32_t)(cursor >> 32));
}

/* Events from now on count: those before the first registration are dropped. */
int32_t nvmlDeviceRegisterEvents(struct nvml_device *device, uint64_t event_types,
                                 struct nvml_event_set *set)
{
    struct ref ref;
    struct rpc_event newest;
    int r = device_ref(device, set, &ref);
    if (r == NVML_SUCCESS && !is_set(set)) {
        r = NVML_ERROR_INVALID_ARGUMENT;
    }
    if (r == NVML_SUCCESS && (event_types & ~(uint64_t)EVENTS_KNOWN) != 0) {
        r = NVML_ERROR_NOT_SUPPORTED;
    }
    if (r == NVML_SUCCESS) {
        r = read_event(UINT64_MAX, &newest);
    }
    if (r != NVML_SUCCESS) {
        return r;
    }
    pthread_mutex_lock(&events.lock);
    set->types[ref.gpu] |= event_types;
    if (!set->started) {
        set->cursor = newest.next;
        set->started = true;
    }
    pthread_mutex_unlock(&events.lock);
    return NVML_SUCCESS;
}

/* The set's next event, if there is one: TIMEOUT if not. */
static int take_event(struct nvml_event_set *set, struct rpc_event *ret_event)
{
    int r = NVML_SUCCESS;
    pthread_mutex_lock(&events.lock);
    bool wanted = false;
    while (r == NVML_SUCCESS && !wanted) {
        r = set->started ? read_event(set->cursor, ret_event) : NVML_ERROR_TIMEOUT;
        if (r == NVML_SUCCESS && !ret_event->exists) {
            r = NVML_ERROR_TIMEOUT;
        }
        if (r == NVML_SUCCESS) {
            set->cursor = ret_event->next;
            wanted =
                ret_event->gpu < MAX_WATCHED && (set->types[ret_event->gpu] & ret_event->type) != 0;
        }
    }
    pthread_mutex_unlock(&events.lock);
    return r;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

static void fill_event(const struct rpc_event *event, struct nvml_event_data *out)
{
    *out = (struct nvml_event_data){
        .device = handle_device((struct ref){.gpu = event->gpu, .gi = RPC_NONE, .ci = RPC_NONE}),
        .event_type = event->type,
        .event_data = event->data,
        .gpu_instance_id = RPC_NONE,
        .compute_instance_id = RPC_NONE};
}

/* Blocks until an event or the time is there. */
int32_t nvmlEventSetWait_v2(struct nvml_event_set *set, struct nvml_event_data *data,
                            uint32_t timeoutms)
{
    int r = session_check();
    if (r != NVML_SUCCESS || data == NULL || !is_set(set)) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    uint64_t end = now_ms() + timeoutms;
    for (;;) {
        struct rpc_event event;
        r = take_event(set, &event);
        if (r == NVML_SUCCESS) {
            fill_event(&event, data);
            return r;
        }
        uint64_t now = now_ms();
        if (r != NVML_ERROR_TIMEOUT || now >= end) {
            return r;
        }
        uint64_t rest = end - now < POLL_MS ? end - now : POLL_MS;
        struct timespec pause = {.tv_nsec = (long)rest * 1000000L};
        nanosleep(&pause, NULL);
    }
}

int32_t nvmlEventSetWait(struct nvml_event_set *set, struct nvml_event_data *data,
                         uint32_t timeoutms)
{
    return nvmlEventSetWait_v2(set, data, timeoutms);
}
