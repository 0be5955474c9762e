/* SPDX-License-Identifier: Apache-2.0 */
/* Libvirt takes long to start a VM, or to look: what another needs goes on, and what is the VM's
 * stays the VM's. */
#include <stdatomic.h>

#include "await.h"
#include "base/json.h"
#include "base/str.h"
#include "hooked.h"
#include "manager/drains.h"
#include "manager/state.h"
#include "manager/vm_overlay.h"
#include "test.h"

static const struct caller root = {.author = "root", .roles = ROLES_ALL};
static struct guest_port *lines[VM_LINES];
static struct faults line_faults;

/* A hook script: libvirt has the VM locked until it ends. */
static atomic_bool hook_hangs, hook_refuses;

static bool script_ends(void *data)
{
    (void)data;
    return !atomic_load(&hook_hangs);
}

static int run_script(const char *vm, const char *operation, void *data, struct error *err)
{
    (void)data;
    if (str_eq(operation, "prepare")) {
        (void)await(script_ends, NULL);
    }
    return str_eq(operation, "prepare") && atomic_load(&hook_refuses)
               ? error_set(err, REASON_DRIVER, vm, "the hook says no")
               : 0;
}

static struct guest_port *new_line(struct fake_host *host)
{
    struct guest_port *port = fake_guest_port_new(host);
    fake_guest_set_hook(port, run_script, NULL);
    return faulty_guest_new(port, &line_faults);
}

static void configure(struct lab *lab, struct manager_config *config)
{
    for (size_t i = 0; i < VM_LINES; i++) {
        if (lines[i] == NULL) {
            lines[i] = new_line(lab->host);
        }
        config->vm_guests[i] = lines[i];
    }
}

static void hang(struct lab *lab, unsigned which)
{
    atomic_store(&lab->faults.hang, which);
}

static void hang_no_more(struct lab *lab)
{
    atomic_store(&lab->faults.hang, 0);
}

/* What hangs is late at once, and nothing else is, however slow. */
static int setup(void **state)
{
    int r = lab_fixture_setup_as(state, configure);
    ((struct lab_fixture *)*state)->lab.tick = lab_lose_patience;
    return r;
}

static int teardown(void **state)
{
    struct lab_fixture *f = *state;
    atomic_store(&f->lab.faults.hang, 0);
    atomic_store(&hook_hangs, false);
    atomic_store(&hook_refuses, false);
    fake_lock();
    for (size_t i = 0; i < FAKE_VMS; i++) {
        f->host.vms[i].stuck = f->host.vms[i].firm = false;
    }
    fake_unlock();
    lab_stop(&f->lab);
    for (size_t i = 0; i < VM_LINES; i++) {
        struct guest_port *line = TAKE_PTR(lines[i]);
        if (line != NULL) {
            line->ops->free(line);
        }
    }
    return lab_fixture_teardown(state);
}

static void set(struct lab_fixture *f, const char *vm, bool stuck, bool broken)
{
    fake_lock();
    fake_host_vm(&f->host, vm)->stuck = stuck;
    fake_host_vm(&f->host, vm)->broken = broken;
    fake_unlock();
}

struct starting {
    struct manager *manager;
    const char *vm;
};

static bool is_starting(void *data)
{
    const struct starting *starting = data;
    return holds_have(&starting->manager->holds, HOLD_START, hold_vm(starting->vm, "")) &&
           !starting->manager->busy;
}

/* Its start does not come back. */
static void begin_stuck(struct lab_fixture *f, const char *vm, struct answer *answer)
{
    struct starting starting = {f->lab.manager, vm};
    set(f, vm, true, false);
    *answer = (struct answer){0};
    lab_ask(&f->lab, VERB_START_VM, answer, .caller = &root, .target = vm);
    assert_true(lab_wait_until(&f->lab, is_starting, &starting));
    assert_false(answer->there);
}

static void assert_refused(struct answer *answer, struct lab *lab, enum reason reason,
                           const char *why)
{
    assert_true(lab_wait(lab, answer));
    assert_int_equal(answer->err.reason, reason);
    if (strstr(answer->err.message, why) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", why, answer->err.message);
    }
    answer_done(answer);
    *answer = (struct answer){0};
}

