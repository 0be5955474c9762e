/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <unistd.h>

#include "await.h"
#include "base/clock.h"
#include "sim/state/ctl.h"
#include "sim/state/fault.h"
#include "sim/state/fixture.h"

#define FIXTURE() CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO)
#define PRO "0000:41:00.0"

/* Sends a control request; returns its errno, 0 when it was done. */
static int control(struct fixture *fix, bool root, const char *request)
{
    CLEANUP_FREE char *reply = sim_ctl_handle(fix->host, request, root);
    CLEANUP_JSON json_t *json = json_loads(reply, 0, NULL);
    return (int)json_integer_value(json_object_get(json, "errno"));
}

static void arm(struct fixture *fix, const char *fault)
{
    CLEANUP_FREE char *request = xasprintf("{\"op\":\"fault-add\",%s}", fault);
    assert_int_equal(control(fix, true, request), 0);
}

static int nvml(struct fixture *fix, const char *function, enum fixture_gpu gpu)
{
    return sim_fault_strike(fix->host, SIM_CALL_NVML, function, &fix->gpus[gpu]->addr).code;
}

static int written(struct fixture *fix, const char *path, const char *device)
{
    struct pci_addr addr;
    assert_true(pci_addr_parse(device, &addr));
    return sim_fault_strike(fix->host, SIM_CALL_WRITE, path, &addr).code;
}

static void a_fault_gives_its_code_to_the_calls_it_names(void **state)
{
    (void)state;
    FIXTURE();
    arm(fix, "\"at\":\"nvmlDeviceSetMigMode\",\"nvml\":\"NVML_ERROR_TIMEOUT\"");
    arm(fix, "\"at\":\"nvmlGpuInstance*\",\"nvml\":\"IN_USE\"");
    arm(fix, "\"at\":\"nvmlInit_v2\",\"nvml\":999");
    assert_int_equal(nvml(fix, "nvmlDeviceSetMigMode", FIX_PRO), 10);
    assert_int_equal(nvml(fix, "nvmlDeviceSetMigMode_v2", FIX_PRO), 0);
    assert_int_equal(nvml(fix, "nvmlGpuInstanceDestroy", FIX_PRO), 19);
    assert_int_equal(sim_fault_strike(fix->host, SIM_CALL_NVML, "nvmlInit_v2", NULL).code, 999);
}

static void a_file_is_named_by_its_path_or_the_end_of_it(void **state)
{
    (void)state;
    FIXTURE();
    static const char path[] = "/sys/devices/pci0000:40/0000:41:00.2/nvidia/current_vgpu_type";
    arm(fix, "\"at\":\"nvidia/current_vgpu_type\",\"errno\":\"EIO\",\"count\":1");
    assert_int_equal(written(fix, path, "0000:41:00.2"), -EIO);
    assert_int_equal(written(fix, path, "0000:41:00.2"), 0);
    arm(fix, "\"at\":\"/sys/*/current_vgpu_type\",\"errno\":\"EBUSY\",\"access\":\"write\"");
    assert_int_equal(written(fix, path, "0000:41:00.2"), -EBUSY);
    assert_int_equal(sim_fault_strike(fix->host, SIM_CALL_READ, path, NULL).code, 0);
    assert_int_equal(sim_fault_strike(fix->host, SIM_CALL_TOOL, path, NULL).code, -EBUSY);
}

static void a_fault_of_a_gpu_is_its_vfs_too(void **state)
{
    (void)state;
    FIXTURE();
    sim_sriov(fix->host, fix->gpus[FIX_PRO], true);
    arm(fix, "\"at\":\"*type\",\"errno\":\"EIO\",\"device\":\"" PRO "\"");
    assert_int_equal(written(fix, "/sys/x/type", PRO), -EIO);
    assert_int_equal(written(fix, "/sys/x/type", "0000:41:00.5"), -EIO);
    assert_int_equal(written(fix, "/sys/x/type", "0000:21:00.0"), 0);
    assert_int_equal(sim_fault_strike(fix->host, SIM_CALL_WRITE, "/sys/x/type", NULL).code, 0);
}

