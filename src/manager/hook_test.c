/* SPDX-License-Identifier: Apache-2.0 */
/* libvirt's hook against a host in memory whose VMs are locked while their hooks run, as libvirt's
 * are: a wait for the guests' side that should not be would never end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "lab_fixture.h"
#include "manager/state.h"
#include "test.h"

#define PATIENCE_S 20

/* A hook in another thread, as libvirt's is in another process. */
struct asking {
    struct lab *lab;
    const char *vm, *operation;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool there;
    struct error err;
};

static const struct caller root = {.author = "root"};

static void on_answer(json_t *body, const struct error *err, void *data)
{
    struct asking *asking = data;
    pthread_mutex_lock(&asking->lock);
    asking->there = true;
    if (err != NULL) {
        asking->err = *err;
    }
    pthread_cond_signal(&asking->answered);
    pthread_mutex_unlock(&asking->lock);
    json_decref(body);
}

static void run_hook(struct lab *lab, const char *vm, const char *operation,
                     manager_reply_fn *reply, void *data)
{
    CLEANUP_FREE char *xml = xasprintf("<domain><name>%s</name></domain>", vm);
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "domain", vm, "operation", operation, "subOperation",
                  "begin", "extra", "-", "xml", xml);
    manager_run_hook(lab->manager, &root, body, reply, data);
}

static void on_loop(void *data)
{
    struct asking *asking = data;
    run_hook(asking->lab, asking->vm, asking->operation, on_answer, asking);
}

static int ask_cleave(const char *vm, const char *operation, void *data, struct error *err)
{
    struct asking asking = {.lab = data,
                            .vm = vm,
                            .operation = operation,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .answered = PTHREAD_COND_INITIALIZER};
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    evloop_post(asking.lab->loop, on_loop, &asking);
    pthread_mutex_lock(&asking.lock);
    int r = 0;
    while (r == 0 && !asking.there) {
        r = pthread_cond_timedwait(&asking.answered, &asking.lock, &deadline);
    }
    pthread_mutex_unlock(&asking.lock);
    if (r != 0) {
        fprintf(stderr, "deadlock: the hook \"%s %s\" has no answer\n", vm, operation);
        abort();
    }
    if (err != NULL && asking.err.reason != REASON_NONE) {
        *err = asking.err;
    }
    return -(int)asking.err.reason;
}

static int setup(void **state)
{
    int r = lab_fixture_setup(state);
    struct lab_fixture *f = *state;
    fake_guest_set_hook(f->lab.fake_guest, ask_cleave, &f->lab);
    return r;
}

#define ON_DEMAND(name, vm)                                                                        \
    "{\"name\": \"" name "\", \"type\": \"A100-2-10C\", \"vm\": \"" vm                             \
    "\", \"hold\": \"on-demand\"}"
#define WHOLE(name, vm)                                                                            \
    "{\"name\": \"" name "\", \"mode\": \"passthrough\", \"gpu\": \"" LAB_L40S "\", \"vm\": \"" vm \
    "\", \"hold\": \"on-demand\"}"

static void create(struct lab *lab, const char *claim)
{
    assert_int_equal(lab_create(lab, claim, NULL), 0);
    assert_true(lab_settle(lab));
}

