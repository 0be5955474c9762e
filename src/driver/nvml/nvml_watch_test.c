/* SPDX-License-Identifier: Apache-2.0 */
/* The watch of the driver's reports against the simulated library. */
#include "test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "await.h"
#include "driver/nvml/nvml_port.h"
#include "driver/nvml/nvml_watch.h"
#include "sim/rpc/served.h"

#define L40S "0001:61:00.0"
#define VM "d4cbbf8f-6bb7-4a7e-8c3b-8f5a1ac9a001"

struct heard {
    pthread_mutex_t lock;
    unsigned n;
    struct gpu_report last;
};

static void hear(const struct gpu_report *report, void *data)
{
    struct heard *heard = data;
    pthread_mutex_lock(&heard->lock);
    heard->n++;
    heard->last = *report;
    pthread_mutex_unlock(&heard->lock);
}

static unsigned count(struct heard *heard)
{
    pthread_mutex_lock(&heard->lock);
    unsigned n = heard->n;
    pthread_mutex_unlock(&heard->lock);
    return n;
}

struct bench {
    struct served *sim;
    struct gpu_port *port;
    struct heard heard;
};

static bool nvml_is_open(void *data)
{
    struct bench *b = data;
    sim_lock(b->sim->host);
    bool open = b->sim->host->nvml_clients(b->sim->host->nvml_clients_data) > 0;
    sim_unlock(b->sim->host);
    return open;
}

static bool nvml_is_closed(void *data)
{
    return !nvml_is_open(data);
}

/* Calls, each counted by a fault that never strikes; who looks opens NVML, too. */
enum counted { REGISTRATIONS, WAITS, OPENINGS, N_COUNTED };

static void count_calls(struct bench *b)
{
    static const char *const names[N_COUNTED] = {[REGISTRATIONS] = "nvmlDeviceRegisterEvents",
                                                 [WAITS] = "nvmlEventSetWait_v2",
                                                 [OPENINGS] = "nvmlInit*"};
    sim_lock(b->sim->host);
    for (size_t i = 0; i < N_COUNTED; i++) {
        struct sim_fault *fault = &b->sim->host->faults[b->sim->host->n_faults++];
        *fault = (struct sim_fault){.after = UINT32_MAX - 1, .count = SIM_NONE};
        STR_SET(fault->at, names[i]);
    }
    sim_unlock(b->sim->host);
}

static uint64_t calls(struct bench *b, enum counted which)
{
    sim_lock(b->sim->host);
    uint64_t n = b->sim->host->faults[which].seen;
    sim_unlock(b->sim->host);
    return n;
}

static void forget_calls(struct bench *b)
{
    sim_lock(b->sim->host);
    b->sim->host->faults[REGISTRATIONS].seen = b->sim->host->faults[WAITS].seen = 0;
    sim_unlock(b->sim->host);
}

static bool events_are_waited_for(void *data)
{
    return calls(data, WAITS) > 0;
}

static bool one_was_heard(void *heard)
{
    return count(heard) > 0;
}

static void look(struct bench *b)
{
    CLEANUP(host_freep) struct host *host = host_new();
    assert_int_equal(b->port->ops->observe(b->port, host, NULL), 0);
}

/* A vGPU that a VM has open. */
static int open_vm(struct bench *b, enum fixture_gpu which, uint32_t type)
{
    struct sim_gpu *gpu = b->sim->fix->gpus[which];
    char bdf[BDF_SIZE];
    sim_lock(b->sim->host);
    int r = sim_sriov(b->sim->host, gpu, true);
    r = r != 0 ? r : sim_vf_set_type(b->sim->host, gpu, &gpu->vfs[0], type);
    r = r != 0
            ? r
            : sim_open_device(b->sim->host, pci_addr_format(&gpu->vfs[0].addr, bdf), getpid(), VM);
    sim_unlock(b->sim->host);
    return r;
}

static int setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof(*b));
    pthread_mutex_init(&b->heard.lock, NULL);
    b->sim = served_new(SIM_VENDOR_VFIO);
    b->port = nvml_port_new();
    count_calls(b);
    *state = b;
    return open_vm(b, FIX_L40S, 1152);
}

static int teardown(void **state)
{
    struct bench *b = *state;
    b->port->ops->free(b->port);
    served_free(b->sim);
    free(b);
    return 0;
}

static void close_vm(struct bench *b)
{
    struct sim_gpu *gpu = b->sim->fix->gpus[FIX_L40S];
    char bdf[BDF_SIZE];
    sim_lock(b->sim->host);
    sim_close_device(b->sim->host, pci_addr_format(&gpu->vfs[0].addr, bdf), getpid());
    sim_unlock(b->sim->host);
}

