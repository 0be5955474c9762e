/* SPDX-License-Identifier: Apache-2.0 */
/* Advice on a need: from a fresh look, or, when that is late, from the last one with its age. */
#include "verbs/advice.h"

#include "base/mem.h"
#include "plan/host_advice.h"
#include "state/planner_view.h"
#include "state/state.h"
#include "verbs/waiting.h"
#include "watch/looks.h"
#include "watch/observe.h"

struct advice_question {
    struct need need;
    reply_fn *reply;
    void *data;
};

static void observed(struct manager *m, const struct error *err, void *data)
{
    CLEANUP_FREE struct advice_question *question = data;
    json_t *body = NULL;
    if (err == NULL) {
        struct host_advices advices = {0};
        const struct planner planner = planner_view(m);
        planner_advise(&planner, &question->need, &advices);
        body = host_advices_to_json(planner.rules, &advices);
        host_advices_done(&advices);
        waiting_add_lateness(m, READ_PATIENCE_US, body);
    }
    question->reply(body, err, question->data);
}

void verb_advise_need(struct manager *m, const struct request *request)
{
    const struct need *need = request->body;
    struct advice_question *question = xcalloc(1, sizeof(*question));
    *question =
        (struct advice_question){.need = *need, .reply = request->reply, .data = request->data};
    observe_soon(m, READ_PATIENCE_US, observed, question);
}
