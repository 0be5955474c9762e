/* SPDX-License-Identifier: Apache-2.0 */
#include "hooked.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/state.h"
#include "test.h"

#define PATIENCE_S 20

/* A hook in another thread, as libvirt's is in another process. */
struct asking {
    struct mhost *mhost;
    const char *vm, *operation;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool there;
    struct error err;
};

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

void hooked_begin(struct mhost *mhost, const char *vm, const char *operation, reply_fn *reply,
                  void *data)
{
    CLEANUP_FREE char *xml = xasprintf("<domain><name>%s</name></domain>", vm);
    CLEANUP_JSON json_t *body =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "domain", vm, "operation", operation, "subOperation",
                  "begin", "extra", "-", "xml", xml);
    mhost_ask(mhost, VERB_RUN_HOOK, data, .json = body, .reply = reply);
}

static void on_loop(void *data)
{
    struct asking *asking = data;
    hooked_begin(asking->mhost, asking->vm, asking->operation, on_answer, asking);
}

static int ask_cleave(const char *vm, const char *operation, void *data, struct error *err)
{
    struct asking asking = {.mhost = data,
                            .vm = vm,
                            .operation = operation,
                            .lock = PTHREAD_MUTEX_INITIALIZER,
                            .answered = PTHREAD_COND_INITIALIZER};
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_S;
    evloop_post(asking.mhost->loop, on_loop, &asking);
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

int hooked_setup(void **state)
{
    int r = mhost_fixture_setup(state);
    struct mhost_fixture *f = *state;
    fake_guest_set_hook(f->mhost.fake_guest, ask_cleave, &f->mhost);
    return r;
}

void hooked_create(struct mhost *mhost, const char *claim)
{
    assert_int_equal(mhost_create(mhost, claim, NULL), 0);
    assert_true(mhost_settle(mhost));
}

/* The result of `cleave vm start`. */
int hooked_start(struct mhost *mhost, const char *vm)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_START_VM, &answer, .target = vm);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    return -(int)answer.err.reason;
}

int hooked_stop(struct mhost *mhost, const char *vm)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_STOP_VM, &answer, .target = vm);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    return -(int)answer.err.reason;
}

int hooked_ask(struct mhost *mhost, const char *vm, const char *operation, struct error *ret_err)
{
    struct answer answer = {0};
    hooked_begin(mhost, vm, operation, mhost_reply, &answer);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    if (ret_err != NULL) {
        *ret_err = answer.err;
    }
    return -(int)answer.err.reason;
}

void hooked_look(struct mhost *mhost)
{
    struct answer answer = {0};
    mhost_ask(mhost, VERB_LIST_VMS, &answer);
    assert_true(mhost_wait(mhost, &answer));
    answer_done(&answer);
    assert_true(mhost_settle(mhost));
}
