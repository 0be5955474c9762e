/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "sim/state/ctl.h"
#include "sim/state/encode.h"
#include "sim/state/fixture.h"

/* A scratch directory with a state file in it. */
struct scratch {
    char dir[64];
    char path[96];
    char last[104];
};

static void scratch_init(struct scratch *scratch)
{
    STR_SET(scratch->dir, "/tmp/sim-save-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->dir));
    snprintf(scratch->path, sizeof(scratch->path), "%s/state", scratch->dir);
    snprintf(scratch->last, sizeof(scratch->last), "%s.last", scratch->path);
}

static void scratch_done(struct scratch *scratch)
{
    fs_remove_tree(scratch->dir);
}

static char *text_of(const struct sim_host *host)
{
    CLEANUP_JSON json_t *json = sim_host_to_json(host);
    return json_text(json);
}

/* Some of everything. */
static void make_busy(struct fixture *fix)
{
    struct sim_gpu *pro = fix->gpus[FIX_PRO];
    struct sim_gpu *l40s = fix->gpus[FIX_L40S];
    fixture_mig_on(fix, pro);
    struct sim_gi *gi = NULL;
    sim_gi_create(fix->host, pro, fixture_find_profile(pro, "1g.24gb+gfx"), 3, &gi);
    sim_ci_create(fix->host, pro, gi, 0, NULL);
    sim_vf_set_type(fix->host, pro, &pro->vfs[5], 1557);
    sim_vf_set_params(fix->host, pro, &pro->vfs[5], "disable_vnc=1");
    sim_open_device(fix->host, "0000:41:00.7", 77, "11111111-2222-4333-8444-555555555555");
    sim_set_driver_override(fix->host, &l40s->addr, "vfio-pci");
    sim_unbind(fix->host, &l40s->addr, "nvidia");
    sim_bind(fix->host, &l40s->addr, "vfio-pci");
    sim_set(fix->host, fix->gpus[FIX_T4], "lost", "1");
}

static void what_was_saved_comes_back(void **state)
{
    (void)state;
    CLEANUP(scratch_done) struct scratch scratch;
    scratch_init(&scratch);
    CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    assert_int_equal(sim_host_attach_state(fix->host, scratch.path, NULL), 0);
    make_busy(fix);
    CLEANUP_FREE char *before = text_of(fix->host);
    CLEANUP(fixture_freep) struct fixture *again = fixture_new(SIM_VENDOR_VFIO);
    struct error err = {0};
    assert_int_equal(sim_host_attach_state(again->host, scratch.path, &err), 0);
    CLEANUP_FREE char *after = text_of(again->host);
    assert_string_equal(before, after);
    assert_string_equal(again->host->notice, "");
    assert_ptr_equal(again->gpus[FIX_PRO]->vfs[5].vgpu.type->name, "DC-1-8C");
}

static void a_file_that_is_cut_off_anywhere_is_not_used(void **state)
{
    (void)state;
    CLEANUP(scratch_done) struct scratch scratch;
    scratch_init(&scratch);
    CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    assert_int_equal(sim_host_attach_state(fix->host, scratch.path, NULL), 0);
    make_busy(fix);
    CLEANUP_FREE char *text = NULL;
    CLEANUP_FREE char *last = NULL;
    size_t len = 0;
    size_t last_len = 0;
    assert_int_equal(fs_read(scratch.path, 1 << 20, &text, &len), 0);
    assert_int_equal(fs_read(scratch.last, 1 << 20, &last, &last_len), 0);
    for (size_t cut = 0; cut + 1 < len; cut += len / 50 + 1) {
        assert_int_equal(fs_write_atomic(scratch.path, text, cut), 0);
        assert_int_equal(fs_write_atomic(scratch.last, last, last_len), 0);
        CLEANUP(fixture_freep) struct fixture *again = fixture_new(SIM_VENDOR_VFIO);
        struct error err = {0};
        assert_int_equal(sim_host_attach_state(again->host, scratch.path, &err), 0);
        assert_non_null(strstr(again->host->notice, scratch.last));
    }
}

static void a_damaged_file_is_said_and_the_last_good_one_used(void **state)
{
    (void)state;
    static const char *const damage[] = {"", "{\"checksum\":", "not json at all",
                                         "{\"checksum\":\"0\",\"format\":1,\"host\":{}}"};
    for (size_t i = 0; i < ARRAY_SIZE(damage); i++) {
        CLEANUP(scratch_done) struct scratch scratch;
        scratch_init(&scratch);
        CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
        assert_int_equal(sim_host_attach_state(fix->host, scratch.path, NULL), 0);
        sim_sriov(fix->host, fix->gpus[FIX_L40S], true);
        sim_sriov(fix->host, fix->gpus[FIX_PRO], true);
        assert_int_equal(fs_write_atomic(scratch.path, damage[i], strlen(damage[i])), 0);
        CLEANUP(fixture_freep) struct fixture *again = fixture_new(SIM_VENDOR_VFIO);
        struct error err = {0};
        assert_int_equal(sim_host_attach_state(again->host, scratch.path, &err), 0);
        assert_non_null(strstr(again->host->notice, "using"));
        assert_int_equal(again->gpus[FIX_L40S]->n_vfs, 32); /* one change back */
        assert_int_equal(again->gpus[FIX_PRO]->n_vfs, 0);
    }
}

static void a_flipped_bit_is_noticed(void **state)
{
    (void)state;
    CLEANUP(scratch_done) struct scratch scratch;
    scratch_init(&scratch);
    CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    sim_host_attach_state(fix->host, scratch.path, NULL);
    sim_sriov(fix->host, fix->gpus[FIX_L40S], true);
    CLEANUP_FREE char *text = NULL;
    size_t len = 0;
    assert_int_equal(fs_read(scratch.path, 1 << 20, &text, &len), 0);
    char *bdf = strstr(text, "0001:61:00.4");
    assert_non_null(bdf);
    bdf[11] = '5';
    fs_write_atomic(scratch.path, text, len);
    unlink(scratch.last);
    CLEANUP(fixture_freep) struct fixture *again = fixture_new(SIM_VENDOR_VFIO);
    struct error err = {0};
    assert_true(sim_host_attach_state(again->host, scratch.path, &err) < 0);
    assert_non_null(strstr(err.message, "checksum"));
    assert_non_null(strstr(err.hint, "remove"));
}

static void the_state_of_another_host_is_refused(void **state)
{
    (void)state;
    CLEANUP(scratch_done) struct scratch scratch;
    scratch_init(&scratch);
    CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    sim_host_attach_state(fix->host, scratch.path, NULL);
    CLEANUP(fixture_freep) struct fixture *other = fixture_new(SIM_VENDOR_VFIO);
    STR_SET(other->host->name, "other");
    struct error err = {0};
    assert_true(sim_host_attach_state(other->host, scratch.path, &err) < 0);
    assert_non_null(strstr(err.message, "fixture"));
    STR_SET(other->host->name, "fixture");
    other->gpus[0]->addr.bus = 0x99;
    assert_true(sim_host_attach_state(other->host, scratch.path, &err) < 0);
    assert_non_null(strstr(err.message, "another host"));
}

/* Switches VFs on and off for ever; says each finished change. */
static void change_for_ever(const char *path, int fd)
{
    struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    sim_host_attach_state(fix->host, path, NULL);
    for (bool on = true;; on = !on) {
        sim_sriov(fix->host, fix->gpus[FIX_L40S], on);
        uint64_t changes = fix->host->changes;
        if (write(fd, &changes, sizeof(changes)) != (ssize_t)sizeof(changes)) {
            _exit(1);
        }
    }
}

static void a_killed_daemon_loses_no_finished_change(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 5; round++) {
        CLEANUP(scratch_done) struct scratch scratch;
        scratch_init(&scratch);
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            change_for_ever(scratch.path, fds[1]);
        }
        close(fds[1]);
        uint64_t said = 0;
        while (said < 3 * round && read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {
        }
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(fds[0], &said, sizeof(said)) == (ssize_t)sizeof(said)) {
        }
        close(fds[0]);
        CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
        struct error err = {0};
        assert_int_equal(sim_host_attach_state(fix->host, scratch.path, &err), 0);
        assert_true(fix->host->changes >= said && fix->host->changes <= said + 1);
        assert_int_equal(fix->gpus[FIX_L40S]->n_vfs, fix->host->changes % 2 == 1 ? 32 : 0);
    }
}

