/* SPDX-License-Identifier: Apache-2.0 */
#include "store/memory.h"

#include <string.h>

#include "base/mem.h"
#include "base/vec.h"

struct memory_store {
    struct store store;
    struct records kinds[RECORD_KIND_COUNT];
    store_changed_fn *changed;
    void *data;
};

static struct memory_store *of(struct store *store)
{
    return (struct memory_store *)store;
}

static int memory_load(struct store *store, const struct store_range *range,
                       struct records *ret_records, struct error *err)
{
    (void)err;
    const struct records *all = &of(store)->kinds[range->kind];
    size_t from = range->from == NULL ? 0 : records_place(all, range->from);
    size_t to = range->to == NULL ? all->n : records_place(all, range->to);
    size_t n = to > from ? to - from : 0;
    n = range->max != 0 && range->max < n ? range->max : n;
    for (size_t i = 0; i < n; i++) {
        const struct record *record = &all->items[range->backwards ? to - 1 - i : from + i];
        *vec_push(ret_records) =
            (struct record){.id = xstrdup(record->id),
                            .version = record->version,
                            .text = range->ids_only ? NULL : xstrdup(record->text)};
    }
    return 0;
}

static void apply(struct records *records, const struct batch_op *op)
{
    if (op->text != NULL) {
        records_put(records, op->id, op->text);
        return;
    }
    if (op->to == NULL) {
        records_remove(records, op->id);
        return;
    }
    size_t at = records_place(records, op->id);
    while (at < records->n && strcmp(records->items[at].id, op->to) < 0) {
        records_remove(records, records->items[at].id);
    }
}

static int memory_commit(struct store *store, const struct batch *batch, struct error *err)
{
    struct memory_store *m = of(store);
    for (vec_each(batch, op)) {
        const struct record *record = records_find(&m->kinds[op->kind], op->id);
        int r = batch_op_check(op, record == NULL ? 0 : record->version, err);
        if (r != 0) {
            return r;
        }
    }
    for (vec_each(batch, op)) {
        apply(&m->kinds[op->kind], op);
    }
    if (m->changed != NULL) {
        m->changed(batch, m->data);
    }
    return 0;
}

static void memory_watch(struct store *store, store_changed_fn *fn, void *data)
{
    of(store)->changed = fn;
    of(store)->data = data;
}

static int memory_damaged(struct store *store, enum record_kind kind, const char *id,
                          struct error *err)
{
    (void)store;
    if (err != NULL) {
        error_wrap(err, "the stored %s \"%s\" is damaged", record_kind_name(kind), id);
        err->reason = REASON_INTERNAL;
    }
    return -REASON_INTERNAL;
}

static void memory_free(struct store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < RECORD_KIND_COUNT; i++) {
        records_done(&of(store)->kinds[i]);
    }
    free(store);
}

static const struct store_ops memory_ops = {
    .load = memory_load,
    .commit = memory_commit,
    .watch = memory_watch,
    .damaged = memory_damaged,
    .free = memory_free,
};

struct store *memory_store_new(void)
{
    struct memory_store *m = xcalloc(1, sizeof(*m));
    m->store.ops = &memory_ops;
    return &m->store;
}