static void count_after_and_duration_bound_it(void **state)
{
    (void)state;
    FIXTURE();
    arm(fix, "\"at\":\"nvmlA\",\"nvml\":15,\"after\":2,\"count\":2");
    int codes[6];
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        codes[i] = nvml(fix, "nvmlA", FIX_PRO);
    }
    static const int expected[] = {0, 0, 15, 15, 0, 0};
    assert_memory_equal(codes, expected, sizeof(expected));
    arm(fix, "\"at\":\"nvmlB\",\"nvml\":15,\"for_s\":1");
    assert_int_equal(nvml(fix, "nvmlB", FIX_PRO), 15);
    fix->host->faults[0].until_us = 1;
    assert_int_equal(nvml(fix, "nvmlB", FIX_PRO), 0);
    assert_int_equal(fix->host->n_faults, 0);
}

static void what_struck_a_call_ends_it_however_often_it_asks(void **state)
{
    (void)state;
    FIXTURE();
    const struct pci_addr *gpu = &fix->gpus[FIX_PRO]->addr;
    arm(fix, "\"at\":\"nvmlA\",\"nvml\":15,\"count\":1");
    arm(fix, "\"at\":\"nvmlA\",\"nvml\":19,\"after\":1");
    struct sim_met first = {0};
    struct sim_met second = {0};
    assert_int_equal(sim_fault_strike_again(fix->host, "nvmlA", gpu, &first).code, 15);
    assert_int_equal(sim_fault_strike_again(fix->host, "nvmlA", gpu, &first).code, 15);
    assert_int_equal(sim_fault_strike_again(fix->host, "nvmlA", gpu, &second).code, 19);
    assert_int_equal(sim_fault_strike_again(fix->host, "nvmlA", gpu, &second).code, 19);
    assert_int_equal(fix->host->n_faults, 1);
    assert_int_equal(fix->host->faults[0].seen, 2);
    assert_int_equal(fix->host->faults[0].struck, 1);
}

static void chances_are_the_seeds(void **state)
{
    (void)state;
    unsigned hits[3] = {0};
    uint64_t patterns[3] = {0};
    for (size_t run = 0; run < 3; run++) {
        FIXTURE();
        fix->host->seed = run < 2 ? 7 : 8;
        arm(fix, "\"at\":\"nvmlA\",\"nvml\":15,\"probability\":0.25");
        for (unsigned i = 0; i < 64; i++) {
            bool hit = nvml(fix, "nvmlA", FIX_PRO) != 0;
            hits[run] += hit;
            patterns[run] |= (uint64_t)hit << i;
        }
    }
    assert_true(patterns[0] == patterns[1] && patterns[0] != patterns[2]);
    assert_in_range(hits[0], 6, 28);
}

static void a_fault_can_break_the_gpu(void **state)
{
    (void)state;
    FIXTURE();
    uint64_t cursor = fix->host->n_events;
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    arm(fix, "\"device\":\"" PRO "\",\"ecc\":\"uncorrected\"");
    arm(fix, "\"device\":\"" PRO "\",\"xid\":31");
    arm(fix, "\"at\":\"nvmlA\",\"lost\":true");
    assert_int_equal(pro->uncorrected.volatile_count, 1);
    assert_false(pro->lost);
    nvml(fix, "nvmlA", FIX_PRO);
    assert_true(pro->lost);
    static const struct {
        uint64_t type, data;
    } expected[] = {{SIM_EVENT_DOUBLE_BIT_ECC, 0},
                    {SIM_EVENT_XID, 48},
                    {SIM_EVENT_XID, 31},
                    {SIM_EVENT_XID, 79}};
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        const struct sim_event *event = sim_next_event(fix->host, &cursor);
        assert_non_null(event);
        assert_int_equal(event->gpu, FIX_PRO);
        assert_int_equal(event->type, expected[i].type);
        assert_int_equal(event->data, expected[i].data);
    }
    assert_null(sim_next_event(fix->host, &cursor));
    sim_reboot(fix->host);
    assert_int_equal(pro->uncorrected.volatile_count, 0);
    assert_int_equal(pro->uncorrected.aggregate_count, 1);
    assert_int_equal(pro->last_xid, 0);
}

