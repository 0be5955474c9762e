/* SPDX-License-Identifier: Apache-2.0 */
/* NVML calls on a simulated host: latency, and calls per second from 1 and 16 processes, next to
 * bare round trips over a socket of the same kind with messages of the same size. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "nvml/abi.h"
#include "sim/rpc/calls.h"

#define CALLS 20000
#define MANY 16
#define RUN_S 2.0

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One measured operation; returns 0 when it worked. */
typedef int op_fn(void *state);

struct latency {
    double median_us, p99_us;
};

static struct latency measure(op_fn *op, void *state)
{
    static double times[CALLS];
    for (int i = 0; i < CALLS; i++) {
        double began = now_s();
        if (op(state) != 0) {
            exit(1);
        }
        times[i] = (now_s() - began) * 1e6;
    }
    qsort(times, CALLS, sizeof(times[0]), compare);
    return (struct latency){times[CALLS / 2], times[CALLS * 99 / 100]};
}

/* ---- bare round trips: an echo in another process ---- */

struct echo {
    int fd;
};

static int echo_once(void *state)
{
    const struct echo *echo = state;
    char request[sizeof(struct rpc_request)] = {0};
    char reply[sizeof(struct rpc_reply) + sizeof(struct rpc_gpu)];
    return send(echo->fd, request, sizeof(request), 0) == (ssize_t)sizeof(request) &&
                   recv(echo->fd, reply, sizeof(reply), 0) == (ssize_t)sizeof(reply)
               ? 0
               : -1;
}

static void echo_start(struct echo *echo)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0) {
        exit(1);
    }
    if (fork() == 0) {
        close(fds[0]);
        char request[sizeof(struct rpc_request)];
        char reply[sizeof(struct rpc_reply) + sizeof(struct rpc_gpu)] = {0};
        while (recv(fds[1], request, sizeof(request), 0) > 0 &&
               send(fds[1], reply, sizeof(reply), 0) > 0) {
        }
        _exit(0);
    }
    close(fds[1]);
    echo->fd = fds[0];
}

/* ---- NVML ---- */

struct nvml {
    __typeof__(nvmlInit_v2) *init;
    __typeof__(nvmlDeviceGetHandleByIndex_v2) *handle;
    __typeof__(nvmlDeviceGetMemoryInfo) *memory;
    struct nvml_device *device;
};

static void nvml_start(struct nvml *nvml)
{
    void *library = dlopen(NVML_SONAME, RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    nvml->init = __extension__(__typeof__(nvml->init)) dlsym(library, "nvmlInit_v2");
    nvml->handle =
        __extension__(__typeof__(nvml->handle)) dlsym(library, "nvmlDeviceGetHandleByIndex_v2");
    nvml->memory =
        __extension__(__typeof__(nvml->memory)) dlsym(library, "nvmlDeviceGetMemoryInfo");
    if (nvml->init() != NVML_SUCCESS || nvml->handle(0, &nvml->device) != NVML_SUCCESS) {
        exit(1);
    }
}

static int memory_once(void *state)
{
    const struct nvml *nvml = state;
    struct nvml_memory memory;
    return nvml->memory(nvml->device, &memory);
}

/* ---- per second, from n processes at once ---- */

static double per_second(int n, int with_nvml)
{
    int fds[2];
    if (pipe(fds) < 0) {
        exit(1);
    }
    for (int i = 0; i < n; i++) {
        if (fork() == 0) {
            struct nvml nvml;
            struct echo echo;
            if (with_nvml) {
                nvml_start(&nvml);
            } else {
                echo_start(&echo);
            }
            double end = now_s() + RUN_S;
            double done = 0;
            while (now_s() < end) {
                if ((with_nvml ? memory_once(&nvml) : echo_once(&echo)) != 0) {
                    _exit(1);
                }
                done++;
            }
            _exit(write(fds[1], &done, sizeof(done)) == (ssize_t)sizeof(done) ? 0 : 1);
        }
    }
    close(fds[1]);
    double all = 0;
    double one = 0;
    int answered = 0;
    while (read(fds[0], &one, sizeof(one)) == (ssize_t)sizeof(one)) {
        all += one;
        answered++;
    }
    close(fds[0]);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    if (answered != n) {
        fprintf(stderr, "%d of %d processes failed\n", n - answered, n);
        exit(1);
    }
    return all / RUN_S;
}

int main(void)
{
    struct echo echo;
    struct nvml nvml;
    echo_start(&echo);
    nvml_start(&nvml);
    struct latency bare = measure(echo_once, &echo);
    struct latency memory = measure(memory_once, &nvml);
    close(echo.fd);
    printf(
        "nvmlDeviceGetMemoryInfo: median %.1f us, 99%% %.1f us; bare round trip: %.1f us, %.1f us; "
        "ratio of medians %.2f\n",
        memory.median_us, memory.p99_us, bare.median_us, bare.p99_us,
        memory.median_us / bare.median_us);
    static const int counts[] = {1, MANY};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        double calls = per_second(counts[i], 1);
        double trips = per_second(counts[i], 0);
        printf("calls per second from %d process%s: %.0f; bare round trips: %.0f; ratio %.2f\n",
               counts[i], counts[i] == 1 ? "" : "es", calls, trips, calls / trips);
    }
    return 0;
}
