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
    struct error gone = {0};
    if (err == NULL && operation == NULL) {
        error_set(&gone, REASON_CONFLICT, SUBJECT("operation", c->id), "it is over");
        err = &gone;
    }
    if (err != NULL) {
        c->reply(NULL, err, c->data);
        return;
    }
    if (operation->kind->cancelled != NULL) {
        operation->kind->cancelled(operation, c->author);
    }
    operation_enter_cancel(operation);
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
    txn_begin(&txn, m);
    operation->kind->put_cancel(operation, c->author, &txn);
    txn_commit_then(&txn, cancel_stored, c);
}

void operation_cancel_for(struct manager *m, struct operation *operation,
                          const struct request *request, cancel_show_fn *show)
{
    struct error err = {0};
    bool stores = operation->kind->put_cancel != NULL && !operation->cancel;
    int r = operation_check_cancel(operation, &err);
    if (r == 0 && stores && !request->dry_run) {
        store_cancel(m, operation, request, show);
        return;
    }
    r = r != 0 ? r : operation_cancel(operation, request->dry_run, &err);
    if (r != 0) {
        request_refuse(request, &err);
    } else {
        request_answer(request, show(m, operation));
    }
}
