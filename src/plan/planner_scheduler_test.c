/* SPDX-License-Identifier: Apache-2.0 */
/* Policies by hand: what the driver has, and what stands on the GPU or its instances already. */
#include "plan/planner_fixture.h"

static const struct gpu_scheduler fixed = {.policy = SCHEDULER_FIXED_SHARE};
static const struct gpu_scheduler equal = {.policy = SCHEDULER_EQUAL_SHARE};

static int ask(const struct planner *planner, const char *gpu, const struct gpu_scheduler *wanted,
               uint32_t *ret_steps, struct error *err)
{
    CLEANUP(plan_freep) struct plan *plan = NULL;
    *err = (struct error){0};
    int r = planner_scheduler(planner, gpu, wanted, &plan, err);
    *ret_steps = r == 0 ? (uint32_t)plan->steps.n : 0;
    return r;
}

static struct gpu *gpu_at(struct fixture *f, const char *bdf)
{
    return host_find_gpu(f->host, bdf);
}

static void a_policy_that_the_driver_lacks_is_refused(void **state)
{
    struct fixture *f = *state;
    uint32_t n = 0;
    const struct planner planner = planner_now(f);
    gpu_at(f, L40S)->schedulers = 1U << SCHEDULER_BEST_EFFORT | 1U << SCHEDULER_EQUAL_SHARE;
    assert_int_equal(ask(&planner, L40S, &fixed, &n, &f->err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(f->err.message, "has no fixed-share scheduler"));
    assert_int_equal(ask(&planner, L40S, &equal, &n, &f->err), 0);
    assert_int_equal(n, 1);
    gpu_at(f, L40S)->schedulers = 0; /* it doesn't say: the step will tell */
    assert_int_equal(ask(&planner, L40S, &fixed, &n, &f->err), 0);
}

/* Rows: who is on the instance, its policy, and what comes of another one. */
static void an_instance_that_vgpus_share_keeps_its_policy_while_a_vm_runs(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        enum scheduler_policy is;
        uint32_t parts; /* of its vGPU; 0: best effort, NO_ID: it has none */
        uint32_t n_ci;
        const char *holder;
        int result;
        uint32_t n; /* steps */
    } rows[] = {
        {"vGPUs by the same policy", SCHEDULER_FIXED_SHARE, 3, 0, "vm1", 0, 0},
        {"vGPUs by another policy", SCHEDULER_EQUAL_SHARE, 2, 0, "vm1", -REASON_IN_USE, 0},
        {"vGPUs by another policy, off", SCHEDULER_EQUAL_SHARE, 2, 0, "", 0, 1},
        {"vGPUs without a guarantee", SCHEDULER_BEST_EFFORT, 0, 0, "vm1", -REASON_IN_USE, 0},
        {"vGPUs by an unknown policy", SCHEDULER_UNKNOWN, 0, 0, "", -REASON_UNSUPPORTED, 0},
        {"a vGPU that has it to itself", SCHEDULER_BEST_EFFORT, 1, 0, "vm1", 0, 0},
        {"a program of the host", SCHEDULER_BEST_EFFORT, NO_ID, 1, "", 0, 0},
        {"no one", SCHEDULER_BEST_EFFORT, NO_ID, 0, "", 0, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t n = 0;
        const struct planner planner = planner_now(f);
        struct gpu *gpu = gpu_at(f, RTX);
        gpu->mig_enabled = true;
        gpu->mode = GPU_MIG;
        struct gi *gi = vec_push(&gpu->gis);
        *gi = (struct gi){.id = 1, .size = 3, .n_ci = rows[i].n_ci};
        gi->scheduler.policy = rows[i].is;
        if (rows[i].parts != NO_ID) {
            struct vgpu *vgpu = vec_push(&gpu->vgpus);
            *vgpu = (struct vgpu){.gi_id = 1, .placement_id = NO_ID};
            STR_SET(vgpu->holder, rows[i].holder);
            vgpu->share = (struct vgpu_share){.kind = rows[i].parts > 0 ? SHARE_PART : SHARE_NONE,
                                              .parts = rows[i].parts};
        }
        int r = ask(&planner, RTX, &fixed, &n, &f->err);
        if (r != rows[i].result || n != rows[i].n) {
            fail_msg("%s: %d (%s), %u steps", rows[i].name, r, f->err.message, n);
        }
    }
}

static void a_board_whose_vgpus_share_no_instance_has_no_policy_in_mig_mode(void **state)
{
    struct fixture *f = *state;
    uint32_t n = 0;
    const struct planner planner = planner_now(f);
    gpu_at(f, A100)->mig_enabled = true;
    gpu_at(f, A100)->mode = GPU_MIG;
    assert_int_equal(ask(&planner, A100, &fixed, &n, &f->err), -REASON_UNSUPPORTED);
    assert_non_null(strstr(f->err.message, "don't share GPU instances"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_policy_that_the_driver_lacks_is_refused),
        TEST(an_instance_that_vgpus_share_keeps_its_policy_while_a_vm_runs),
        TEST(a_board_whose_vgpus_share_no_instance_has_no_policy_in_mig_mode),
    };
    return cmocka_run_group_tests_name("planner: schedulers", tests, NULL, NULL);
}