/* The result of `cleave vm start`. */
static int start(struct lab *lab, const char *vm)
{
    struct answer answer = {0};
    manager_start_vm(lab->manager, &root, vm, false, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    return -(int)answer.err.reason;
}

static int stop(struct lab *lab, const char *vm)
{
    struct answer answer = {0};
    manager_stop_vm(lab->manager, &root, vm, NULL, false, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    return -(int)answer.err.reason;
}

static int hook(struct lab *lab, const char *vm, const char *operation, struct error *ret_err)
{
    struct answer answer = {0};
    run_hook(lab, vm, operation, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    if (ret_err != NULL) {
        *ret_err = answer.err;
    }
    return -(int)answer.err.reason;
}

static void an_on_demand_claim_holds_nothing_while_its_vm_is_off(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, ON_DEMAND("a", "web1"));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(fake_host_vm(&f->host, "web1")->n_devices, 1);
    assert_int_equal(start(&f->lab, "web1"), 0);
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    assert_int_equal(stop(&f->lab, "web1"), 0);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(fake_host_vm(&f->host, "web1")->n_devices, 1);
}

static void the_hook_draws_what_is_named_and_calling_it_twice_changes_nothing(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, ON_DEMAND("a", "web1"));
    struct pci_addr named = fake_host_vm(&f->host, "web1")->devices[0];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
        assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    }
    assert_int_equal(pci_addr_cmp(&claims_find(&f->lab.manager->claims, "a")->got.device, &named),
                     0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
    }
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

static void who_moves_a_vm_by_libvirt_alone_is_shown_how_to_move_it(void **state)
{
    struct lab_fixture *f = *state;
    struct error err = {0};
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    vm->n_devices = 1;
    vm->devices[0] = (struct pci_addr){.bus = 0x77, .function = 4};
    STR_SET(vm->claims[0], "elsewhere");
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`cleave gc`"));
    assert_int_equal(hook(&f->lab, "web1", "migrate", NULL), 0);
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.message, "can't come in by libvirt alone"));
    assert_non_null(strstr(err.hint, "`cleave vm migrate web1 qemu+ssh://"));
    assert_int_equal(hook(&f->lab, "web1", "restore", NULL), 0);
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`virsh managedsave-remove web1`"));
    /* It is told once: the next start is one like any other. */
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_NOT_FOUND);
    assert_non_null(strstr(err.hint, "`cleave gc`"));
}

static void a_saved_vm_keeps_its_device(void **state)
{
    struct lab_fixture *f = *state;
    struct fake_vm *vm = fake_host_vm(&f->host, "web1");
    create(&f->lab, ON_DEMAND("a", "web1"));
    assert_int_equal(start(&f->lab, "web1"), 0);
    vm->saved = true; /* `virsh managedsave` */
    vm->running = false;
    lab_look(&f->lab);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    struct answer answer = {0};
    manager_delete_claim(f->lab.manager, &root, "a", false, lab_reply, &answer);
    assert_true(lab_wait(&f->lab, &answer));
    assert_int_equal(answer.err.reason, REASON_IN_USE);
    assert_non_null(strstr(answer.err.hint, "managedsave-remove web1"));
    answer_done(&answer);
    vm->saved = false; /* `virsh managedsave-remove` */
    lab_look(&f->lab);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
}

static void a_clones_devices_go_when_it_gets_its_own(void **state)
{
    struct lab_fixture *f = *state;
    struct fake_vm *clone = fake_host_vm(&f->host, "web2");
    create(&f->lab, "{\"name\": \"k1\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    clone->n_devices = 1;
    clone->devices[0] = fake_host_vm(&f->host, "web1")->devices[0];
    STR_SET(clone->claims[0], "k1");
    assert_int_equal(start(&f->lab, "web2"), 0); /* without it: that is the original's */
    assert_int_equal(clone->n_devices, 0);
    assert_int_equal(stop(&f->lab, "web2"), 0);
    clone->n_devices = 1;
    clone->devices[0] = fake_host_vm(&f->host, "web1")->devices[0];
    STR_SET(clone->claims[0], "k1");
    create(&f->lab, "{\"name\": \"k2\", \"type\": \"A100-2-10C\", \"vm\": \"web2\"}");
    assert_int_equal(clone->n_devices, 1);
    assert_string_equal(clone->claims[0], "k2");
    assert_int_equal(start(&f->lab, "web2"), 0);
    assert_int_equal(start(&f->lab, "web1"), 0);
    assert_string_equal(fake_host_vm(&f->host, "web1")->claims[0], "k1");
}

/* Whichever call fails: the VM does not start, and the next attempt makes all. */
static void a_lost_device_is_made_again_at_the_second_attempt_at_the_latest(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    struct pci_addr was = claims_find(&f->lab.manager->claims, "a")->got.device;
    for (unsigned k = 1; k < 30; k++) {
        fake_host_forget(&f->host);
        f->lab.faults.calls = 0;
        f->lab.faults.at = k;
        f->lab.faults.kind = FAULT_FAIL_AFTER;
        int first = hook(&f->lab, "web1", "prepare", NULL);
        f->lab.faults.kind = FAULT_NONE;
        assert_true(lab_settle(&f->lab));
        if (first != 0) {
            assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
            assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
        }
        assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
        assert_true(lab_settle(&f->lab));
        assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
        assert_int_equal(pci_addr_cmp(&claims_find(&f->lab.manager->claims, "a")->got.device, &was),
                         0);
        lab_assert_sound(&f->lab);
    }
}

static bool is_given_back(void *data)
{
    return str_eq(lab_claim_state(data, "a"), "pending");
}

static void a_device_that_cant_be_given_back_yet_holds_nothing_else_up(void **state)
{
    struct lab_fixture *f = *state;
    struct fake_gpu *l40s = &f->host.gpus[2];
    create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\", \"vm\": \"web1\", "
                    "\"hold\": \"on-demand\"}");
    assert_int_equal(start(&f->lab, "web1"), 0);
    l40s->wedged = true;
    assert_int_equal(stop(&f->lab, "web1"), 0);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    for (int i = 0; i < 3; i++) { /* each looks at the VMs, and sees one that has to give back */
        create(&f->lab, "{\"name\": \"b\", \"type\": \"A100-2-10C\"}");
        assert_int_equal(lab_delete(&f->lab, "b", NULL), 0);
        assert_true(lab_settle(&f->lab));
    }
    l40s->wedged = false;
    assert_true(lab_wait_until(&f->lab, is_given_back, &f->lab));
}

