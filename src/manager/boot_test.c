/* SPDX-License-Identifier: Apache-2.0 */
/* A host in memory that was rebooted, and whose libvirt has not come up yet. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/mem.h"
#include "lab.h"
#include "manager/state.h"
#include "store/memory.h"
#include "test.h"

#define PAUSE_NS 1000000

static const struct caller root = {.author = "root"};

/* libvirt, which starts web1 and then tells nothing of any VM until it is over. */
struct silence {
    struct lab lab;
    struct lab_data data;
    struct fake_host host;
    pthread_t thread;
    atomic_bool begun, over;
};

static int keep_silent(const char *vm, const char *operation, void *data, struct error *err)
{
    struct silence *silence = data;
    (void)vm;
    (void)operation;
    (void)err;
    silence->begun = true;
    while (!silence->over) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return 0;
}

static void *start_vm(void *data)
{
    struct guest_port *port = ((struct silence *)data)->lab.fake_guest;
    (void)port->ops->start(port, "web1", NULL);
    return NULL;
}

static void fall_silent(struct silence *f)
{
    fake_guest_set_hook(f->lab.fake_guest, keep_silent, f);
    assert_int_equal(pthread_create(&f->thread, NULL, start_vm, f), 0);
    while (!f->begun) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
}

static int setup(void **state)
{
    struct silence *f = xcalloc(1, sizeof(*f));
    lab_furnish(&f->host);
    lab_data_load(&f->data);
    lab_open(&f->lab, &f->data, &f->host, memory_store_new());
    *state = f;
    return lab_start(&f->lab);
}

static int teardown(void **state)
{
    struct silence *f = *state;
    lab_close(&f->lab);
    lab_data_done(&f->data);
    free(f);
    return 0;
}

static void look_at_guests(struct lab *lab)
{
    struct answer answer = {0};
    manager_list_vms(lab->manager, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    answer_done(&answer);
}

static void restore(struct lab *lab)
{
    struct answer answer = {0};
    manager_restore_host(lab->manager, &root, NULL, false, lab_reply, &answer);
    assert_true(lab_wait(lab, &answer));
    assert_int_equal(answer.err.reason, REASON_NONE);
    answer_done(&answer);
}

/* systemd starts libvirt after `cleave host restore`, but its socket takes calls before. */
static void a_restoration_in_a_new_boot_waits_for_no_libvirt(void **state)
{
    struct silence *f = *state;
    assert_int_equal(lab_create(&f->lab, "{\"name\": \"a\", \"type\": \"L40S-8Q\"}", NULL), 0);
    assert_true(lab_settle(&f->lab));
    lab_stop(&f->lab);
    fake_host_reboot(&f->host);
    fall_silent(f);
    assert_int_equal(lab_start(&f->lab), 0);
    const struct manager *m = f->lab.manager;
    while (m->restore.began_us == 0 || m->restore.active) {
        restore(&f->lab); /* joins what cleaved began */
    }
    assert_int_equal(fake_host_count_vgpus(&f->host), 1);
    restore(&f->lab); /* and comes after it */
    assert_false(m->views[HALF_GUESTS].known || m->impatient);

    f->over = true;
    pthread_join(f->thread, NULL);
    look_at_guests(&f->lab);
    assert_true(m->views[HALF_GUESTS].known);
    uint64_t looks = m->views[HALF_GUESTS].ended;
    restore(&f->lab); /* now VMs may run */
    assert_true(m->views[HALF_GUESTS].ended > looks);
    assert_true(lab_settle(&f->lab));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_restoration_in_a_new_boot_waits_for_no_libvirt, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
