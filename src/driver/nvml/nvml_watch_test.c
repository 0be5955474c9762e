/* SPDX-License-Identifier: Apache-2.0 */
/* The watch of the driver's reports against the simulated library. */
#include "test.h"

#include <pthread.h>

#include "base/clock.h"
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

static void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000},
              NULL);
}

struct bench {
    struct served *sim;
    struct gpu_port *port;
    struct heard heard;
};

static bool nvml_is_open(struct bench *b)
{
    sim_lock(b->sim->host);
    bool open = b->sim->host->nvml_clients(b->sim->host->nvml_clients_data) > 0;
    sim_unlock(b->sim->host);
    return open;
}

static bool waits_until_open(struct bench *b, bool wanted, unsigned ms)
{
    for (unsigned i = 0; i < ms / 10 && nvml_is_open(b) != wanted; i++) {
        sleep_ms(10);
    }
    return nvml_is_open(b) == wanted;
}

static void look(struct bench *b)
{
    CLEANUP(host_freep) struct host *host = host_new();
    assert_int_equal(b->port->ops->observe(b->port, host, NULL), 0);
}

/* A vGPU on the L40S that a VM has open. */
static int setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof(*b));
    pthread_mutex_init(&b->heard.lock, NULL);
    b->sim = served_new(SIM_VENDOR_VFIO);
    b->port = nvml_port_new();
    struct sim_gpu *gpu = b->sim->fix->gpus[FIX_L40S];
    char bdf[BDF_SIZE];
    sim_lock(b->sim->host);
    int r = sim_sriov(b->sim->host, gpu, true);
    r = r != 0 ? r : sim_vf_set_type(b->sim->host, gpu, &gpu->vfs[0], 1152);
    r = r != 0
            ? r
            : sim_open_device(b->sim->host, pci_addr_format(&gpu->vfs[0].addr, bdf), getpid(), VM);
    sim_unlock(b->sim->host);
    *state = b;
    return r;
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
    assert_true(waits_until_open(b, true, 2000));
    sleep_ms(2 * NVML_WATCH_WAIT_MS); /* registered by now */
}

static void an_xid_on_a_gpu_that_a_vm_uses_is_reported(void **state)
{
    struct bench *b = *state;
    watch(b);
    raise_xid(b, 31);
    for (unsigned i = 0; i < 200 && count(&b->heard) == 0; i++) {
        sleep_ms(10);
    }
    assert_int_equal(count(&b->heard), 1);
    assert_int_equal(b->heard.last.kind, GPU_REPORT_XID);
    assert_int_equal(b->heard.last.xid, 31);
    char bdf[BDF_SIZE];
    assert_string_equal(pci_addr_format(&b->heard.last.gpu, bdf), L40S);
}

static void nvml_is_not_held_while_no_vm_uses_a_vgpu(void **state)
{
    struct bench *b = *state;
    close_vm(b);
    assert_int_equal(b->port->ops->watch(b->port, hear, &b->heard, NULL), 0);
    look(b);
    sleep_ms(3 * NVML_WATCH_WAIT_MS);
    assert_false(nvml_is_open(b));
}

static void nvml_is_let_go_when_the_last_vm_has_ended(void **state)
{
    struct bench *b = *state;
    watch(b);
    close_vm(b);
    assert_true(waits_until_open(b, false, 3 * NVML_WATCH_LOOK_MS));
}

static void *look_aside(void *data)
{
    look(data);
    return NULL;
}

/* Who looks meanwhile would have NVML open just as the watch has. */
static void hushed_it_lets_go_at_once_and_comes_back_when_told(void **state)
{
    struct bench *b = *state;
    pthread_t thread;
    watch(b);
    b->port->ops->hush(b->port, true);
    assert_false(nvml_is_open(b));
    assert_int_equal(pthread_create(&thread, NULL, look_aside, b), 0);
    sleep_ms(2 * NVML_WATCH_WAIT_MS);
    assert_false(nvml_is_open(b));
    b->port->ops->hush(b->port, false);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(waits_until_open(b, true, 2000));
}

static void a_watch_that_is_called_off_reports_nothing_more(void **state)
{
    struct bench *b = *state;
    watch(b);
    assert_int_equal(b->port->ops->watch(b->port, NULL, NULL, NULL), 0);
    assert_false(nvml_is_open(b));
    raise_xid(b, 31);
    sleep_ms(2 * NVML_WATCH_WAIT_MS);
    assert_int_equal(count(&b->heard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_xid_on_a_gpu_that_a_vm_uses_is_reported, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nvml_is_not_held_while_no_vm_uses_a_vgpu, setup, teardown),
        cmocka_unit_test_setup_teardown(nvml_is_let_go_when_the_last_vm_has_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(hushed_it_lets_go_at_once_and_comes_back_when_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_watch_that_is_called_off_reports_nothing_more, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
