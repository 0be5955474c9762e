/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "fake_host.h"

struct faulty_gpu {
    struct gpu_port port;
    struct gpu_port *inner;
    struct faults *faults;
    unsigned bit;
};
struct faulty_pci {
    struct pci_port port;
    struct pci_port *inner;
    struct faults *faults;
    unsigned bit;
};
struct faulty_guest {
    struct guest_port port;
    struct guest_port *inner;
    struct faults *faults;
    unsigned bit;
};
struct faulty_store {
    struct store store;
    struct store *inner;
    struct faults *faults;
    unsigned bit;
};

static void die(void)
{
    (void)raise(SIGKILL);
}

static int injected(enum fault_calls which, struct error *err)
{
    bool of_store = which == FAULT_COMMITS || which == FAULT_LOADS;
    return error_set(err, of_store ? REASON_UNAVAILABLE : REASON_DRIVER, "fault",
                     "a fault was injected");
}

/* Counts the call: is the fault at this one? */
static bool hits(struct faults *faults, enum fault_calls which)
{
    if (faults->only != FAULT_ALL_CALLS && faults->only != which) {
        return false;
    }
    unsigned call = atomic_fetch_add(&faults->calls, 1) + 1;
    unsigned length = faults->length == 0 ? 1 : faults->length;
    return faults->kind != FAULT_NONE && call >= faults->at && call < faults->at + length;
}

static void hang(struct faults *faults, atomic_uint *which, unsigned bit)
{
    if ((atomic_load(which) & bit) == 0 || atomic_fetch_sub(&faults->spared, 1) > 0) {
        return;
    }
    atomic_fetch_add(&faults->hanging, 1);
    while ((atomic_load(which) & bit) != 0) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    atomic_fetch_sub(&faults->hanging, 1);
}

/* Runs `call` under the faults of `self`. */
#define WITH_FAULT(self, err, call) WITH_FAULT_OF(FAULT_ALL_CALLS, self, err, call)
#define WITH_FAULT_OF(which, self, err, call)                                                      \
    do {                                                                                           \
        struct faults *faults_ = (self)->faults;                                                   \
        hang(faults_, &faults_->hang, (self)->bit);                                                \
        bool hit_ = hits(faults_, which);                                                          \
        if (hit_ && faults_->kind == FAULT_DIE_BEFORE) {                                           \
            die();                                                                                 \
        }                                                                                          \
        if (hit_ && faults_->kind == FAULT_FAIL_BEFORE) {                                          \
            return injected(which, err);                                                           \
        }                                                                                          \
        int result_ = (call);                                                                      \
        if (hit_ && faults_->kind == FAULT_DIE_AFTER) {                                            \
            die();                                                                                 \
        }                                                                                          \
        if (hit_ && faults_->kind == FAULT_FAIL_AFTER) {                                           \
            return injected(which, err);                                                           \
        }                                                                                          \
        return result_;                                                                            \
    } while (0)

static int unlock(int result)
{
    fake_unlock();
    return result;
}

#define ALONE(call) (fake_lock(), unlock(call))

/* The three operations that every port has. */
#define COMMON_OPS(name)                                                                           \
    static int name##_observe(struct name##_port *port, struct host *host, struct error *err)      \
    {                                                                                              \
        struct faulty_##name *self = (struct faulty_##name *)port;                                 \
        WITH_FAULT(self, err, ALONE(self->inner->ops->observe(self->inner, host, err)));           \
    }                                                                                              \
    static int name##_check(struct name##_port *port, const struct step *step, struct error *err)  \
    {                                                                                              \
        struct faulty_##name *self = (struct faulty_##name *)port;                                 \
        hang(self->faults, &self->faults->hang_steps, self->bit);                                  \
        WITH_FAULT(self, err, ALONE(self->inner->ops->check(self->inner, step, err)));             \
    }                                                                                              \
    static int name##_apply(struct name##_port *port, struct step *step, struct error *err)        \
    {                                                                                              \
        struct faulty_##name *self = (struct faulty_##name *)port;                                 \
        hang(self->faults, &self->faults->hang_steps, self->bit);                                  \
        WITH_FAULT_OF(FAULT_STEPS, self, err,                                                      \
                      ALONE(self->inner->ops->apply(self->inner, step, err)));                     \
    }                                                                                              \
    static void name##_free(struct name##_port *port)                                              \
    {                                                                                              \
        struct faulty_##name *self = (struct faulty_##name *)port;                                 \
        self->inner->ops->free(self->inner);                                                       \
        free(self);                                                                                \
    }

