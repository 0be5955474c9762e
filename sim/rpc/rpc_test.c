/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "await.h"
#include "sim/rpc/client.h"
#include "sim/rpc/served.h"
#include "sim/rpc/wire.h"

#define CALL(call, out, ...)                                                                       \
    rpc_call(RPC_##call, (const uint32_t[RPC_MAX_ARGS]){__VA_ARGS__}, (out), sizeof(*(out)))

static void a_request_is_answered_from_the_host_s_state(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct rpc_host host;
    assert_int_equal(CALL(HOST, &host, 0), NVML_SUCCESS);
    assert_string_equal(host.driver_version, "580.105.08");
    assert_int_equal(host.branch, 580);
    assert_int_equal(host.n_nvml, FIX_GPUS);
    struct rpc_gpu gpu;
    assert_int_equal(CALL(GPU, &gpu, FIX_L40S), NVML_SUCCESS);
    assert_string_equal(gpu.name, "NVIDIA L40S");
    assert_int_equal(gpu.domain, 1);
    rpc_disconnect();
}

static void what_a_request_can_t_have_is_refused_by_code(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct rpc_gpu gpu;
    struct rpc_profile profile;
    struct rpc_id id;
    assert_int_equal(CALL(GPU, &gpu, 99), NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(CALL(PROFILE, &profile, FIX_A100, RPC_BY_ID, 1234),
                     NVML_ERROR_INVALID_ARGUMENT);
    assert_int_equal(CALL(PROFILE, &profile, FIX_A100, RPC_BY_NUMBER, NVML_GI_1_SLICE_GFX),
                     NVML_ERROR_NOT_SUPPORTED);
    assert_int_equal(CALL(GI_CREATE, &id, FIX_A100, 19, RPC_NONE), NVML_ERROR_NOT_SUPPORTED);
    sim_lock(sim->host);
    sim->fix->gpus[FIX_T4]->lost = true;
    sim_unlock(sim->host);
    assert_int_equal(CALL(GPU, &gpu, FIX_T4), NVML_ERROR_GPU_IS_LOST);
    rpc_disconnect();
}

static void garbage_ends_or_fails_its_own_connection_only(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct rpc_reply reply;
    struct rpc_request request = {.magic = RPC_MAGIC, .call = 12345};
    int fd = wire_connect(NULL);
    assert_true(fd >= 0);
    assert_int_equal(wire_send(fd, &request, sizeof(request), NULL, 0), 0);
    assert_int_equal(wire_recv(fd, &reply, sizeof(reply)), sizeof(reply));
    assert_int_equal(reply.code, NVML_ERROR_UNKNOWN);
    request = (struct rpc_request){.magic = 1, .call = RPC_HOST};
    assert_int_equal(wire_send(fd, &request, sizeof(request), NULL, 0), 0);
    assert_int_equal(wire_recv(fd, &reply, sizeof(reply)), sizeof(reply));
    assert_int_equal(reply.code, NVML_ERROR_LIB_RM_VERSION_MISMATCH);
    assert_int_equal(wire_send(fd, "x", 1, NULL, 0), 0); /* not a request at all */
    assert_int_equal(wire_recv(fd, &reply, sizeof(reply)), 0);
    close(fd);
    struct rpc_host host;
    assert_int_equal(CALL(HOST, &host, 0), NVML_SUCCESS);
    rpc_disconnect();
}

static void a_client_that_leaves_before_its_answer_leaves_a_whole_change(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    for (int i = 0; i < 20; i++) {
        struct rpc_request request = {
            .magic = RPC_MAGIC, .call = RPC_SET_MIG, .args = {FIX_A100, (uint32_t)i % 2}};
        int fd = wire_connect(NULL);
        assert_true(fd >= 0);
        assert_int_equal(wire_send(fd, &request, sizeof(request), NULL, 0), 0);
        close(fd);
    }
    struct rpc_gpu gpu;
    assert_int_equal(CALL(GPU, &gpu, FIX_A100), NVML_SUCCESS);
    assert_int_equal(gpu.mig_current, gpu.mig_pending);
    rpc_disconnect();
}

#define KILLS 25

/* Makes and removes instances until it is killed. */
static _Noreturn void work_for_ever(void)
{
    for (;;) {
        struct rpc_id gi;
        struct rpc_id ci;
        struct rpc_nothing nothing;
        if (CALL(GI_CREATE, &gi, FIX_A100, 14, RPC_NONE) == NVML_SUCCESS &&
            CALL(CI_CREATE, &ci, FIX_A100, gi.id, 0, RPC_NONE) == NVML_SUCCESS) {
            CALL(CI_DESTROY, &nothing, FIX_A100, gi.id, ci.id);
        }
        CALL(GI_DESTROY, &nothing, FIX_A100, gi.id);
    }
}

struct progress {
    struct served *sim;
    uint64_t changes;
};

static uint64_t changes(struct served *sim)
{
    sim_lock(sim->host);
    uint64_t n = sim->host->changes;
    sim_unlock(sim->host);
    return n;
}

static bool is_in_the_middle(void *data)
{
    const struct progress *progress = data;
    return changes(progress->sim) >= progress->changes;
}

static bool serves_this_process_alone(void *rpc)
{
    return sim_rpc_count(rpc) == 1;
}

/* The last request of a client that died is still carried out, whole, even if its connection was
 * not accepted yet: one that came later has been, then. */
static void wait_until_quiet(struct served *sim)
{
    CLEANUP_FREE char *reply = NULL;
    assert_int_equal(sim_ctl_call(sim->socket, "{\"op\":\"fault-list\"}", &reply), 0);
    assert_true(await(serves_this_process_alone, sim->rpc));
}

/* Destroys all there is; each thing must let itself be destroyed. Returns how many there were. */
static uint32_t clean_up(void)
{
    struct rpc_instances all;
    struct rpc_nothing nothing;
    assert_int_equal(CALL(INSTANCES, &all, FIX_A100), NVML_SUCCESS);
    for (uint32_t i = 0; i < all.n; i++) {
        const struct rpc_instance *gi = &all.items[i];
        for (uint32_t c = 0; c < gi->n_compute; c++) {
            assert_int_equal(CALL(CI_DESTROY, &nothing, FIX_A100, gi->id, gi->compute[c].id),
                             NVML_SUCCESS);
        }
        assert_int_equal(CALL(GI_DESTROY, &nothing, FIX_A100, gi->id), NVML_SUCCESS);
    }
    return all.n;
}

static void a_client_killed_in_the_middle_leaves_no_half_state(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct rpc_activation activation;
    assert_int_equal(CALL(SET_MIG, &activation, FIX_A100, 1), NVML_SUCCESS);
    struct rpc_profile before;
    struct rpc_profile after;
    assert_int_equal(CALL(PROFILE, &before, FIX_A100, RPC_BY_ID, 14), NVML_SUCCESS);
    uint32_t left_behind = 0;
    for (unsigned i = 0; i < KILLS; i++) {
        struct progress progress = {sim, changes(sim) + 1 + i};
        pid_t pid = fork();
        if (pid == 0) {
            work_for_ever();
        }
        assert_true(await(is_in_the_middle, &progress));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        wait_until_quiet(sim);
        left_behind += clean_up();
        assert_int_equal(CALL(PROFILE, &after, FIX_A100, RPC_BY_ID, 14), NVML_SUCCESS);
        assert_int_equal(after.remaining, before.remaining);
    }
    print_message("# %u whole instances were left behind by %u kills\n", left_behind, KILLS);
    rpc_disconnect();
}

static void a_forked_child_speaks_on_a_connection_of_its_own(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct rpc_host host;
    assert_int_equal(CALL(HOST, &host, 0), NVML_SUCCESS);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 200; i++) {
            struct rpc_gpu gpu;
            if (CALL(GPU, &gpu, FIX_A100) != NVML_SUCCESS || gpu.domain != 0) {
                _exit(1);
            }
        }
        _exit(0);
    }
    for (int i = 0; i < 200; i++) {
        struct rpc_gpu gpu;
        assert_int_equal(CALL(GPU, &gpu, FIX_L40S), NVML_SUCCESS);
        assert_int_equal(gpu.domain, 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    rpc_disconnect();
}

static void who_is_not_root_may_ask_but_not_change(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        fputs("needs root, to give it up\n", stderr);
        skip();
    }
    SERVED(SIM_VENDOR_VFIO);
    chmod(sim->dir, 0755);
    pid_t pid = fork();
    if (pid == 0) {
        struct rpc_host host;
        struct rpc_activation activation;
        bool fine = setuid(65534) == 0 && CALL(HOST, &host, 0) == NVML_SUCCESS &&
                    CALL(SET_MIG, &activation, FIX_A100, 1) == NVML_ERROR_NO_PERMISSION;
        _exit(fine ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(sim->fix->gpus[FIX_A100]->mig_current);
}

static void no_one_at_the_socket_means_no_driver(void **state)
{
    (void)state;
    setenv("CLEAVE_SIM_SOCKET", "/nonexistent/socket", 1);
    struct rpc_host host;
    assert_int_equal(CALL(HOST, &host, 0), NVML_ERROR_DRIVER_NOT_LOADED);
}

static void a_restarted_daemon_is_found_again(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct rpc_host host;
    assert_int_equal(CALL(HOST, &host, 0), NVML_SUCCESS);
    sim_rpc_stop(sim->rpc);
    sim->rpc = NULL;
    served_start(sim);
    assert_int_equal(CALL(HOST, &host, 0), NVML_SUCCESS);
    rpc_disconnect();
}

static void a_living_daemon_s_socket_is_not_taken_over(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    struct sim_rpc *second = NULL;
    struct error err = {0};
    assert_true(sim_rpc_start(sim->host, sim->socket, &second, &err) < 0);
    assert_int_equal(err.sys_errno, EADDRINUSE);
}

static void control_requests_travel_as_text_of_any_length(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    CLEANUP_FREE char *reply = NULL;
    assert_int_equal(sim_ctl_call(sim->socket, "{\"op\": \"status\"}", &reply), 0);
    assert_non_null(strstr(reply, "580.105.08"));
    size_t size = 300000;
    CLEANUP_FREE char *request = xcalloc(1, size + 1);
    memset(request, ' ', size);
    CLEANUP_FREE char *refusal = NULL;
    assert_int_equal(sim_ctl_call(NULL, request, &refusal), 0);
    assert_non_null(strstr(refusal, "\"ok\""));
}

static void *ask_often(void *data)
{
    uint32_t *failures = data;
    for (int i = 0; i < 200; i++) {
        struct rpc_gpu gpu;
        *failures += CALL(GPU, &gpu, (uint32_t)i % FIX_GPUS) != NVML_SUCCESS;
    }
    return NULL;
}

static void threads_share_one_connection_without_mixing_answers(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    pthread_t threads[8];
    uint32_t failures[8] = {0};
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &failures[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
    rpc_disconnect();
}

static int enable_vfs(struct served *sim)
{
    sim_lock(sim->host);
    int r = sim_sriov(sim->host, sim->fix->gpus[FIX_L40S], true);
    sim_unlock(sim->host);
    return r;
}

static void an_nvml_client_keeps_the_gpus_from_being_unbound(void **state)
{
    (void)state;
    SERVED(SIM_VENDOR_VFIO);
    sim->host->nvml_holds_gpus = true;
    struct rpc_host host;
    assert_int_equal(CALL(HOST, &host, 0), NVML_SUCCESS);
    assert_int_equal(enable_vfs(sim), -EBUSY);
    sim_lock(sim->host);
    struct sim_gpu *pro = sim->fix->gpus[FIX_PRO];
    assert_int_equal(sim_unbind(sim->host, &pro->addr, "nvidia"), -EBUSY);
    sim_set_unbind_lock(sim->host, pro, true);
    assert_false(pro->unbind_lock);
    sim_unlock(sim->host);
    rpc_disconnect();
    assert_int_equal(enable_vfs(sim), 0);
    sim_lock(sim->host);
    sim_set_unbind_lock(sim->host, pro, true);
    assert_true(pro->unbind_lock);
    assert_int_equal(sim_unbind(sim->host, &pro->addr, "nvidia"), 0);
    assert_false(pro->unbind_lock);
    sim_unlock(sim->host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_from_the_host_s_state),
        cmocka_unit_test(what_a_request_can_t_have_is_refused_by_code),
        cmocka_unit_test(garbage_ends_or_fails_its_own_connection_only),
        cmocka_unit_test(a_client_that_leaves_before_its_answer_leaves_a_whole_change),
        cmocka_unit_test(a_client_killed_in_the_middle_leaves_no_half_state),
        cmocka_unit_test(a_forked_child_speaks_on_a_connection_of_its_own),
        cmocka_unit_test(who_is_not_root_may_ask_but_not_change),
        cmocka_unit_test(no_one_at_the_socket_means_no_driver),
        cmocka_unit_test(a_restarted_daemon_is_found_again),
        cmocka_unit_test(a_living_daemon_s_socket_is_not_taken_over),
        cmocka_unit_test(control_requests_travel_as_text_of_any_length),
        cmocka_unit_test(threads_share_one_connection_without_mixing_answers),
        cmocka_unit_test(an_nvml_client_keeps_the_gpus_from_being_unbound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