static void raise_xid(struct bench *b, uint32_t xid)
{
    sim_lock(b->sim->host);
    sim_raise_xid(b->sim->host, b->sim->fix->gpus[FIX_L40S], xid);
    sim_unlock(b->sim->host);
}

static void watch(struct bench *b)
{
    assert_int_equal(b->port->ops->watch(b->port, hear, &b->heard, NULL), 0);
    look(b);
    assert_true(await(events_are_waited_for, b)); /* so it has registered */
}

static void an_xid_on_a_gpu_that_a_vm_uses_is_reported(void **state)
{
    struct bench *b = *state;
    watch(b);
    raise_xid(b, 31);
    assert_true(await(one_was_heard, &b->heard));
    assert_int_equal(count(&b->heard), 1);
    assert_int_equal(b->heard.last.kind, GPU_REPORT_XID);
    assert_int_equal(b->heard.last.xid, 31);
    char bdf[BDF_SIZE];
    assert_string_equal(pci_addr_format(&b->heard.last.gpu, bdf), L40S);
}

/* By how often it has been opened and what is registered when a VM uses one at last. */
static void nvml_is_not_held_while_no_vm_uses_a_vgpu(void **state)
{
    struct bench *b = *state;
    close_vm(b);
    look(b);
    uint64_t of_a_look = calls(b, OPENINGS);
    assert_int_equal(b->port->ops->watch(b->port, hear, &b->heard, NULL), 0);
    look(b);
    assert_false(nvml_is_open(b));
    assert_int_equal(open_vm(b, FIX_PRO, 1525), 0);
    look(b);
    assert_true(await(events_are_waited_for, b));
    assert_int_equal(calls(b, REGISTRATIONS), 1);
    assert_int_equal(calls(b, OPENINGS), 3 * of_a_look + 1);
}

static void nvml_is_let_go_when_the_last_vm_has_ended(void **state)
{
    struct bench *b = *state;
    watch(b);
    close_vm(b);
    assert_true(await(nvml_is_closed, b));
}

struct looker {
    struct bench *bench;
    _Atomic(pid_t) tid;
    atomic_bool looked;
};

static void *look_aside(void *data)
{
    struct looker *looker = data;
    looker->tid = gettid();
    look(looker->bench);
    looker->looked = true;
    return NULL;
}

static bool waits_or_has_looked(void *data)
{
    struct looker *looker = data;
    pid_t tid = looker->tid;
    return looker->looked || (tid != 0 && await_is_blocked(&tid));
}

/* A look meanwhile would have NVML open just as the watch has. */
static void hushed_it_lets_go_at_once_and_comes_back_afterwards(void **state)
{
    struct bench *b = *state;
    struct looker looker = {.bench = b};
    pthread_t thread;
    watch(b);
    b->port->ops->pause_watch(b->port, true);
    assert_false(nvml_is_open(b));
    assert_int_equal(pthread_create(&thread, NULL, look_aside, &looker), 0);
    assert_true(await(waits_or_has_looked, &looker));
    assert_false(looker.looked);
    assert_false(nvml_is_open(b));
    b->port->ops->pause_watch(b->port, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(await(nvml_is_open, b));
}

/* What the next watch hears, the one before it would have heard first. */
static void a_watch_that_is_called_off_reports_nothing_more(void **state)
{
    struct bench *b = *state;
    struct heard next = {.lock = PTHREAD_MUTEX_INITIALIZER};
    watch(b);
    assert_int_equal(b->port->ops->watch(b->port, NULL, NULL, NULL), 0);
    assert_false(nvml_is_open(b));
    raise_xid(b, 31);
    forget_calls(b);
    assert_int_equal(b->port->ops->watch(b->port, hear, &next, NULL), 0);
    look(b);
    assert_true(await(events_are_waited_for, b));
    raise_xid(b, 43);
    assert_true(await(one_was_heard, &next));
    assert_int_equal(next.last.xid, 43);
    assert_int_equal(count(&b->heard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_xid_on_a_gpu_that_a_vm_uses_is_reported, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nvml_is_not_held_while_no_vm_uses_a_vgpu, setup, teardown),
        cmocka_unit_test_setup_teardown(nvml_is_let_go_when_the_last_vm_has_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(hushed_it_lets_go_at_once_and_comes_back_afterwards, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_watch_that_is_called_off_reports_nothing_more, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