COMMON_OPS(gpu)
COMMON_OPS(pci)
COMMON_OPS(guest)

static int guest_define(struct guest_port *port, const char *xml, const char *name,
                        struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, ALONE(self->inner->ops->define(self->inner, xml, name, err)));
}

static int guest_may_define(struct guest_port *port, const char *xml, const char *name,
                            struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, ALONE(self->inner->ops->may_define(self->inner, xml, name, err)));
}

static int guest_may_undefine(struct guest_port *port, const char *vm, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, ALONE(self->inner->ops->may_undefine(self->inner, vm, err)));
}

static void guest_follow(struct guest_port *port, guest_changed_fn *changed, void *data)
{
    struct guest_port *inner = ((struct faulty_guest *)port)->inner;
    inner->ops->follow(inner, changed, data);
}

static int guest_start(struct guest_port *port, const char *vm, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->start(self->inner, vm, err));
}

static int guest_stop(struct guest_port *port, const char *vm, enum guest_stop how, bool *ret_off,
                      struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->stop(self->inner, vm, how, ret_off, err));
}

static int guest_undefine(struct guest_port *port, const char *vm, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, ALONE(self->inner->ops->undefine(self->inner, vm, err)));
}

static int guest_read_xml(struct guest_port *port, const char *vm, enum guest_xml which,
                          char **ret_xml, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->read_xml(self->inner, vm, which, ret_xml, err));
}

static int guest_facts(struct guest_port *port, const char *vm, struct domain_facts *ret_facts,
                       struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->facts(self->inner, vm, ret_facts, err));
}

static int guest_rewrite(struct guest_port *port, const char *xml,
                         const struct hostdev_change *changes, size_t n_changes, char **ret_xml,
                         struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err,
               self->inner->ops->rewrite(self->inner, xml, changes, n_changes, ret_xml, err));
}

static int guest_describe(struct guest_port *port, const char *xml, struct vm *ret_vm,
                          struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    return ALONE(self->inner->ops->describe(self->inner, xml, ret_vm, err));
}

static int guest_migrate(struct guest_port *port, const struct guest_migration *migration,
                         struct guest_progress *ret_done, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->migrate(self->inner, migration, ret_done, err));
}

static int guest_migrate_progress(struct guest_port *port, const char *vm,
                                  struct guest_progress *ret_progress, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->migrate_progress(self->inner, vm, ret_progress, err));
}

static int guest_migrate_cancel(struct guest_port *port, const char *vm, struct error *err)
{
    struct faulty_guest *self = (struct faulty_guest *)port;
    WITH_FAULT(self, err, self->inner->ops->migrate_cancel(self->inner, vm, err));
}

static const struct gpu_port_ops gpu_ops = {
    .observe = gpu_observe, .check = gpu_check, .apply = gpu_apply, .free = gpu_free};
static const struct pci_port_ops pci_ops = {
    .observe = pci_observe, .check = pci_check, .apply = pci_apply, .free = pci_free};
static const struct guest_port_ops guest_ops = {
    .observe = guest_observe,
    .follow = guest_follow,
    .check = guest_check,
    .apply = guest_apply,
    .may_define = guest_may_define,
    .define = guest_define,
    .start = guest_start,
    .stop = guest_stop,
    .may_undefine = guest_may_undefine,
    .undefine = guest_undefine,
    .read_xml = guest_read_xml,
    .facts = guest_facts,
    .rewrite = guest_rewrite,
    .describe = guest_describe,
    .migrate = guest_migrate,
    .migrate_progress = guest_migrate_progress,
    .migrate_cancel = guest_migrate_cancel,
    .free = guest_free,
};