static void others_go_on_while_a_vm_is_being_started(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer start = {0};
    hooked_create(lab, ON_DEMAND("a", "web1"));
    begin_stuck(f, "web1", &start);
    hooked_create(lab, WHOLE("w", "web2"));
    assert_int_equal(hooked_start(lab, "web2"), 0);
    assert_string_equal(lab_claim_state(lab, "w"), "bound");
    hooked_create(lab, "{\"name\": \"k\", \"type\": \"A100-2-10C\", \"vm\": \"web3\"}");
    assert_string_equal(lab_claim_state(lab, "k"), "bound");
    assert_int_equal(lab_delete(lab, "k", NULL), 0);
    assert_true(lab_settle(lab));
    assert_false(start.there);
    set(f, "web1", false, false);
    assert_true(lab_wait(lab, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(lab_settle(lab));
    lab_assert_sound(lab);
}

static void what_is_of_a_vm_that_is_being_started_stays(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer start = {0};
    struct answer answer = {0};
    hooked_create(lab, ON_DEMAND("a", "web1"));
    hooked_create(lab, "{\"name\": \"b\", \"type\": \"A100-1-5C\", \"vm\": \"web1\"}");
    begin_stuck(f, "web1", &start);
    for (int i = 0; i < 3; i++) { /* libvirt shows it off; its devices are not given back */
        lab_look(lab);
        assert_true(lab_settle(lab));
        assert_string_equal(lab_claim_state(lab, "a"), "bound");
    }
    assert_int_equal(hooked_ask(lab, "web1", "release", NULL), 0); /* of an earlier life */
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
    uint32_t vgpus = fake_host_count_vgpus(&f->host);
    lab_ask(lab, VERB_DELETE_CLAIM, &answer, .caller = &root, .target = "a");
    assert_refused(&answer, lab, REASON_IN_USE, "web1");
    lab_ask(lab, VERB_DELETE_CLAIM, &answer, .caller = &root, .target = "b");
    assert_refused(&answer, lab, REASON_IN_USE, "web1");
    lab_ask(lab, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    assert_refused(&answer, lab, REASON_CONFLICT, "is being started already");
    lab_ask(lab, VERB_DELETE_VM, &answer, .caller = &root, .target = "web1");
    assert_refused(&answer, lab, REASON_IN_USE, "web1");
    CLEANUP_JSON json_t *claim = json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C",
                                           "vm", "web1"); /* two hands on one definition */
    lab_ask(lab, VERB_CREATE_CLAIM, &answer, .caller = &root, .json = claim);
    assert_refused(&answer, lab, REASON_IN_USE, "web1");
    CLEANUP_JSON json_t *mode = json_pack("{s:s}", "mode", "passthrough");
    lab_ask(lab, VERB_SET_GPU_MODE, &answer, .caller = &root, .target = LAB_A100, .json = mode);
    assert_true(lab_wait(lab, &answer));
    assert_true(answer.err.reason != REASON_NONE);
    answer_done(&answer);
    answer = (struct answer){0};
    lab_ask(lab, VERB_COLLECT_GARBAGE, &answer, .caller = &root);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    assert_true(lab_settle(lab));
    assert_int_equal(fake_host_count_vgpus(&f->host), vgpus);
    assert_false(start.there);
    set(f, "web1", false, false);
    assert_true(lab_wait(lab, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(lab_settle(lab));
    lab_assert_sound(lab);
}

static bool is_drained(void *data)
{
    const struct manager *m = data;
    return m->drainage != NULL && drain_is_over(m->drainage->drain->state);
}

static bool waits_for_its_start(void *data)
{
    const struct manager *m = data;
    return m->drainage != NULL && m->drainage->drain->state == DRAIN_RUNNING &&
           m->drainage->drain->vms.n == 1 && m->drainage->drain->vms.items[0].step == DRAIN_WAITING;
}

static void a_drain_waits_until_a_vm_that_is_being_started_runs(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer start = {0};
    struct answer answer = {0};
    hooked_create(lab, ON_DEMAND("a", "web1"));
    begin_stuck(f, "web1", &start);
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "stop", true);
    lab_ask(lab, VERB_DRAIN_HOST, &answer, .caller = &root, .json = body);
    assert_true(lab_wait(lab, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_true(lab_wait_until(lab, waits_for_its_start, lab->manager));
    assert_string_equal(lab_claim_state(lab, "a"), "bound");
    set(f, "web1", false, false);
    assert_true(lab_wait(lab, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(lab_wait_until(lab, is_drained, lab->manager));
    assert_int_equal(lab->manager->drainage->drain->state, DRAIN_DONE);
    assert_false(fake_host_vm(&f->host, "web1")->running);
    assert_true(lab_settle(lab));
    lab_assert_sound(lab);
}

static void a_start_that_fails_in_the_end_gives_back_what_was_drawn(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer start = {0};
    hooked_create(lab, ON_DEMAND("a", "web1"));
    begin_stuck(f, "web1", &start);
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    set(f, "web1", false, true);
    assert_refused(&start, lab, REASON_DRIVER, "its emulator ends at once");
    lab_look(lab);
    assert_true(lab_settle(lab));
    assert_string_equal(lab_claim_state(lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    set(f, "web1", false, false);
    assert_int_equal(hooked_start(lab, "web1"), 0);
    lab_assert_sound(lab);
}

/* As while another VM's start or hook hangs: every list of VMs waits for it. */
static void a_vm_starts_while_libvirt_is_late_with_a_look(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer answer = {0};
    hooked_create(lab, "{\"name\": \"k\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    hang(lab, 1U << PORT_GUEST);
    lab_ask(lab, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    assert_true(lab_wait(lab, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    assert_string_equal(answer_text(&answer, "vm.state"), "running");
    assert_true(fake_host_vm(&f->host, "web1")->running);
    answer_done(&answer);
    answer = (struct answer){0};
    lab_ask(lab, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    assert_refused(&answer, lab, REASON_CONFLICT, "already");
    hang_no_more(lab);
    lab_look(lab);
    assert_true(lab_settle(lab));
    lab_assert_sound(lab);
}

static void add_vm(struct lab_fixture *f, const char *name, bool on)
{
    fake_lock();
    struct fake_vm *vm = fake_host_add_vm(&f->host, name);
    assert_non_null(vm);
    vm->running = on;
    fake_unlock();
    lab_look(&f->lab);
}

static void starts_that_libvirt_gave_no_answer_are_bounded(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer starts[VM_START_LINES] = {0};
    struct answer answer = {0};
    char name[16];
    for (size_t i = 0; i < VM_START_LINES; i++) {
        str_print(name, sizeof(name), "stuck%zu", i);
        add_vm(f, name, false);
        begin_stuck(f, name, &starts[i]);
    }
    change_lose_patience(lab->manager, VM_LINE_START, NULL);
    for (size_t i = 0; i < VM_START_LINES; i++) {
        assert_refused(&starts[i], lab, REASON_UNAVAILABLE, "may still happen");
    }
    lab_ask(lab, VERB_START_VM, &answer, .caller = &root, .target = "web1");
    assert_refused(&answer, lab, REASON_UNAVAILABLE, "8 starts of other VMs");
    /* Nothing else waits for them. */
    hooked_create(lab, "{\"name\": \"k\", \"type\": \"A100-2-10C\", \"vm\": \"web3\"}");
    assert_string_equal(lab_claim_state(lab, "k"), "bound");
    for (size_t i = 0; i < VM_START_LINES; i++) {
        str_print(name, sizeof(name), "stuck%zu", i);
        set(f, name, false, false);
    }
    while (hooked_start(lab, "web1") != 0) { /* one of them is back soon */
        lab_look(lab);
    }
    lab_assert_sound(lab);
}

static void begin_stop_as(struct lab_fixture *f, const struct caller *caller, const char *vm,
                          bool force, struct answer *answer)
{
    CLEANUP_JSON json_t *body = json_pack("{s:b}", "force", force);
    *answer = (struct answer){0};
    lab_ask(&f->lab, VERB_STOP_VM, answer, .caller = caller, .target = vm, .json = body);
}

static void begin_stop(struct lab_fixture *f, const char *vm, bool force, struct answer *answer)
{
    begin_stop_as(f, &root, vm, force, answer);
}

static void assert_stops(struct lab_fixture *f, const char *vm, bool force)
{
    struct answer answer = {0};
    begin_stop(f, vm, force, &answer);
    assert_true(lab_wait(&f->lab, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
    assert_false(fake_host_vm(&f->host, vm)->running);
}

static void starts_that_hang_take_no_line_from_stops(void **state)
{
    struct lab_fixture *f = *state;
    struct answer starts[VM_START_LINES] = {0};
    char name[16];
    add_vm(f, "ok1", true);
    add_vm(f, "ok2", true);
    for (size_t i = 0; i < VM_START_LINES; i++) {
        str_print(name, sizeof(name), "stuck%zu", i);
        add_vm(f, name, false);
        begin_stuck(f, name, &starts[i]);
    }
    assert_stops(f, "ok1", true);
    change_lose_patience(f->lab.manager, VM_LINE_START, NULL);
    for (size_t i = 0; i < VM_START_LINES; i++) {
        assert_refused(&starts[i], &f->lab, REASON_UNAVAILABLE, "may still happen");
    }
    assert_stops(f, "ok2", false); /* and when all have been given up */
}

/* The same VM's take one line however often they are asked for; those of the guest none of those
 * that pull the plug. */
static void stops_that_hang_leave_lines_to_others(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer stops[VM_ASK_LINES + 2] = {0};
    char name[16];
    add_vm(f, "ok1", true);
    add_vm(f, "ok2", true);
    for (size_t i = 0; i < VM_ASK_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        add_vm(f, name, true);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = true;
        fake_unlock();
    }
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) { /* one VM only */
        begin_stop(f, "firm0", false, &stops[i]);
    }
    assert_stops(f, "ok1", false);
    change_lose_patience(lab->manager, VM_LINE_ASK, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        assert_refused(&stops[i], lab, REASON_UNAVAILABLE, "nothing was done");
    }
    begin_stop(f, "firm0", false, &stops[0]);
    assert_refused(&stops[0], lab, REASON_UNAVAILABLE, "an earlier stop of VM \"firm0\"");
    for (size_t i = 1; i < VM_ASK_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        begin_stop(f, name, false, &stops[i]);
    }
    change_lose_patience(lab->manager, VM_LINE_ASK, NULL);
    for (size_t i = 1; i < VM_ASK_LINES; i++) {
        assert_refused(&stops[i], lab, REASON_UNAVAILABLE, "nothing was done");
    }
    begin_stop(f, "ok2", false, &stops[0]);
    assert_refused(&stops[0], lab, REASON_UNAVAILABLE, "4 stops of other VMs");
    assert_stops(f, "ok2", true);
    for (size_t i = 0; i < VM_ASK_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = false;
        fake_unlock();
    }
    assert_true(lab_settle(lab));
}

static void a_vm_stops_while_nothing_can_be_looked_at(void **state)
{
    static const char *const bodies[] = {"{}", "{\"force\": true}"};
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct answer answer = {0};
        hooked_create(lab, ON_DEMAND("a", "web1"));
        assert_int_equal(hooked_start(lab, "web1"), 0);
        assert_true(lab_settle(lab));
        hang(lab, 1U << PORT_GPU | 1U << PORT_PCI | 1U << PORT_GUEST);
        CLEANUP_JSON json_t *body = json_loads(bodies[i], 0, NULL);
        lab_ask(lab, VERB_STOP_VM, &answer, .caller = &root, .target = "web1", .json = body,
                .dry_run = true);
        assert_true(lab_wait(lab, &answer));
        assert_int_equal(answer.err.reason, REASON_NONE);
        answer_done(&answer);
        answer = (struct answer){0};
        assert_true(fake_host_vm(&f->host, "web1")->running);
        lab_ask(lab, VERB_STOP_VM, &answer, .caller = &root, .target = "web1", .json = body);
        assert_true(lab_wait(lab, &answer));
        assert_int_equal(answer.err.reason, REASON_NONE);
        assert_string_equal(answer_text(&answer, "vm.state"), "shut-off");
        answer_done(&answer);
        answer = (struct answer){0};
        assert_false(fake_host_vm(&f->host, "web1")->running);
        lab_ask(lab, VERB_STOP_VM, &answer, .caller = &root, .target = "web1", .json = body);
        assert_refused(&answer, lab, REASON_CONFLICT, "is shut");
        lab_ask(lab, VERB_STOP_VM, &answer, .caller = &root, .target = "nosuch", .json = body);
        assert_refused(&answer, lab, REASON_NOT_FOUND, "nosuch");
        hang_no_more(lab);
        /* What it had is given back when that can be seen, be it not at the first look: the GPUs
         * may still be taken for late when the VMs are seen. */
        while (!str_eq(lab_claim_state(lab, "a"), "pending")) {
            lab_look(lab);
            assert_true(lab_settle(lab));
        }
        assert_int_equal(fake_host_count_vgpus(&f->host), 0);
        assert_int_equal(lab_delete(lab, "a", NULL), 0);
        assert_true(lab_settle(lab));
    }
}

static void begin_locked(struct lab_fixture *f, const char *vm, struct answer *answer)
{
    struct starting starting = {f->lab.manager, vm};
    atomic_store(&hook_hangs, true);
    *answer = (struct answer){0};
    lab_ask(&f->lab, VERB_START_VM, answer, .caller = &root, .target = vm);
    assert_true(lab_wait_until(&f->lab, is_starting, &starting));
    bool locked = false;
    while (!locked) {
        fake_lock();
        locked = fake_host_vm(&f->host, vm)->locked;
        fake_unlock();
    }
}

static bool has_problem(struct lab *lab, const char *text)
{
    struct answer answer = {0};
    lab_ask(lab, VERB_GET_HEALTH, &answer);
    assert_true(lab_wait(lab, &answer));
    bool has = false;
    size_t i = 0;
    json_t *problem = NULL;
    json_array_foreach(json_object_get(answer.body, "problems"), i, problem)
    {
        has = has || strstr(json_string_value(json_object_get(problem, "text")), text) != NULL;
    }
    answer_done(&answer);
    return has;
}

/* Nothing can stop it before that script ends: this is said soon, and what holds it. */
static void a_stop_of_a_vm_that_its_start_keeps_locked_says_so_soon(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer start = {0};
    struct answer stops[2] = {0};
    begin_locked(f, "web1", &start);
    begin_stop(f, "web1", true, &stops[0]);
    begin_stop(f, "web1", true, &stops[1]);
    change_lose_patience(lab->manager, VM_LINE_KILL, "web1");
    assert_true(lab_wait(lab, &stops[0]));
    assert_non_null(strstr(stops[0].err.hint, "hooks/qemu"));
    assert_refused(&stops[0], lab, REASON_UNAVAILABLE, "is being started; nothing was done");
    assert_true(has_problem(lab, "stop (--now) of VM \"web1\""));
    assert_refused(&stops[1], lab, REASON_UNAVAILABLE, "nothing was done");
    begin_stop(f, "web1", true, &stops[0]);
    assert_refused(&stops[0], lab, REASON_UNAVAILABLE, "earlier stop (--now) of VM \"web1\"");
    atomic_store(&hook_hangs, false);
    assert_true(lab_wait(lab, &start));
    assert_int_equal(start.err.reason, REASON_NONE);
    answer_done(&start);
    assert_true(fake_host_vm(&f->host, "web1")->running);
    assert_true(lab_settle(lab));
    assert_false(has_problem(lab, "VM"));
    assert_stops(f, "web1", true);
}

static void what_waits_behind_another_vm_says_so(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer stops[VM_KILL_LINES + 1] = {0};
    char name[16];
    for (size_t i = 0; i <= VM_KILL_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        add_vm(f, name, true);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = true;
        fake_unlock();
        begin_stop(f, name, true, &stops[i]);
    }
    change_lose_patience(lab->manager, VM_LINE_KILL, name);
    assert_refused(&stops[VM_KILL_LINES], lab, REASON_UNAVAILABLE,
                   "waits behind the stop (--now) of VM \"firm0\"");
    assert_true(has_problem(lab, "VM \"firm0\" since"));
    for (size_t i = 0; i <= VM_KILL_LINES; i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = false;
        fake_unlock();
    }
    for (size_t i = 0; i < VM_KILL_LINES; i++) {
        assert_true(lab_wait(lab, &stops[i]));
        assert_int_equal(stops[i].err.reason, REASON_NONE);
        answer_done(&stops[i]);
    }
    assert_true(lab_settle(lab));
}

/* However many VMs that don't stop another user has asked to stop. */
static void root_has_a_line_that_no_other_takes(void **state)
{
    static const struct caller member = {.author = "member", .roles = ROLES_CONNECTED};
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer stops[VM_KILL_LINES + 2] = {0};
    char name[16];
    add_vm(f, "ok1", true);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        str_print(name, sizeof(name), "firm%zu", i);
        add_vm(f, name, true);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = true;
        fake_unlock();
        begin_stop_as(f, &member, name, true, &stops[i]);
    }
    assert_stops(f, "ok1", true);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        assert_false(stops[i].there);
        str_print(name, sizeof(name), "firm%zu", i);
        fake_lock();
        fake_host_vm(&f->host, name)->firm = false;
        fake_unlock();
    }
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
        assert_true(lab_wait(lab, &stops[i]));
        assert_int_equal(stops[i].err.reason, REASON_NONE);
        answer_done(&stops[i]);
    }
    assert_true(lab_settle(lab));
}

static void a_stop_at_once_ends_a_start_that_waits_for_its_devices(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer hook = {0};
    struct answer stop = {0};
    hooked_create(lab, ON_DEMAND("a", "web1"));
    hang(lab, 1U << PORT_PCI);
    lab->manager->config.hardware_patience_us = 0;
    hooked_begin(lab, "web1", "prepare", lab_reply, &hook);
    begin_stop(f, "web1", true, &stop);
    assert_refused(&hook, lab, REASON_CONFLICT, "it was to be stopped at once");
    assert_true(lab_wait(lab, &stop));
    assert_int_equal(stop.err.reason, REASON_NONE);
    assert_string_equal(answer_text(&stop, "vm.state"), "shut-off");
    answer_done(&stop);
    hang_no_more(lab);
    assert_true(lab_settle(lab));
    assert_int_equal(hooked_ask(lab, "web1", "prepare", NULL), 0); /* and starts again */
}

/* Another script held it; cleave's own comes after it. */
static void a_stop_at_once_refuses_the_hook_that_comes_while_it_waits(void **state)
{
    struct lab_fixture *f = *state;
    struct lab *lab = &f->lab;
    struct answer start = {0};
    struct answer stop = {0};
    struct error err = {0};
    begin_locked(f, "web1", &start);
    begin_stop(f, "web1", true, &stop);
    assert_int_equal(hooked_ask(lab, "web1", "prepare", &err), -REASON_CONFLICT);
    assert_int_equal(hooked_ask(lab, "web2", "prepare", NULL), 0);
    atomic_store(&hook_refuses, true);
    atomic_store(&hook_hangs, false);
    assert_refused(&start, lab, REASON_DRIVER, "the hook says no");
    assert_true(lab_wait(lab, &stop));
    assert_int_equal(stop.err.reason, REASON_NONE);
    answer_done(&stop);
    atomic_store(&hook_refuses, false);
    assert_int_equal(hooked_start(lab, "web1"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(others_go_on_while_a_vm_is_being_started),
        TEST(what_is_of_a_vm_that_is_being_started_stays),
        TEST(a_drain_waits_until_a_vm_that_is_being_started_runs),
        TEST(a_start_that_fails_in_the_end_gives_back_what_was_drawn),
        TEST(a_vm_starts_while_libvirt_is_late_with_a_look),
        TEST(starts_that_libvirt_gave_no_answer_are_bounded),
        TEST(starts_that_hang_take_no_line_from_stops),
        TEST(stops_that_hang_leave_lines_to_others),
        TEST(a_vm_stops_while_nothing_can_be_looked_at),
        TEST(a_stop_of_a_vm_that_its_start_keeps_locked_says_so_soon),
        TEST(what_waits_behind_another_vm_says_so),
        TEST(root_has_a_line_that_no_other_takes),
        TEST(a_stop_at_once_ends_a_start_that_waits_for_its_devices),
        TEST(a_stop_at_once_refuses_the_hook_that_comes_while_it_waits),
    };
    return cmocka_run_group_tests_name("starting", tests, NULL, NULL);
}
