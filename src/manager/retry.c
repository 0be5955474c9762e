/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cleaved does on its own and could not do yet, such as giving back the device of a VM that is
 * off while its GPU does not answer. It is tried again with growing pauses: at once and for ever,
 * nothing else would ever have its turn.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/listeners.h"
#include "manager/state.h"

#define FIRST_PAUSE_US UINT64_C(100000)
/* A refusal costs a look at the hardware; a plan that fails is stored, with events. */
#define LONGEST_PAUSE_US UINT64_C(5000000)
#define LONGEST_PLAN_PAUSE_US UINT64_C(60000000)

static struct retry *find(const struct manager *m, const char *what)
{
    for (vec_each(&m->retries, retry)) {
        if (str_eq(retry->what, what)) {
            return retry;
        }
    }
    return NULL;
}

/* Of what was not tried when it was due: its claim or VM is gone. */
static void forget_old(struct manager *m)
{
    uint64_t now_us = clock_monotonic_us();
    for (size_t i = m->retries.n; i > 0; i--) {
        if (now_us > m->retries.items[i - 1].due_us + LONGEST_PLAN_PAUSE_US) {
            vec_remove(&m->retries, i - 1);
        }
    }
}

static void on_due(void *data);

/* For the first that is due later than now. */
static void set_timer(struct manager *m)
{
    uint64_t now_us = clock_monotonic_us();
    uint64_t first_us = UINT64_MAX;
    for (vec_each(&m->retries, retry)) {
        if (retry->due_us > now_us && retry->due_us < first_us) {
            first_us = retry->due_us;
        }
    }
    if (m->retry_timer == NULL &&
        evloop_timer_new(m->config.loop, on_due, m, &m->retry_timer) != 0) {
        return; /* the next look at the VMs tries again */
    }
    if (first_us != UINT64_MAX) {
        (void)evloop_timer_set(m->retry_timer, first_us - now_us);
    }
}

static void on_due(void *data)
{
    struct manager *m = data;
    set_timer(m); /* a loop's timer may be early by what the loop did before */
    if (!m->stopping && m->host != NULL && m->host->libvirt_problem[0] == '\0') {
        m->listeners->retry(m);
    }
}

bool manager_may_retry(const struct manager *m, const char *what)
{
    const struct retry *retry = find(m, what);
    return retry == NULL || clock_monotonic_us() >= retry->due_us;
}

static void retry_later(struct manager *m, const char *what, uint64_t longest, const char *why)
{
    struct retry *retry = find(m, what);
    if (retry == NULL) {
        forget_old(m);
        retry = vec_push(&m->retries);
        STR_SET(retry->what, what);
    }
    if (!str_eq(retry->why, why)) {
        log_warning("%s: %s; tried again until it is done", what, why);
        STR_SET(retry->why, why);
    }
    retry->due_us = clock_monotonic_us() + backoff_take(&retry->backoff, FIRST_PAUSE_US, longest);
    set_timer(m);
}

void manager_retry_refused(struct manager *m, const char *what, const struct error *why)
{
    retry_later(m, what, LONGEST_PAUSE_US, why->message);
}

void manager_retry_ended(struct manager *m, const char *what, const struct plan *plan)
{
    const struct retry *retry = find(m, what);
    if (plan != NULL && plan->state != PLAN_DONE) {
        retry_later(m, what, LONGEST_PLAN_PAUSE_US, plan->problem);
    } else if (retry != NULL) {
        vec_remove(&m->retries, (size_t)(retry - m->retries.items));
    }
}

void manager_follow_repairs(struct manager *m, struct hardware_look *look)
{
    if (look->was_late || look->works_again) {
        manager_retry_now(m);
    }
}

void manager_retry_now(struct manager *m)
{
    for (vec_each(&m->retries, retry)) {
        retry->due_us = 0;
        backoff_reset(&retry->backoff);
    }
    if (m->retries.n > 0) {
        evloop_post(m->config.loop, on_due, m);
    }
}
