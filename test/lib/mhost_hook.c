/* SPDX-License-Identifier: Apache-2.0 */
#include "mhost_hook.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "base/str.h"

#define PATIENCE_MS 2000

/* One call of the hook: shared by the worker that waits and the loop that answers. Who is last
 * frees it. */
struct call {
    struct mhost *mhost;
    char vm[VM_NAME_SIZE], operation[16];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool there, left;
    struct error err;
};

static void call_free(struct call *call)
{
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static void reply(json_t *body, const struct error *err, void *data)
{
    struct call *call = data;
    json_decref(body);
    pthread_mutex_lock(&call->lock);
    call->there = true;
    if (err != NULL) {
        call->err = *err;
    }
    bool left = call->left;
    pthread_cond_signal(&call->changed);
    pthread_mutex_unlock(&call->lock);
    if (left) {
        call_free(call);
    }
}

/* On the loop. */
static void ask(void *data)
{
    struct call *call = data;
    if (call->mhost->manager == NULL) {
        struct error err = {0};
        error_set(&err, REASON_UNAVAILABLE, "cleaved", "cleaved does not answer");
        reply(NULL, &err, call);
        return;
    }
    CLEANUP_FREE char *xml = xasprintf("<domain><name>%s</name></domain>", call->vm);
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s}", "domain", call->vm, "operation", call->operation, "xml", xml);
    mhost_ask(call->mhost, VERB_RUN_HOOK, call, .json = body, .reply = reply);
}

/* On a worker. */
static int wait_for(struct call *call, struct error *err)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    int r = 0;
    pthread_mutex_lock(&call->lock);
    while (!call->there && r != ETIMEDOUT) {
        r = pthread_cond_timedwait(&call->changed, &call->lock, &until);
    }
    bool there = call->there;
    call->left = !there;
    int result = 0;
    if (!there) {
        result = error_set(err, REASON_UNAVAILABLE, "cleaved", "cleaved does not answer");
    } else if (call->err.reason != REASON_NONE) {
        result = -(int)call->err.reason;
        if (err != NULL) {
            *err = call->err;
        }
    }
    pthread_mutex_unlock(&call->lock);
    if (there) {
        call_free(call);
    }
    return result;
}

static int run_hook(const char *vm, const char *operation, void *data, struct error *err)
{
    struct mhost *mhost = data;
    struct call *call = xcalloc(1, sizeof(*call));
    call->mhost = mhost;
    STR_SET(call->vm, vm);
    STR_SET(call->operation, operation);
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->changed, NULL);
    evloop_post(mhost->loop, ask, call);
    return wait_for(call, err);
}

void mhost_set_hook(struct mhost *mhost)
{
    fake_guest_set_hook(mhost->fake_guest, run_hook, mhost);
}