static void of_two_vms_that_want_the_last_gpu_one_is_told_who_has_it(void **state)
{
    struct lab_fixture *f = *state;
    struct error err = {0};
    create(&f->lab, WHOLE("a", "web1"));
    create(&f->lab, WHOLE("b", "web2"));
    assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
    assert_int_equal(hook(&f->lab, "web2", "prepare", &err), -REASON_NO_CAPACITY);
    assert_non_null(strstr(err.message, "claim \"a\" of VM \"web1\""));
    assert_non_null(strstr(err.hint, "stop VM \"web1\"")); /* it wants that very GPU */
    assert_string_equal(lab_claim_state(&f->lab, "b"), "pending");
    /* The first ends while the second asks again: it gets it, in the order of asking. */
    assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
    assert_true(lab_settle(&f->lab));
    assert_int_equal(hook(&f->lab, "web2", "prepare", NULL), 0);
    assert_string_equal(lab_claim_state(&f->lab, "b"), "bound");
}

static void a_claim_that_never_was_bound_keeps_no_vm_from_starting(void **state)
{
    struct lab_fixture *f = *state;
    struct error err = {0};
    create(&f->lab, "{\"name\": \"ok\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    for (unsigned at = 3; at < 60 && claims_find(&f->lab.manager->claims, "extra") == NULL; at++) {
        f->lab.faults.kind = FAULT_FAIL_BEFORE;
        f->lab.faults.calls = 0;
        f->lab.faults.at = at;
        (void)lab_create(&f->lab,
                         "{\"name\": \"extra\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}", NULL);
        assert_true(lab_settle(&f->lab));
        f->lab.faults.kind = FAULT_NONE;
        if (str_eq(lab_claim_state(&f->lab, "extra"), "bound")) {
            assert_int_equal(lab_delete(&f->lab, "extra", NULL), 0);
            assert_true(lab_settle(&f->lab));
        }
    }
    assert_string_equal(lab_claim_state(&f->lab, "extra"), "failed");
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), 0);
    char said[ERROR_TEXT_SIZE];
    assert_int_equal(lab_count_events(&f->lab, "vm-lacks-claim", "vm/web1", said), 1);
    assert_non_null(strstr(said, "extra"));
    assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
    /* One that had its device, and whose release failed half-way, does. */
    struct claim *had = claims_find(&f->lab.manager->claims, "extra");
    had->was_bound = true;
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_CONFLICT);
}

static void swap_often(struct lab_fixture *f, const char *first, const char *second)
{
    const char *const vms[] = {"web1", "web2"};
    struct error err = {0};
    create(&f->lab, first);
    create(&f->lab, second);
    assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
    for (int i = 0; i < 100; i++) {
        /* What is given back is on its way while the other asks. */
        assert_int_equal(hook(&f->lab, vms[i % 2], "release", NULL), 0);
        int r = hook(&f->lab, vms[(i + 1) % 2], "prepare", &err);
        if (r != 0) {
            fail_msg("swap %d was refused: %s", i, err.message);
        }
    }
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    assert_string_equal(lab_claim_state(&f->lab, "b"), "pending");
}

