/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/operation_cancel.h"

#include "base/str.h"
#include "state/txn.h"
#include "turn/resume.h"

/* A request whose cancel is on its way to the store. */
struct cancelling {
    struct manager *manager;
    char id[40]; /* the operation's */
    char author[NAME_SIZE];
    cancel_show_fn *show;
    reply_fn *reply;
    void *data;
};

static void cancel_stored(const struct error *err, void *data)
{
    CLEANUP_FREE struct cancelling *c = data;
    struct operation *operation = operations_find(&c->manager->operations, c->id);
    struct error over = {0};
    if (err == NULL && (operation == NULL || operation_is_over(operation))) {
        error_set(&over, REASON_CONFLICT, SUBJECT("operation", c->id), "it has ended meanwhile");
        err = &over;
    }
    if (err != NULL) {
        c->reply(NULL, err, c->data);
        return;
    }
    operation_cancel(operation, c->author);
    c->reply(c->show(c->manager, operation), NULL, c->data);
    resume_if_free(c->manager);
}

static void store_cancel(struct manager *m, const struct operation *operation,
                         const struct request *request, cancel_show_fn *show)
{
    struct cancelling *c = xcalloc(1, sizeof(*c));
    const char *author = request->caller != NULL ? request->caller->author : "";
    *c = (struct cancelling){
        .manager = m, .show = show, .reply = request->reply, .data = request->data};
    STR_SET(c->id, operation->id);
    STR_SET(c->author, author[0] != '\0' ? author : "cleaved");
    struct txn txn;
    struct error err = {0};
    txn_begin(&txn, m);
    if (operation->kind->put_cancel(operation, c->author, &txn, &err) != 0) {
        txn_drop(&txn);
        cancel_stored(&err, c);
    } else {
        txn_commit_then(&txn, cancel_stored, c);
    }
}

void operation_cancel_for(struct manager *m, struct operation *operation,
                          const struct request *request, cancel_show_fn *show)
{
    struct error err = {0};
    if (operation_check_cancel(operation, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    if (!request->dry_run && !operation->cancel && operation->kind->put_cancel != NULL) {
        store_cancel(m, operation, request, show);
        return;
    }
    if (!request->dry_run && operation->cancel) {
        operation_schedule(operation, 0); /* once more */
    } else if (!request->dry_run) {
        operation_cancel(operation, request->caller != NULL ? request->caller->author : "");
    }
    request_answer(request, show(m, operation));
}