/* ---- control requests ---- */

static void expect_reply(struct fixture *fix, const char *request, const char *part)
{
    CLEANUP_FREE char *reply = sim_ctl_handle(fix->host, request, true);
    if (strstr(reply, part) == NULL) {
        fail_msg("%s: no '%s' in %s", request, part, reply);
    }
}

static void control_requests_are_checked(void **state)
{
    (void)state;
    CLEANUP(fixture_freep) struct fixture *fix = fixture_new(SIM_VENDOR_VFIO);
    expect_reply(fix, "{\"op\":\"status\"}", "\"ok\":true");
    expect_reply(fix, "{\"op\":\"fly\"}", "there is no \\\"fly");
    expect_reply(fix, "{\"op\":", "\"ok\":false");
    expect_reply(fix, "{\"op\":\"reboot\",\"now\":1}", "\"ok\":false");
    expect_reply(fix, "{\"op\":\"sriov\",\"gpu\":\"0000:99:00.0\",\"enable\":true}", "no GPU at");
    expect_reply(fix, "{\"op\":\"sriov\",\"gpu\":\"ALL\",\"enable\":true}", "\"ok\":true");
    assert_int_equal(fix->gpus[FIX_PRO]->n_vfs, 48);
    expect_reply(fix, "{\"op\":\"open\",\"device\":\"0000:41:00.2\",\"pid\":9}", "\"errno\":19");
    sim_vf_set_type(fix->host, fix->gpus[FIX_PRO], &fix->gpus[FIX_PRO]->vfs[0], 1525);
    expect_reply(fix, "{\"op\":\"open\",\"device\":\"0000:41:00.2\",\"pid\":9}",
                 "\"type\":\"DC-8Q\"");
    expect_reply(fix, "{\"op\":\"driver-reload\"}", "\"errno\":16");
    expect_reply(fix, "{\"op\":\"reset\",\"gpu\":\"0000:41:00.0\"}", "\"nvml\":19");
    expect_reply(fix, "{\"op\":\"close\",\"device\":\"0000:41:00.2\",\"pid\":9}", "\"ok\":true");
    expect_reply(fix, "{\"op\":\"set\",\"gpu\":\"0000:21:00.0\",\"key\":\"lost\",\"value\":\"1\"}",
                 "\"ok\":true");
    assert_true(fix->gpus[FIX_A100]->lost);
    expect_reply(fix, "{\"op\":\"reboot\"}", "\"ok\":true");
    assert_false(fix->gpus[FIX_A100]->lost);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_comes_back),
        cmocka_unit_test(a_file_that_is_cut_off_anywhere_is_not_used),
        cmocka_unit_test(a_damaged_file_is_said_and_the_last_good_one_used),
        cmocka_unit_test(a_flipped_bit_is_noticed),
        cmocka_unit_test(the_state_of_another_host_is_refused),
        cmocka_unit_test(a_killed_daemon_loses_no_finished_change),
        cmocka_unit_test(control_requests_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