struct ports faulty_ports_new(struct ports inner, struct faults *faults)
{
    struct faulty_gpu *gpu = xcalloc(1, sizeof(*gpu));
    *gpu = (struct faulty_gpu){
        .port = {&gpu_ops}, .inner = inner.gpu, .faults = faults, .bit = 1 << PORT_GPU};
    struct faulty_pci *pci = xcalloc(1, sizeof(*pci));
    *pci = (struct faulty_pci){
        .port = {&pci_ops}, .inner = inner.pci, .faults = faults, .bit = 1 << PORT_PCI};
    struct faulty_guest *guest = xcalloc(1, sizeof(*guest));
    *guest = (struct faulty_guest){
        .port = {&guest_ops}, .inner = inner.guest, .faults = faults, .bit = 1 << PORT_GUEST};
    return (struct ports){.gpu = &gpu->port, .pci = &pci->port, .guest = &guest->port};
}

struct guest_port *faulty_guest_new(struct guest_port *inner, struct faults *faults)
{
    struct faulty_guest *guest = xcalloc(1, sizeof(*guest));
    *guest = (struct faulty_guest){
        .port = {&guest_ops}, .inner = inner, .faults = faults, .bit = 1 << PORT_GUEST};
    return &guest->port;
}

/* ---- store ---- */

/* What a batch compares can't be tried again after it was stored: no such batch fails so. */
static bool may_fail_after(const struct batch *batch)
{
    bool may = true;
    for (vec_each(batch, op)) {
        may = may && op->expect == VERSION_ANY;
    }
    return may;
}

static int store_load(struct store *store, const struct store_range *range,
                      struct records *ret_records, struct error *err)
{
    struct faulty_store *self = (struct faulty_store *)store;
    hang(self->faults, &self->faults->hang, HANG_LOADS);
    if (self->faults->only != FAULT_LOADS) {
        return self->inner->ops->load(self->inner, range, ret_records, err);
    }
    WITH_FAULT_OF(FAULT_LOADS, self, err,
                  self->inner->ops->load(self->inner, range, ret_records, err));
}

static int store_commit(struct store *store, const struct batch *batch, struct error *err)
{
    struct faulty_store *self = (struct faulty_store *)store;
    if (self->faults->kind == FAULT_FAIL_AFTER && !may_fail_after(batch)) {
        (void)hits(self->faults, FAULT_COMMITS);
        return self->inner->ops->commit(self->inner, batch, err);
    }
    WITH_FAULT_OF(FAULT_COMMITS, self, err, self->inner->ops->commit(self->inner, batch, err));
}

static void store_watch(struct store *store, store_changed_fn *fn, void *data)
{
    struct faulty_store *self = (struct faulty_store *)store;
    self->inner->ops->watch(self->inner, fn, data);
}

static int store_damaged(struct store *store, enum record_kind kind, const char *id,
                         struct error *err)
{
    struct faulty_store *self = (struct faulty_store *)store;
    return self->inner->ops->damaged(self->inner, kind, id, err);
}

static void store_free(struct store *store)
{
    struct faulty_store *self = (struct faulty_store *)store;
    self->inner->ops->free(self->inner);
    free(self);
}

static const struct store_ops store_ops = {
    .load = store_load,
    .commit = store_commit,
    .watch = store_watch,
    .damaged = store_damaged,
    .free = store_free,
};

struct store *faulty_store_new(struct store *inner, struct faults *faults)
{
    struct faulty_store *self = xcalloc(1, sizeof(*self));
    *self = (struct faulty_store){
        .store = {&store_ops}, .inner = inner, .faults = faults, .bit = HANG_STORE};
    return &self->store;
}