static void two_vms_that_share_a_gpu_swap_it_without_a_refusal(void **state)
{
    swap_often(*state, WHOLE("a", "web1"), WHOLE("b", "web2"));
}

#define FULL(name, vm)                                                                             \
    "{\"name\": \"" name "\", \"type\": \"L40S-48Q\", \"vm\": \"" vm "\", \"hold\": "              \
    "\"on-demand\"}"

/* On functions of their own, but there is room for one. */
static void two_vms_whose_vgpus_fill_a_gpu_swap_it_without_a_refusal(void **state)
{
    swap_often(*state, FULL("a", "web1"), FULL("b", "web2"));
}

static bool a_hook_waits(void *data)
{
    const struct lab *lab = data;
    return lab->manager->parked_hooks.n > 0;
}

static void a_hook_that_waits_for_a_release_when_the_manager_stops_gets_an_answer(void **state)
{
    struct lab_fixture *f = *state;
    struct answer answer = {0};
    create(&f->lab, WHOLE("a", "web1"));
    create(&f->lab, WHOLE("b", "web2"));
    assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
    f->lab.faults.kind = FAULT_FAIL_BEFORE; /* the release fails, and is tried again later */
    f->lab.faults.calls = 0;
    f->lab.faults.at = 6;
    assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
    run_hook(&f->lab, "web2", "prepare", lab_reply, &answer);
    assert_true(lab_wait_until(&f->lab, a_hook_waits, &f->lab));
    lab_stop(&f->lab);
    f->lab.faults.kind = FAULT_NONE;
    assert_true(answer.there);
    answer_done(&answer);
}

static void a_change_that_looks_at_locked_vms_holds_up_no_hook(void **state)
{
    struct lab_fixture *f = *state;
    struct answer starts[2] = {0};
    struct answer creates[2] = {0};
    struct answer list = {0};
    create(&f->lab, ON_DEMAND("a", "web1"));
    create(&f->lab, ON_DEMAND("b", "web2"));
    CLEANUP_JSON json_t *c =
        json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C", "vm", "web3");
    CLEANUP_JSON json_t *d = json_pack("{s:s, s:s}", "name", "d", "type", "L40S-8Q");
    manager_start_vm(f->lab.manager, &root, "web1", false, lab_reply, &starts[0]);
    manager_create_claim(f->lab.manager, &root, c, false, lab_reply, &creates[0]);
    manager_start_vm(f->lab.manager, &root, "web2", false, lab_reply, &starts[1]);
    manager_create_claim(f->lab.manager, &root, d, false, lab_reply, &creates[1]);
    manager_list_vms(f->lab.manager, lab_reply, &list);
    struct answer *all[] = {&starts[0], &creates[0], &starts[1], &creates[1], &list};
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        assert_true(lab_wait(&f->lab, all[i]));
        assert_int_equal(all[i]->err.reason, REASON_NONE);
        answer_done(all[i]);
    }
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "c"), "bound");
    lab_assert_sound(&f->lab);
}

/* libvirt starts web1 by itself, in a thread of its own. */
struct starter {
    struct lab_fixture *f;
    pthread_t thread;
    int result;
    struct error err;
    atomic_bool over;
};

static void *start_behind(void *data)
{
    struct starter *starter = data;
    struct guest_port *port = starter->f->lab.fake_guest;
    starter->result = port->ops->start(port, "web1", &starter->err);
    starter->over = true;
    return NULL;
}

static void a_vm_starts_while_a_plan_changes_another(void **state)
{
    struct lab_fixture *f = *state;
    struct starter starter = {.f = f};
    struct answer answer = {0};
    create(&f->lab, ON_DEMAND("a", "web1"));
    CLEANUP_JSON json_t *c =
        json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C", "vm", "web2");
    manager_create_claim(f->lab.manager, &root, c, false, lab_reply, &answer);
    assert_int_equal(pthread_create(&starter.thread, NULL, start_behind, &starter), 0);
    assert_true(lab_wait(&f->lab, &answer));
    answer_done(&answer);
    while (!starter.over) {
        assert_true(lab_settle(&f->lab));
    }
    pthread_join(starter.thread, NULL);
    assert_int_equal(starter.result, 0);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    assert_string_equal(lab_claim_state(&f->lab, "c"), "bound");
    lab_assert_sound(&f->lab);
}

