/* SPDX-License-Identifier: Apache-2.0 */
#include "verbs/watched.h"

#include "base/json.h"
#include "base/mem.h"
#include "feed/feed.h"
#include "model/operation.h"
#include "state/state.h"
#include "verbs/claims.h"
#include "verbs/operations.h"
#include "verbs/questions.h"
#include "verbs/waiting.h"
#include "watch/looks.h"
#include "watch/observe.h"

/* Operations in progress tell no one of each step. */
#define PROGRESS_US UINT64_C(500000)

/* Lists by their kinds; `member`: where a body has them. */
static const struct {
    enum feed_kind kind;
    const char *member;
    answer_fn *answer;
} lists[] = {
    {FEED_GPU, "gpus", answer_gpus},
    {FEED_VM, "vms", answer_vms},
    {FEED_CLAIM, "claims", answer_claims},
};

static void set_health(struct feed *feed, const struct manager *m)
{
    CLEANUP_JSON json_t *health = health_to_json(m);
    json_object_del(health, "observedAt"); /* else each look would be a change */
    feed_set(feed, FEED_HEALTH, health);
}

static bool is_active(const json_t *operation)
{
    enum operation_state state = OPERATION_DONE;
    const char *name = json_string_value(json_object_get(operation, "state"));
    return operation_state_parse(name, &state) && !operation_state_is_over(state);
}

static void set_operations(struct feed *feed, const struct manager *m)
{
    const struct request all = {0};
    CLEANUP_JSON json_t *body = operations_list(m, &all);
    const json_t *list = json_object_get(body, "operations");
    bool active = false;
    size_t i = 0;
    json_t *operation = NULL;
    json_array_foreach(list, i, operation)
    {
        active = active || is_active(operation);
    }
    feed_set(feed, FEED_OPERATION, list);
    if (active) {
        feed_touch_in(feed, PROGRESS_US);
    }
}

static void fill(struct feed *feed, void *data)
{
    struct manager *m = data;
    CLEANUP_JSON json_t *host = NULL;
    if (answer_host(m, "", &host, NULL) == 0) {
        feed_set(feed, FEED_HOST, host);
    }
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        CLEANUP_JSON json_t *body = NULL;
        struct error err = {0};
        if (lists[i].answer(m, "", &body, &err) == 0) { /* else they are as they were last seen */
            feed_set(feed, lists[i].kind, json_object_get(body, lists[i].member));
        }
    }
    set_operations(feed, m);
    set_health(feed, m);
}

static void look(void *data)
{
    struct manager *m = data;
    if (!m->stopping) {
        observe_all(m, NULL, NULL);
    }
}

int watched_open(struct manager *m)
{
    m->feed_source = (struct feed_source){.fill = fill, .look = look, .data = m};
    return feed_new(m->config.loop, &m->feed_source, &m->service.feed);
}

void watched_close(struct manager *m)
{
    feed_free(TAKE_PTR(m->service.feed));
}

void watched_note_hardware(struct manager *m, struct hardware_look *look)
{
    (void)look;
    feed_touch(m->service.feed);
}

void watched_note_guests(struct manager *m, const struct host *now)
{
    (void)now;
    feed_touch(m->service.feed);
}

struct watch_question {
    unsigned kinds;
    reply_fn *reply;
    void *data;
};

static void seen(struct manager *m, const struct error *err, void *data)
{
    (void)m;
    CLEANUP_FREE struct watch_question *question = data;
    json_t *body = err != NULL ? NULL : json_pack("{s:I}", "kinds", (json_int_t)question->kinds);
    question->reply(body, err, question->data);
}

void verb_watch(struct manager *m, const struct request *request)
{
    unsigned kinds = 0;
    struct error err = {0};
    if (feed_read_kinds(request->kind, &kinds, &err) != 0) {
        request_refuse(request, &err);
        return;
    }
    struct watch_question *question = xcalloc(1, sizeof(*question));
    *question = (struct watch_question){kinds, request->reply, request->data};
    observe_soon(m, looks_read_patience_us(m), seen, question);
}
