/* SPDX-License-Identifier: Apache-2.0 */
/* Event sets. Nothing happens to a simulated board by itself, so waiting ends in a time-out. */
#include <pthread.h>
#include <time.h>

#include "sim/nvml/library.h"

#define MAX_SETS 256

struct nvml_event_set {
    bool taken;
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
            events.sets[i].taken = true;
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

DEVICE_GETTER(nvmlDeviceGetSupportedEventTypes, uint64_t, 0x1F)

int32_t nvmlDeviceRegisterEvents(struct nvml_device *device, uint64_t event_types,
                                 struct nvml_event_set *set)
{
    (void)event_types;
    struct ref ref;
    int r = device_ref(device, set, &ref);
    return r == NVML_SUCCESS && !is_set(set) ? NVML_ERROR_INVALID_ARGUMENT : r;
}

int32_t nvmlEventSetWait_v2(struct nvml_event_set *set, struct nvml_event_data *data,
                            uint32_t timeoutms)
{
    int r = session_check();
    if (r != NVML_SUCCESS || data == NULL || !is_set(set)) {
        return r != NVML_SUCCESS ? r : NVML_ERROR_INVALID_ARGUMENT;
    }
    struct timespec rest = {.tv_sec = timeoutms / 1000, .tv_nsec = timeoutms % 1000 * 1000000L};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) != 0) {
    }
    return NVML_ERROR_TIMEOUT;
}

int32_t nvmlEventSetWait(struct nvml_event_set *set, struct nvml_event_data *data,
                         uint32_t timeoutms)
{
    return nvmlEventSetWait_v2(set, data, timeoutms);
}