/* What a hook is told right after a plan for its VM began. */
static void ask_beside_a_plan(struct lab *lab, struct error *ret_err)
{
    struct answer created = {0};
    struct answer answer = {0};
    CLEANUP_JSON json_t *c =
        json_pack("{s:s, s:s, s:s}", "name", "c", "type", "A100-1-5C", "vm", "web1");
    manager_create_claim(lab->manager, &root, c, false, lab_reply, &created);
    assert_true(lab_wait(lab, &created)); /* its plan runs now */
    answer_done(&created);
    run_hook(lab, "web1", "prepare", lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    *ret_err = answer.err;
    assert_true(lab_settle(lab));
}

static void a_vm_whose_devices_a_plan_changes_is_refused_at_once(void **state)
{
    struct lab_fixture *f = *state;
    struct error err = {0};
    ask_beside_a_plan(&f->lab, &err);
    /* Its thread may have been so quick that the plan was over. */
    for (int i = 0; i < 100 && err.reason == REASON_NONE; i++) {
        assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
        assert_int_equal(lab_delete(&f->lab, "c", NULL), 0);
        assert_true(lab_settle(&f->lab));
        ask_beside_a_plan(&f->lab, &err);
    }
    assert_int_equal(err.reason, REASON_CONFLICT);
    assert_non_null(strstr(err.message, "is changing its devices"));
    assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
}

static void a_hook_that_waits_too_long_is_refused(void **state)
{
    struct lab_fixture *f = *state;
    lab_stop(&f->lab);
    f->lab.hook_deadline_us = 1;
    assert_int_equal(lab_start(&f->lab), 0);
    create(&f->lab, ON_DEMAND("a", "web1"));
    struct error err = {0};
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_UNAVAILABLE);
    assert_non_null(strstr(err.message, "not ready in time"));
    assert_true(lab_settle(&f->lab));
    /* libvirt tells that it did not start; whatever was made is given back */
    assert_int_equal(hook(&f->lab, "web1", "release", NULL), 0);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

static void a_hook_that_waits_when_the_manager_stops_gets_an_answer(void **state)
{
    struct lab_fixture *f = *state;
    struct answer answer = {0};
    create(&f->lab, ON_DEMAND("a", "web1"));
    run_hook(&f->lab, "web1", "prepare", lab_reply, &answer);
    lab_stop(&f->lab);
    assert_true(answer.there);
    assert_int_equal(answer.err.reason, REASON_UNAVAILABLE);
    assert_string_equal(answer.err.subject, "cleaved");
}

static void a_draw_that_fails_leaves_the_claim_pending_and_says_why(void **state)
{
    struct lab_fixture *f = *state;
    struct error err = {0};
    create(&f->lab, ON_DEMAND("a", "web1"));
    f->lab.faults.kind = FAULT_FAIL_BEFORE;
    f->lab.faults.calls = 0;
    f->lab.faults.at = 14;
    assert_int_equal(hook(&f->lab, "web1", "prepare", &err), -REASON_DRIVER);
    f->lab.faults.kind = FAULT_NONE;
    assert_non_null(strstr(err.message, "a fault was injected"));
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    assert_int_equal(hook(&f->lab, "web1", "prepare", NULL), 0);
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
}

static void look(struct lab *lab)
{
    struct answer answer = {0};
    manager_list_vms(lab->manager, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
    assert_true(lab_settle(lab));
}

static void a_vm_that_dies_without_a_hook_gives_its_device_back(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, ON_DEMAND("a", "web1"));
    assert_int_equal(start(&f->lab, "web1"), 0);
    look(&f->lab);
    assert_string_equal(lab_claim_state(&f->lab, "a"), "bound");
    fake_host_vm(&f->host, "web1")->running = false;
    look(&f->lab);
    assert_string_equal(lab_claim_state(&f->lab, "a"), "pending");
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
}

/* On-demand claims of two VMs whose names, as long as can be, differ in the last letter. */
static void vms_with_long_names_get_what_is_theirs(void **state)
{
    struct lab_fixture *f = *state;
    char names[2][VM_NAME_SIZE];
    for (size_t i = 0; i < 2; i++) {
        memset(names[i], 'v', VM_NAME_SIZE - 2);
        names[i][VM_NAME_SIZE - 2] = (char)('1' + i);
        names[i][VM_NAME_SIZE - 1] = '\0';
        assert_non_null(fake_host_add_vm(&f->host, names[i]));
        CLEANUP_FREE char *claim =
            xasprintf("{\"name\": \"c%zu\", \"type\": \"A100-2-10C\", \"vm\": \"%s\", "
                      "\"hold\": \"on-demand\"}",
                      i + 1, names[i]);
        create(&f->lab, claim);
    }
    assert_int_equal(start(&f->lab, names[1]), 0);
    assert_true(lab_settle(&f->lab));
    assert_string_equal(lab_claim_state(&f->lab, "c1"), "pending");
    assert_string_equal(lab_claim_state(&f->lab, "c2"), "bound");
    struct fake_vm *off = fake_host_vm(&f->host, names[0]);
    STR_SET(off->claims[0], "c2"); /* a clone of the other: refused, and told what to do */
    off->devices[0] = fake_host_vm(&f->host, names[1])->devices[0];
    struct error err = {0};
    assert_int_equal(hook(&f->lab, names[0], "prepare", &err), -REASON_IN_USE);
    assert_non_null(strstr(err.message, names[1]));
    assert_non_null(strstr(err.hint, names[0]));
}

static void a_renamed_vm_keeps_its_claims(void **state)
{
    struct lab_fixture *f = *state;
    create(&f->lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    STR_SET(fake_host_vm(&f->host, "web1")->name, "shop");
    look(&f->lab);
    assert_string_equal(claims_find(&f->lab.manager->claims, "a")->vm, "shop");
    assert_int_equal(start(&f->lab, "shop"), 0);
    lab_assert_sound(&f->lab);
}

static void claims_of_a_vm_that_is_gone_go_after_a_while(void **state)
{
    struct lab_fixture *f = *state;
    lab_stop(&f->lab);
    f->lab.vm_grace_us = 1000;
    assert_int_equal(lab_start(&f->lab), 0);
    create(&f->lab, "{\"name\": \"a\", \"type\": \"A100-2-10C\", \"vm\": \"web1\"}");
    *fake_host_vm(&f->host, "web1") = (struct fake_vm){0};
    look(&f->lab);
    for (int i = 0; i < 100 && f->lab.manager->claims.n > 0; i++) {
        look(&f->lab);
    }
    assert_int_equal(f->lab.manager->claims.n, 0);
    assert_int_equal(fake_host_count_vgpus(&f->host), 0);
    lab_assert_sound(&f->lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_on_demand_claim_holds_nothing_while_its_vm_is_off, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            the_hook_draws_what_is_named_and_calling_it_twice_changes_nothing, setup,
            lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_lost_device_is_made_again_at_the_second_attempt_at_the_latest, setup,
            lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_device_that_cant_be_given_back_yet_holds_nothing_else_up,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(of_two_vms_that_want_the_last_gpu_one_is_told_who_has_it,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_claim_that_never_was_bound_keeps_no_vm_from_starting,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(two_vms_that_share_a_gpu_swap_it_without_a_refusal, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(two_vms_whose_vgpus_fill_a_gpu_swap_it_without_a_refusal,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(
            a_hook_that_waits_for_a_release_when_the_manager_stops_gets_an_answer, setup,
            lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_change_that_looks_at_locked_vms_holds_up_no_hook, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_starts_while_a_plan_changes_another, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_whose_devices_a_plan_changes_is_refused_at_once, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_hook_that_waits_too_long_is_refused, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_hook_that_waits_when_the_manager_stops_gets_an_answer,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_draw_that_fails_leaves_the_claim_pending_and_says_why,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_vm_that_dies_without_a_hook_gives_its_device_back, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(vms_with_long_names_get_what_is_theirs, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_renamed_vm_keeps_its_claims, setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(claims_of_a_vm_that_is_gone_go_after_a_while, setup,
                                        lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(who_moves_a_vm_by_libvirt_alone_is_shown_how_to_move_it,
                                        setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_saved_vm_keeps_its_device, setup, lab_fixture_teardown),
        cmocka_unit_test_setup_teardown(a_clones_devices_go_when_it_gets_its_own, setup,
                                        lab_fixture_teardown),
    };
    return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
