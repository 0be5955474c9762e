/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/aside.h"

#include <assert.h>
#include <pthread.h>

#include "base/mem.h"

struct call {
    struct aside *aside;
    struct aside_call call;
    bool begun; /* under the lock, as the next two */
    pthread_t thread;
    bool worked;
    bool ended; /* the loop knows */
};

struct aside {
    struct worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t worked;
    struct call *call; /* under way; NULL: none */
};

int aside_new(struct evloop *loop, struct aside **ret_aside)
{
    struct aside *aside = xcalloc(1, sizeof(*aside));
    int r = worker_new(loop, "store", &aside->worker);
    if (r != 0) {
        free(aside);
        return r;
    }
    (void)pthread_mutex_init(&aside->lock, NULL);
    (void)pthread_cond_init(&aside->worked, NULL);
    *ret_aside = aside;
    return 0;
}

static void end(struct call *call)
{
    if (!call->ended) {
        call->ended = true;
        call->aside->call = NULL;
        call->call.ended(call->call.data);
    }
}

void aside_settle(struct aside *aside)
{
    struct call *call = aside == NULL ? NULL : aside->call;
    if (call == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&aside->lock);
    if (call->begun && pthread_equal(call->thread, pthread_self()) != 0) {
        (void)pthread_mutex_unlock(&aside->lock);
        return;
    }
    while (!call->worked) {
        (void)pthread_cond_wait(&aside->worked, &aside->lock);
    }
    (void)pthread_mutex_unlock(&aside->lock);
    end(call);
}

static void work(void *data)
{
    struct call *call = data;
    (void)pthread_mutex_lock(&call->aside->lock);
    call->begun = true;
    call->thread = pthread_self();
    (void)pthread_mutex_unlock(&call->aside->lock);
    call->call.work(call->call.data);
    (void)pthread_mutex_lock(&call->aside->lock);
    call->worked = true;
    (void)pthread_cond_signal(&call->aside->worked);
    (void)pthread_mutex_unlock(&call->aside->lock);
}

static void done(void *data)
{
    CLEANUP_FREE struct call *call = data;
    end(call);
    call->call.done(call->call.data);
}

void aside_begin(struct aside *aside, const struct aside_call *call)
{
    assert(aside->call == NULL);
    aside->call = xcalloc(1, sizeof(*aside->call));
    *aside->call = (struct call){.aside = aside, .call = *call};
    worker_submit(aside->worker, work, done, aside->call);
}

void aside_free(struct aside *aside)
{
    if (aside == NULL) {
        return;
    }
    aside_settle(aside);
    worker_free(aside->worker);
    (void)pthread_cond_destroy(&aside->worked);
    (void)pthread_mutex_destroy(&aside->lock);
    free(aside);
}
