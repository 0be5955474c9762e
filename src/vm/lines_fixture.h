/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a manager whose lines to libvirt, and whose VMs' scripts, come back when a test says.
 */
#ifndef VM_LINES_FIXTURE_H
#define VM_LINES_FIXTURE_H

#include <stdatomic.h>
#include <string.h>

#include "await.h"
#include "base/str.h"
#include "hooked.h"
#include "state/config.h"
#include "state/state.h"
#include "test.h"
#include "vm/lines_fixture.h"

static const struct caller root = {.author = "root", .roles = ROLES_ALL};
static struct guest_port *lines[VM_LINES];
static struct faults line_faults;

/* A hook script: libvirt has the VM locked until it ends. */
static atomic_bool hook_hangs, hook_refuses;

static inline bool lines_script_ends(void *data)
{
    (void)data;
    return !atomic_load(&hook_hangs);
}

static inline int lines_run_script(const char *vm, const char *operation, void *data,
                                   struct error *err)
{
    (void)data;
    if (str_eq(operation, "prepare")) {
        (void)await(lines_script_ends, NULL);
    }
    return str_eq(operation, "prepare") && atomic_load(&hook_refuses)
               ? error_set(err, REASON_DRIVER, vm, "the hook says no")
               : 0;
}

static inline struct guest_port *lines_new(struct fake_host *host)
{
    struct guest_port *port = fake_guest_port_new(host);
    fake_guest_set_hook(port, lines_run_script, NULL);
    return faulty_guest_new(port, &line_faults);
}

static inline void lines_configure(struct mhost *mhost, struct manager_config *config)
{
    for (size_t i = 0; i < VM_LINES; i++) {
        if (lines[i] == NULL) {
            lines[i] = lines_new(mhost->host);
        }
        config->vm_guests[i] = lines[i];
    }
}

static inline void lines_hang(struct mhost *mhost, unsigned which)
{
    atomic_store(&mhost->faults.hang, which);
}

static inline void lines_hang_no_more(struct mhost *mhost)
{
    atomic_store(&mhost->faults.hang, 0);
}

/* A port that hangs is late at once, and nothing else is, however slow. */
static inline int lines_setup(void **state)
{
    int r = mhost_fixture_setup_as(state, lines_configure);
    ((struct mhost_fixture *)*state)->mhost.tick = mhost_lose_patience;
    return r;
}

static inline int lines_teardown(void **state)
{
    struct mhost_fixture *f = *state;
    atomic_store(&f->mhost.faults.hang, 0);
    atomic_store(&hook_hangs, false);
    atomic_store(&hook_refuses, false);
    fake_lock();
    for (size_t i = 0; i < FAKE_VMS; i++) {
        f->host.vms[i].stuck = f->host.vms[i].firm = false;
    }
    fake_unlock();
    mhost_stop(&f->mhost);
    for (size_t i = 0; i < VM_LINES; i++) {
        struct guest_port *line = TAKE_PTR(lines[i]);
        if (line != NULL) {
            line->ops->free(line);
        }
    }
    return mhost_fixture_teardown(state);
}

static inline void lines_set_vm(struct mhost_fixture *f, const char *vm, bool stuck, bool broken)
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

static inline bool lines_is_starting(void *data)
{
    const struct starting *starting = data;
    return holds_have(&starting->manager->holds, HOLD_START, hold_vm(starting->vm, "")) &&
           !starting->manager->busy;
}

/* Its start does not come back. */
static inline void lines_begin_stuck(struct mhost_fixture *f, const char *vm, struct answer *answer)
{
    struct starting starting = {f->mhost.manager, vm};
    lines_set_vm(f, vm, true, false);
    *answer = (struct answer){0};
    mhost_ask(&f->mhost, VERB_START_VM, answer, .caller = &root, .target = vm);
    assert_true(mhost_wait_until(&f->mhost, lines_is_starting, &starting));
    assert_false(answer->there);
}

static inline void lines_assert_refused(struct answer *answer, struct mhost *mhost,
                                        enum reason reason, const char *why)
{
    assert_true(mhost_wait(mhost, answer));
    assert_int_equal(answer->err.reason, reason);
    if (strstr(answer->err.message, why) == NULL) {
        fail_msg("\"%s\" is not in \"%s\"", why, answer->err.message);
    }
    answer_done(answer);
    *answer = (struct answer){0};
}

static inline void lines_add_vm(struct mhost_fixture *f, const char *name, bool on)
{
    fake_lock();
    struct fake_vm *vm = fake_host_add_vm(&f->host, name);
    assert_non_null(vm);
    vm->running = on;
    fake_unlock();
    mhost_look(&f->mhost);
}

#define LINES_TEST(name) cmocka_unit_test_setup_teardown(name, lines_setup, lines_teardown)

#endif