static void a_slow_call_takes_its_time(void **state)
{
    (void)state;
    FIXTURE();
    arm(fix, "\"at\":\"reset\",\"delay_ms\":30");
    uint64_t before = clock_monotonic_us();
    assert_int_equal(control(fix, true, "{\"op\":\"reset\",\"gpu\":\"" PRO "\"}"), 0);
    assert_true(clock_monotonic_us() - before >= 30000);
}

static bool has_struck(void *data)
{
    struct sim_host *host = data;
    sim_lock(host);
    bool struck = host->n_faults > 0 && host->faults[0].struck > 0;
    sim_unlock(host);
    return struck;
}

static void *clear_once_struck(void *data)
{
    struct fixture *fix = data;
    assert_true(await(has_struck, fix->host));
    assert_int_equal(control(fix, true, "{\"op\":\"fault-clear\"}"), 0);
    return NULL;
}

static void a_hanging_call_comes_back_when_the_fault_is_cleared(void **state)
{
    (void)state;
    FIXTURE();
    arm(fix, "\"at\":\"reset\",\"hang\":true,\"errno\":\"ETIMEDOUT\",\"count\":1");
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, clear_once_struck, fix), 0);
    assert_int_equal(control(fix, true, "{\"op\":\"reset\",\"gpu\":\"" PRO "\"}"), ETIMEDOUT);
    assert_int_equal(fix->host->n_faults, 0); /* so it came back when the fault was gone */
    pthread_join(thread, NULL);
}

static void tools_fail_as_the_kernel_would(void **state)
{
    (void)state;
    FIXTURE();
    static const char enable[] = "{\"op\":\"sriov\",\"gpu\":\"" PRO "\",\"enable\":true}";
    arm(fix, "\"at\":\"sriov-manage\",\"errno\":\"EBUSY\",\"count\":2");
    assert_int_equal(control(fix, true, enable), EBUSY);
    assert_int_equal(control(fix, true, enable), EBUSY);
    assert_int_equal(fix->gpus[FIX_PRO]->n_vfs, 0);
    assert_int_equal(control(fix, true, enable), 0);
    assert_int_equal(fix->gpus[FIX_PRO]->n_vfs, 48);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    FIXTURE();
    static const char *const bad[] = {
        "\"at\":\"nvmlA\"",
        "\"nvml\":15",
        "\"lost\":true",
        "\"at\":\"nvmlA\",\"nvml\":\"NO_SUCH\"",
        "\"at\":\"x\",\"errno\":\"EWHAT\"",
        "\"at\":\"x\",\"nvml\":15,\"probability\":1.5",
        "\"at\":\"x\",\"nvml\":15,\"device\":\"here\"",
        "\"at\":\"x\",\"nvml\":15,\"counts\":1",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CLEANUP_FREE char *request = xasprintf("{\"op\":\"fault-add\",%s}", bad[i]);
        assert_int_equal(control(fix, true, request), EINVAL);
    }
    assert_int_equal(control(fix, true, "{\"op\":\"fault-clear\",\"id\":9}"), ENOENT);
    assert_int_equal(fix->host->n_faults, 0);
}

static void only_root_changes_things(void **state)
{
    (void)state;
    FIXTURE();
    assert_int_equal(control(fix, false, "{\"op\":\"reboot\"}"), EACCES);
    assert_int_equal(control(fix, false, "{\"op\":\"fault-clear\"}"), EACCES);
    assert_int_equal(control(fix, false, "{\"op\":\"status\"}"), 0);
    assert_int_equal(control(fix, false, "{\"op\":\"fault-list\"}"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fault_gives_its_code_to_the_calls_it_names),
        cmocka_unit_test(a_file_is_named_by_its_path_or_the_end_of_it),
        cmocka_unit_test(a_fault_of_a_gpu_is_its_vfs_too),
        cmocka_unit_test(count_after_and_duration_bound_it),
        cmocka_unit_test(what_struck_a_call_ends_it_however_often_it_asks),
        cmocka_unit_test(chances_are_the_seeds),
        cmocka_unit_test(a_fault_can_break_the_gpu),
        cmocka_unit_test(a_slow_call_takes_its_time),
        cmocka_unit_test(a_hanging_call_comes_back_when_the_fault_is_cleared),
        cmocka_unit_test(tools_fail_as_the_kernel_would),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(only_root_changes_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
