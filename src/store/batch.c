/* SPDX-License-Identifier: Apache-2.0 */
#include "store/batch.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

void batch_done(struct batch *batch)
{
    for (vec_each(batch, op)) {
        free(op->id);
        free(op->text);
        free(op->to);
    }
    vec_done(batch);
    json_decref(TAKE_PTR(batch->places));
}

static char *place_of(enum record_kind kind, const char *id)
{
    return xasprintf("%s/%s", record_kind_name(kind), id);
}

static struct batch_op *find(const struct batch *batch, enum record_kind kind, const char *id)
{
    CLEANUP_FREE char *place = place_of(kind, id);
    json_int_t at = json_integer_value(json_object_get(batch->places, place));
    return at == 0 ? NULL : &batch->items[at - 1];
}

const struct batch_op *batch_find(const struct batch *batch, enum record_kind kind, const char *id)
{
    return find(batch, kind, id);
}

static void set(struct batch *batch, enum record_kind kind, const char *id, char *text,
                uint64_t expect)
{
    struct batch_op *op = find(batch, kind, id);
    if (op != NULL) {
        free(op->text);
        op->text = text;
        return;
    }
    *vec_push(batch) =
        (struct batch_op){.kind = kind, .id = xstrdup(id), .text = text, .expect = expect};
    if (batch->places == NULL) {
        batch->places = json_object();
    }
    CLEANUP_FREE char *place = place_of(kind, id);
    json_object_set_new(batch->places, place, json_integer((json_int_t)batch->n));
}

void batch_put(struct batch *batch, enum record_kind kind, const char *id, char *text,
               uint64_t expect)
{
    set(batch, kind, id, text, expect);
}

void batch_delete(struct batch *batch, enum record_kind kind, const char *id, uint64_t expect)
{
    set(batch, kind, id, NULL, expect);
}

void batch_delete_range(struct batch *batch, enum record_kind kind, const char *from,
                        const char *to)
{
    *vec_push(batch) = (struct batch_op){
        .kind = kind, .id = xstrdup(from), .to = xstrdup(to), .expect = VERSION_ANY};
}

int batch_op_check(const struct batch_op *op, uint64_t is, struct error *err)
{
    if (op->expect == VERSION_ANY || op->expect == is) {
        return 0;
    }
    char subject[ERROR_SUBJECT_SIZE];
    const char *kind = record_kind_name(op->kind);
    str_print(subject, sizeof(subject), "%s/%s", kind, op->id);
    int r = is == 0 ? error_set(err, REASON_CONFLICT, subject,
                                "the stored %s \"%s\" was deleted by another writer meanwhile",
                                kind, op->id)
                    : error_set(err, REASON_CONFLICT, subject,
                                "the stored %s \"%s\" was changed by another writer meanwhile: it "
                                "has version %ju, not %ju",
                                kind, op->id, (uintmax_t)is, (uintmax_t)op->expect);
    error_hint(err, "read it again, then try again");
    return r;
}
